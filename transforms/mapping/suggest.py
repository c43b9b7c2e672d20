"""Write a mapping from a sample of a file: what its names and values can mean, with a comment where it is a guess."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.fields import FIELD_NAMES, FIELDS, JsonType
from schemas.mapping import suggestions as names
from schemas.mapping.signs import Record, Sample, values_of
from schemas.profiles import ABSENT_WORD, FALSE_WORDS, HEADER_ALIASES, TRUE_WORDS
from schemas.rules.given_texts import ABSENT_WORDS
from transforms.field_names import fold_name, suggest

MOST_WORDS = 12  # different values of a status
MOST_NAMES = 40  # in a comment
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
HASH = re.compile(r"\$[0-9A-Za-z][0-9A-Za-z-]*\$|\{[A-Z0-9-]+\}|pbkdf2[_:]|scrypt:|argon2\$|bcrypt")
BARE = re.compile(r"[A-Za-z0-9_-]+")
TIMES = (
    ("epoch_ms", re.compile(r"1[0-9]{12}|[2-9][0-9]{11}")),
    ("epoch", re.compile(r"1[0-9]{9}|[2-9][0-9]{8}")),
    ("%d %b %Y", re.compile(r"[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}")),
    ("iso", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")),
    ("%d.%m.%Y", re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}")),
    ("%m/%d/%Y", re.compile(r"(?:0?[1-9]|1[0-2])/[0-9]{1,2}/[0-9]{4}")),
    ("%d/%m/%Y", re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")),
    ("%Y/%m/%d", re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}")),
)


@dataclass(frozen=True)
class _Column:
    """A column or path of the sample, with what it holds."""

    path: str
    values: Sequence[str]
    is_table: bool

    @property
    def names(self) -> tuple[str, ...]:
        """What the column may be called: the last part of its path, folded, without marks, and a name in brackets."""
        last = self.path if self.is_table else re.sub(r"(?:\[\])+$", "", self.path).rpartition(".")[2]
        inside = re.search(r"\[([A-Za-z]+)\]", last)
        bare = fold_name(re.sub(r"[\[(][^\])]*[\])]|\*|\b(?:required|optional)$", "", last, flags=re.IGNORECASE))
        return tuple(name.replace("_", "") for name in (bare, fold_name(inside[1] if inside else "")) if name)

    @property
    def written(self) -> str:
        """The path as TOML."""
        path = self.path
        if self.is_table and re.search(r'[.\[\]="*]', path):
            path = f'"{path}"'
        return json.dumps(path, ensure_ascii=False)


@dataclass(frozen=True)
class _Line:
    """One line of [fields]: the rule as TOML, and why it is a guess, if it is one."""

    field: str
    rule: str
    guess: str = ""

    def __str__(self) -> str:
        return f"{self.field} = {self.rule}" + (f" # guessed: {self.guess}" if self.guess else "")


def suggest_mapping(sample: Sample, *, name: str) -> str:
    """Return a mapping file for a source of this name; raise `LookupError` if nothing can be read of it."""
    container, records = _find_records(sample)
    if not records:
        raise LookupError("no record can be read")
    columns = [*_columns(sample, records)]
    secret = [column for column in columns if not {*column.names}.isdisjoint(names.PASSWORD_NAMES)]
    passwords, used = [_suggest_password(column) for column in secret], {column.path for column in secret}
    lines = list[_Line]()
    found = [(column, line) for column in columns if column not in secret and (line := _suggest_field(column))]
    for column, line in sorted(found, key=lambda pair: bool(pair[1].guess)):  # what is certain comes first
        used |= {column.path} if _add_line(lines, line) else set()
    order = {field: place for place, field in enumerate(FIELD_NAMES)}
    lines.sort(key=lambda line: order[line.field])
    parts = (*_head(name, container, columns), "[fields]", *map(str, lines), *passwords, *_tail(columns, used), "")
    return "\n".join(parts)


def _add_line(lines: list[_Line], line: _Line) -> bool:
    """Add a line, and return whether it counts: of a field the first, of what says who may sign in every one."""
    same = next((other for other in lines if other.field == line.field), None)
    if same is None:
        lines.append(line)
    elif line.field == "blocked":
        rules = f"{same.rule.removeprefix('[').removesuffix(']')}, {line.rule}"
        guesses = "; ".join(guess for guess in (same.guess, line.guess) if guess)
        lines[lines.index(same)] = _Line("blocked", f"[{rules}]", guesses)
    return same is None or line.field == "blocked"


def _find_records(sample: Sample) -> tuple[str, Sequence[Record]]:
    """Return the key of the longest array of objects, and its records; those of a document without one are itself."""
    found = max(sample.arrays.items(), key=lambda item: len(item[1]), default=("", ()))
    return found if found[1] else ("", [sample.document] if sample.document else ())


def _head(name: str, container: str, columns: Sequence[_Column]) -> Iterator[str]:
    yield f"# A mapping for {name}, suggested from its first records. See the lines that say guessed, then try it:"
    yield f"#   user-import import {name} --mapping THIS_FILE --dry-run"
    yield f"title = {json.dumps(f'a file like {name}', ensure_ascii=False)}"
    yield 'system = "source" # the key in user_metadata of everything that has no field'
    if container:
        yield f"containers = [{json.dumps(container, ensure_ascii=False)}]"
    words = {value for column in columns for value in column.values}
    if absent := sorted(words & ({*ABSENT_WORDS} - {ABSENT_WORD})):
        yield f"null_words = {json.dumps(absent)} # guessed: they look like absent values"
    yield ""


def _columns(sample: Sample, records: Sequence[Record]) -> Iterator[_Column]:
    if sample.columns:
        for column in sample.columns:
            yield _Column(column, values_of(records, column), is_table=True)
        return
    seen = dict[str, list[str]]()
    for record in records:
        for path, value in _walk(record, ""):
            seen.setdefault(path, []).append(value)
    for path, values in seen.items():
        yield _Column(path, [value for value in values if value], is_table=False)


def _walk(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and text of every value inside a record."""
    match value:
        case dict():
            for key, inner in value.items():
                name = key if re.fullmatch(r'[^.\[\]="*\s](?:[^.\[\]="*]*[^.\[\]="*\s])?', key) else f'"{key}"'
                yield from _walk(inner, f"{path}.{name}" if path else name)
        case list():
            for inner in value:
                yield from _walk(inner, f"{path}[]")
        case None:
            yield path, ""
        case bool():
            yield path, json.dumps(value)
        case _:
            yield path, str(value)


def _suggest_field(column: _Column) -> _Line | None:
    """Return what a column can mean, if anything."""
    values = [value.strip().lower() for value in column.values]
    for name in column.names:
        if line := _suggest_flag(column, name, values):
            return line
    field, guess = _find_field(column.names, values)
    are_addresses = bool(values) and all(map(ADDRESS.fullmatch, values))
    if field not in FIELD_NAMES or (field == "username" and are_addresses):
        return None
    if field == "username" and any(re.search(r"\s", value.strip()) for value in column.values):
        field, guess = "name", "its values have spaces"
    return _Line(field, _write_rule(column, field), guess)


def _find_field(candidates: Sequence[str], values: Sequence[str]) -> tuple[str | None, str]:
    """Return the field that a name, or else the values, can mean, and why that is a guess."""
    known = {name.replace("_", ""): field for name, field in HEADER_ALIASES.items()}
    known |= {field.replace("_", ""): field for field in FIELD_NAMES}
    for found, guess in ((known, ""), (names.LOOSE_NAMES, "its name")):
        if field := next((found[name] for name in candidates if name in found), None):
            return field, guess
    if values and all(map(ADDRESS.fullmatch, values)):
        return "email", "its values are addresses"
    hidden = () if _are_flags(values) else (JsonType.BOOLEAN,)
    public = [
        field.name for field in FIELDS if not field.secret and field.name != "source_id" and field.type not in hidden
    ]
    similar = next((field for name in candidates if (field := suggest(name, public))), None)
    return similar, "its name is similar"


def _suggest_flag(column: _Column, name: str, values: Sequence[str]) -> _Line | None:
    """Return a line for who may sign in, from a flag, a status or the time when that ended."""
    is_flag = _are_flags(values)
    is_about_blocked = name in names.BLOCKED_NAMES or name.removeprefix("is") in names.BLOCKED_NAMES
    is_about_active = name in names.ACTIVE_NAMES
    if is_flag and (is_about_blocked or is_about_active):
        return _Line("blocked", f"{{ from = {column.written}, not = true }}" if is_about_active else column.written)
    if is_about_blocked and values and not {*values} & {*names.YES_WORDS, *names.NO_WORDS, *names.BLOCKED_WORDS}:
        rule = f"{{ from = {column.written}, present = true }}"
        return _Line("blocked", rule, "a value means that the user is blocked")
    if not values or not (is_about_blocked or is_about_active or name in names.STATUS_NAMES):
        return None
    yes, no = (names.NO_WORDS, names.YES_WORDS) if is_about_active else (names.YES_WORDS, names.NO_WORDS)
    meanings = dict.fromkeys((*names.BLOCKED_WORDS, *yes), True) | dict.fromkeys((*names.ACTIVE_WORDS, *no), False)
    words = sorted({*values})[:MOST_WORDS]
    pairs = ", ".join(f"{_key(word)} = {json.dumps(meanings[word])}" for word in words if word in meanings)
    unknown = [word for word in words if word not in meanings]
    if len(unknown) == len(words):  # of other words, nobody can say whom they keep out
        return None
    guess = f"say what {' and '.join(unknown)} means, or these rows are refused" if unknown else "its values"
    return _Line("blocked", f"{{ from = {column.written}, map = {{ {pairs} }} }}", guess)


def _are_flags(values: Sequence[str]) -> bool:
    return bool(values) and {*values} <= {*TRUE_WORDS, *FALSE_WORDS}


def _write_rule(column: _Column, field: str) -> str:
    values = [value for value in column.values if value not in ABSENT_WORDS]
    if field in ("registered_at", "last_login_at", "birthdate"):
        form = next((form for form, pattern in TIMES if values and all(map(pattern.fullmatch, values))), None)
        return f"{{ from = {column.written}, time = {json.dumps(form)} }}" if form else column.written
    if field in ("roles", "groups") and not column.path.endswith("[]"):
        separator = next((mark for mark in (";", "|", ",") if any(mark in value for value in values)), None)
        return f"{{ from = {column.written}, separator = {json.dumps(separator)} }}" if separator else column.written
    return column.written


def _suggest_password(column: _Column) -> str:
    if column.values and all(map(HASH.match, column.values)):
        return f'\n[[password]]\nscheme = "spelled" # guessed: its values\nparts = {{ value = {column.written} }}'
    if not {*column.names}.isdisjoint(names.HASH_NAMES):
        return f'\n[[password]]\nscheme = "spelled" # guessed: its name\nparts = {{ value = {column.written} }}'
    return (
        f"\n[[password]] # guessed: plain text, never stored; for hashes, name their scheme\nplain = {column.written}"
    )


def _tail(columns: Sequence[_Column], used: set[str]) -> Iterator[str]:
    others = [column.path for column in columns if column.path not in used]
    if others:
        more = f" and {len(others) - MOST_NAMES} more" if len(others) > MOST_NAMES else ""
        yield f"\n# to user_metadata.source go: {', '.join(others[:MOST_NAMES])}{more}"


def _key(word: str) -> str:
    return word if BARE.fullmatch(word) else json.dumps(word, ensure_ascii=False)
