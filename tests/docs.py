"""Write the parts of the guides that follow from declarations: `python -m tests.docs`.

A part is between the markers `<!-- name -->` and `<!-- /name -->`. What people have to explain is written by hand.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandera.polars as pa
from cyclopts import App, Argument
from pydantic import BaseModel

from flows.import_users.cli import app as import_app
from schemas.connection import ConnectionSettings
from schemas.fields import FIELDS
from schemas.hashing import SCHEMES
from schemas.mapping.language import Mapping as MappingFile
from schemas.mapping.language import Pairs, Password, Rule, Signs, Skip
from schemas.profiles import HEADER_ALIASES
from schemas.rules.connection_user import user_model
from schemas.rules.hash_algorithms import ALGORITHMS
from schemas.rules.hash_value import HashValue
from schemas.rules.identities import Identity
from schemas.rules.list_items import ListItem
from schemas.rules.mfa_factors import MfaFactor
from schemas.rules.objects import RESERVED_APP_METADATA
from schemas.rules.password_hash import PasswordHash
from tests.mapping_docs import list_coverage, list_keys, list_profiles
from transforms.hashes.spellings import SPELLINGS

ROOT = Path(__file__).resolve().parent.parent


def parts(text: str) -> list[str]:
    """Return the names of the marked parts of a document."""
    return re.findall(r"^<!-- /([\w-]+) -->$", text, re.MULTILINE)


def part(text: str, name: str) -> str:
    """Return the content of a marked part."""
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]


def with_part(text: str, name: str, content: str) -> str:
    """Return the document with other content between the markers."""
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    return f"{before}{start}{content}{end}{after}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |") for cells in lines)


def code(*words: str) -> str:
    """Return words in code style, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


def command_names(app: App) -> list[str]:
    """Return the names of an app's commands."""
    return [name for name in app if not name.startswith("-")]


def options(app: App) -> str:
    """Return the table of a command's options."""
    arguments = [argument for argument in app.assemble_argument_collection() if argument.name.startswith("--")]
    return table(("option", "default", "meaning"), map(_option_row, arguments))


def fields() -> str:
    """Return the table of the user's fields."""
    rows = [
        (code(field.name), field.type.value, _yes(field.key), _yes(field.upsertable), _yes(field.secret))
        for field in FIELDS
    ]
    return table(("field", "JSON type", "key", "set by an update", "secret"), rows)


def aliases() -> str:
    """Return the table of the headers that a CSV file may use for a field."""
    names: dict[str, list[str]] = defaultdict(list)
    for alias, field in HEADER_ALIASES.items():
        names[field].append(alias)
    return table(
        ("field", "headers"), [(code(field.name), code(*names[field.name])) for field in FIELDS if names[field.name]]
    )


def rules(model: type[pa.DataFrameModel], *, prefix: str = "") -> str:
    """Return the table of a model's rules; paths are shown without the prefix."""
    columns: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, column in model.to_schema().columns.items():
        for check in column.checks:
            columns[str(check.error), str(check.description)].append(name.removeprefix(prefix))
    sentences = {rule: re.sub(r"(?:\{\w+\})+", "…", rule[1]) for rule in columns}
    rows = [(code(*names), code(rule[0]), sentences[rule]) for rule, names in columns.items()]
    return table(("path", "code", "sentence"), rows)


def algorithms() -> str:
    """Return the table of the hash algorithms."""
    rows = [
        (
            code(name),
            code(*algorithm.forms),
            "allowed" if algorithm.salted else "not allowed",
            code(*algorithm.requires) or "",
            _yes(algorithm.of_auth0),
            algorithm.sentence,
        )
        for name, algorithm in ALGORITHMS.items()
    ]
    return table(("`algorithm`", "`hash.encoding`", "`salt`", "also required", "`auth0-import`", "what it is"), rows)


def hash_schemes() -> str:
    """Return the table of the schemes by which hashes of other systems are read."""
    rows = [(code(scheme.name), code(*scheme.parts), scheme.sentence) for scheme in SCHEMES.values()]
    return table(("scheme", "parts", "what it is"), rows)


def hash_spellings() -> str:
    """Return the table of the spellings of hashes and of what becomes of them."""
    rows = [
        (form.title, code(*form.example.split(", ")), code(form.algorithm) if form.algorithm else form.problem or "–")
        for form in SPELLINGS
    ]
    return table(("spelling", "begins or looks like", "becomes"), rows)


def keys(part: type[BaseModel]) -> str:
    """Return the table of what a part of a mapping can say."""
    return table(("key", "what it says"), list_keys(part))


def profiles() -> str:
    """Return the table of the profiles."""
    return table(("profile", "what it reads", "formats"), list_profiles())


def coverage() -> str:
    """Return the table of what the profiles do with each field."""
    head = ("profile", "kept", "rewritten", "into the metadata", "left out with a warning", "not said by the system")
    return table(head, list_coverage())


def reserved_keys() -> str:
    """Return the keys that `app_metadata` must not have."""
    return f"{code(*RESERVED_APP_METADATA)}\n"


def _option_row(argument: Argument) -> tuple[str, str, str]:
    shown = argument.show_default
    default = shown(argument.field_info.default) if callable(shown) else shown
    name = " ".join(filter(None, (argument.name, argument.parameter.metavar)))
    choices = argument.get_choices()
    meaning = f"{argument.parameter.help}{f' One of {code(*choices)}.' if choices else ''}"
    return code(name), code(str(default)) if default else "–", meaning


def _yes(value: bool) -> str:
    return "yes" if value else ""


GENERATED: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "flows/README.md": {"options": lambda: options(import_app)},
    "schemas/README.md": {
        "fields": fields,
        "aliases": aliases,
        "rules": lambda: rules(user_model(ConnectionSettings())),
        "algorithms": algorithms,
        "password-hash-rules": lambda: rules(PasswordHash, prefix="custom_password_hash."),
        "hash-value-rules": lambda: rules(HashValue, prefix="custom_password_hash."),
        "mfa-factor-rules": lambda: rules(MfaFactor, prefix="mfa_factors[]."),
        "list-item-rules": lambda: rules(ListItem),
        "identity-rules": lambda: rules(Identity, prefix="identities[]."),
        "reserved-keys": reserved_keys,
        "hash-schemes": hash_schemes,
        "hash-spellings": hash_spellings,
    },
    "schemas/profiles/README.md": {
        "profiles": profiles,
        "mapping-keys": lambda: keys(MappingFile),
        "rule-keys": lambda: keys(Rule),
        "password-keys": lambda: keys(Password),
        "skip-keys": lambda: keys(Skip),
        "pairs-keys": lambda: keys(Pairs),
        "signs-keys": lambda: keys(Signs),
        "coverage": coverage,
    },
}


def main() -> None:
    """Write every generated part."""
    for name, writers in GENERATED.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        for marker, write in writers.items():
            text = with_part(text, marker, write())
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
