"""Read a mapping or profile from TOML; every fault is named with its line, all of them at once."""

import difflib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.job import METADATA
from schemas.mapping.language import TYPES, Mapping, Pairs, Password, Rule, Signs, Skip, find_misfit
from schemas.mapping.lines import find_lines
from schemas.mapping.secrets import names_secret

Place = tuple[str | int, ...]
PARTS: dict[str, type[BaseModel]] = {
    "fields": Rule,
    "user_metadata": Rule,
    "app_metadata": Rule,
    "password": Password,
    "skip": Skip,
    "pairs": Pairs,
    "recognise": Signs,
}
SENTENCES = {
    "missing": "is missing",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "dataclass_type": "must be a path",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must be lower-case letters and digits, with - or _ between them",
    "greater_than_equal": "must be at least 1",
}


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of a mapping; the line is 1 where no other can be told."""

    line: int
    sentence: str


class MappingError(ValueError):
    """A mapping cannot be used; `problems` says why, by line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"line {problem.line}: {problem.sentence}" for problem in problems))
        self.problems = tuple(problems)


def parse_mapping(text: str, *, schemes: dict[str, tuple[str, ...]]) -> Mapping:
    """Return the mapping that a TOML text says; `schemes` has the parts of each way to write a hash.

    Raise `MappingError` with everything that is wrong with it.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError([_syntax_problem(str(error), text)]) from None
    lines = find_lines(text)
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        found = {Problem(_line_of(detail["loc"], lines), _say(detail)) for detail in error.errors()}
        found |= {Problem(_line_of(place, lines), sentence) for place, sentence in _find_unknown_fields(document)}
        raise MappingError(sorted(found)) from None
    problems = [Problem(_line_of(place, lines), sentence) for place, sentence in _find_misfits(mapping, schemes)]
    if problems:
        raise MappingError(sorted({*problems}))
    return mapping


def _syntax_problem(message: str, text: str) -> Problem:
    what, _, place = message.partition(" (at ")
    line = place.removeprefix("line ").partition(",")[0]
    return Problem(int(line) if line.isdigit() else text.count("\n") + 1, f"is not TOML: {what[:1].lower()}{what[1:]}")


def _line_of(place: Place, lines: dict[Place, int]) -> int:
    """Return the line of a place in the document, or of the nearest table around it."""
    known = [name for name in place if not _is_of_pydantic(name)]
    for end in range(len(known), 0, -1):
        for candidate in (tuple(known[:end]), tuple(name for name in known[:end] if isinstance(name, str))):
            if candidate in lines:
                return lines[candidate]
    return 1


def _is_of_pydantic(name: str | int) -> bool:
    return isinstance(name, str) and name.startswith("function-")


def _say(detail: ErrorDetails) -> str:
    place = [name for name in detail["loc"] if not _is_of_pydantic(name)]
    path = ".".join(name for name in place if isinstance(name, str) and name != "[key]") or "the mapping"
    match detail["type"]:
        case "extra_forbidden":
            return f"{path} isn't a known key{_suggest(place)}"
        case "value_error":
            return f"{path} {str(detail['ctx']['error']).removeprefix('Value error, ')}"
        case "literal_error":
            return f"{path} must be {detail['ctx']['expected']}"
        case kind:
            return f"{path} {SENTENCES.get(kind) or detail['msg'][:1].lower() + detail['msg'][1:]}"


def _suggest(place: Sequence[str | int]) -> str:
    first, name = place[0], str(place[-1])
    model: type[BaseModel] = Mapping if len(place) == 1 else PARTS.get(str(first), Rule)
    known = [field.alias or key for key, field in model.model_fields.items()]
    similar = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {similar[0]}?" if similar else f"; known are {', '.join(known)}"


def _find_unknown_fields(document: dict[str, object]) -> Iterator[tuple[Place, str]]:
    fields = document.get("fields")
    for name in fields if isinstance(fields, dict) else ():
        if name not in TYPES:
            similar = difflib.get_close_matches(name, TYPES, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else "; a key of metadata goes into [user_metadata]"
            yield ("fields", name), f"fields.{name} isn't a field of a user{hint}"


def _find_misfits(mapping: Mapping, schemes: dict[str, tuple[str, ...]]) -> Iterator[tuple[Place, str]]:
    """Yield what the parts of a valid document say wrongly together."""
    yield from _find_unknown_fields({"fields": dict(mapping.fields)})
    for name, rules in mapping.fields.items():
        for rule in rules if name in TYPES else ():
            yield from ((("fields", name), f"fields.{name} {wrong}") for wrong in _find_wrong(name, rule))
    for table in METADATA:
        for key, rules in getattr(mapping, table).items():
            yield from (((table, key), f"{table}.{key} {wrong}") for wrong in _find_secrets(key, rules))
    for place, password in enumerate(mapping.password):
        yield from ((("password", place, *where), sentence) for where, sentence in _find_scheme(password, schemes))
    for place, skip in enumerate(mapping.skip):
        if skip.words and skip.only:
            yield ("skip", place), "skip has both is and is_not; write one of them"


def _find_secrets(key: str, rules: Sequence[Rule]) -> Iterator[str]:
    names = (str(path.steps[-1]) for rule in rules if not rule.present for path in rule.at)
    for name in dict.fromkeys(name for name in (key, *names) if names_secret(name)):
        yield f"is or reads {name}, which names a secret; metadata must not have any"


def _find_wrong(name: str, rule: Rule) -> Iterator[str]:
    import zoneinfo  # noqa: PLC0415 - for mappings with times only

    if wrong := find_misfit(name, rule):
        yield wrong
    if rule.zone != "UTC" and rule.zone not in zoneinfo.available_timezones():
        yield f"has the zone {rule.zone!r}, which isn't an IANA time zone such as Europe/Berlin"


def _find_scheme(password: Password, schemes: dict[str, tuple[str, ...]]) -> Iterator[tuple[Place, str]]:
    if password.scheme is None:
        return
    if (known := schemes.get(password.scheme)) is None:
        similar = difflib.get_close_matches(password.scheme, schemes, n=1)
        hint = f"did you mean {similar[0]}?" if similar else f"known are {', '.join(schemes)}"
        yield ("scheme",), f"password.scheme {password.scheme!r} isn't a known scheme; {hint}"
    for part in (part for part in password.parts if known and part not in known):
        parts = ", ".join(known or ())
        yield ("parts", part), f"password.parts.{part} isn't a part of {password.scheme}; these are {parts}"
