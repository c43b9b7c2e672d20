"""Find what the rules of a mapping pass by, so that nothing is dropped silently.

That is: values that do not fit their field or come after the one that counts, the other items of arrays, and values
where a path expects an object. What becomes of them is in `transforms.mapping.leftovers`.
"""

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.fields import Field, JsonType
from schemas.mapping.language import TYPES, Mapping, Rule
from schemas.mapping.paths import Every, Path, Step, Where
from transforms.json.values import query_texts
from transforms.mapping.rules import TRUE, Words, choose_value, fits_of, json_at, read_rule
from transforms.mapping.values_at import column_at, merge_patch

NOTHING = ("null", '""', "[]", "{}")


@dataclass(frozen=True)
class Unread:
    """What is passed by, as columns of JSON texts by a name for each: what is not a secret, and what may be one."""

    plain: dict[str, pl.Series]
    secret: dict[str, pl.Series]


@dataclass(frozen=True)
class _Reader:
    """A path into an array: whether it takes only the first item that it leads to, and whether what is a secret."""

    path: Path
    is_first: bool = False
    is_secret: bool = False

    @property
    def step(self) -> Step:
        """The step into the array."""
        return self.path.steps[len(self.path.members)]

    @property
    def inside(self) -> tuple[Step, ...]:
        """The steps to what is read of an item; a secret is read with all of its item."""
        return () if self.is_secret else self.path.steps[len(self.path.members) + 1 :]

    @property
    def takes_all(self) -> bool:
        """Whether nothing is left of an array, or of an object if it leads to its values."""
        return isinstance(self.step, Every) and not self.inside and not self.is_first

    @property
    def patch(self) -> str:
        """The merge patch that removes what is read of an item."""
        if not self.inside:
            return "null"
        where = [(self.step.key,)] if isinstance(self.step, Where) else []
        return json.dumps(merge_patch([*where, Path("", self.inside).members]))


def list_around(mapping: Mapping, used: Sequence[Path]) -> list[Path]:
    """Return the paths of the objects and arrays on the way to the values that a mapping uses."""
    return [*_objects(used), *(_to(members) for members in _arrays(mapping))]


def find_unread(
    found: pl.DataFrame, mapping: Mapping, words: Words, *, used: Sequence[Path], engine: duckdb.DuckDBPyConnection
) -> Unread:
    """Return what is passed by of records whose values at paths are columns of `found`."""
    texts = list_texts(mapping)
    plain = {path.text: _unless_object(path) for path in _objects(used) if path.members not in texts}
    plain |= dict(_find_unplaced(mapping, words, opened={*list_inner(used), *_arrays(mapping)}))
    read = found.with_columns(_read_each(mapping, words))
    columns = dict(zip(plain, read.select(value.alias(name) for name, value in plain.items()), strict=True))
    secret = dict[str, pl.Series]()
    for members, readers in _arrays(mapping).items():
        left = _find_left(found, members, readers, takes_texts=members in texts, engine=engine)
        (secret if any(reader.is_secret for reader in readers) else columns)[".".join(members)] = left
    return Unread(columns, secret)


def list_texts(mapping: Mapping) -> set[tuple[str, ...]]:
    """Return the members on the way to each value that is read as a text, a number, true or false."""
    scalar = [
        rules for field, rules in _fields(mapping) if field and field.type not in (JsonType.OBJECT, JsonType.ARRAY)
    ]
    paths = (path for rules in scalar for rule in rules for path in rule.at)
    return {path.members for path in paths if len(path.members) == len(path.steps)}


def list_inner(paths: Iterable[Path]) -> set[tuple[str, ...]]:
    """Return the members on the way to each object that a path leads through."""
    return {path.members[:end] for path in paths for end in range(1, len(path.members))}


def _to(members: Sequence[str]) -> Path:
    return Path(".".join(members), tuple(members))


def _objects(used: Sequence[Path]) -> list[Path]:
    """Return the paths to what must be an object for a path to go on, unless another path uses all of it."""
    whole = {path.members for path in used}
    return [_to(members) for members in sorted(list_inner(used)) if members not in whole]


def _unless_object(path: Path) -> pl.Expr:
    value = pl.col(column_at(path))
    return pl.when(~value.str.starts_with("{") & ~value.is_in(NOTHING)).then(value)


def _fields(mapping: Mapping) -> Iterator[tuple[Field | None, Sequence[Rule]]]:
    yield from ((Field(name, TYPES[name]), rules) for name, rules in mapping.fields.items())
    yield from ((None, rules) for table in (mapping.app_metadata, mapping.user_metadata) for rules in table.values())


def _single(mapping: Mapping) -> Iterator[tuple[str, Field | None, Sequence[Rule]]]:
    """Yield a name for the columns of each field that has one value, the field and its rules."""
    for number, (field, rules) in enumerate(_fields(mapping)):
        if not (field and field.type is JsonType.ARRAY):
            yield f"rule {number}", field, rules


def _is_certain(rules: Sequence[Rule], field: Field | None, words: Words) -> bool:
    return len(rules) == 1 and not fits_of(rules[0], field, words)


def _read_each(mapping: Mapping, words: Words) -> Iterator[pl.Expr]:
    """Yield a column of what each rule gives: to plan the same long expression for every comparison takes seconds."""
    for name, field, rules in _single(mapping):
        for place, rule in enumerate(rules):
            if rule.words or not _is_certain(rules, field, words):
                yield read_rule(rule, field, words).alias(f"{name} {place}")


def _find_unplaced(
    mapping: Mapping, words: Words, *, opened: Container[tuple[str, ...]]
) -> Iterator[tuple[str, pl.Expr]]:
    """Yield name and value of what does not fit any field that it is for, or is not the one that counts.

    Of objects and arrays that other paths lead into (`opened`), what is left is found elsewhere.
    """
    placed: MappingOf[Path, list[pl.Expr]] = defaultdict(list)
    for name, field, rules in _single(mapping):
        found = [pl.col(f"{name} {place}") for place, _ in enumerate(rules)]
        counts, is_certain = choose_value(found, rules, field, words), _is_certain(rules, field, words)
        for rule, given in zip(rules, found, strict=True):
            value = choose_value([given], [rule], field, words)
            is_placed = pl.lit(value=True) if is_certain else value == counts
            if field and field.type is JsonType.BOOLEAN and rule.words:  # which word it was that means true
                is_placed = value != TRUE
            for path in rule.at if not rule.present else ():
                placed[path].append(is_placed.fill_null(value=False))
    for path, conditions in placed.items():
        if not any(condition.meta.is_literal() for condition in conditions):
            name = path.column if len(path.steps) == 1 else path.text
            value = json_at(path, words)
            if path.members in opened and not path.is_many:
                value = pl.when(~value.str.contains(r"^[{\[]")).then(value)
            yield name, pl.when(~pl.any_horizontal(conditions)).then(value)


def _arrays(mapping: Mapping) -> dict[tuple[str, ...], list[_Reader]]:
    """Return the readers of the items of each array, by the members on the way to it."""
    readers: dict[tuple[str, ...], list[_Reader]] = defaultdict(list)
    for reader in _readers(mapping):
        if len(reader.path.members) < len(reader.path.steps):
            readers[reader.path.members].append(reader)
    return readers


def _readers(mapping: Mapping) -> Iterator[_Reader]:
    for field, rules in _fields(mapping):
        is_list = field is not None and field.type is JsonType.ARRAY
        for rule in rules:
            for path in rule.at if not rule.present else ():
                items = path if path.is_many else path.items
                parts = [Path("", (*items.steps, *at.steps)) for part in rule.each.values() for at in part.at]
                yield from (_Reader(part) for part in parts)
                if not parts:
                    yield _Reader(path, is_first=path.is_many and not is_list)
    for password in mapping.password:
        rules = [*password.parts.values(), *((password.plain,) if password.plain else ())]
        yield from (_Reader(path, is_secret=True) for rule in rules for path in rule.at)
    yield from (_Reader(path) for path in (*mapping.leave_out, *mapping.ignore))


def _find_left(
    found: pl.DataFrame,
    members: tuple[str, ...],
    readers: Sequence[_Reader],
    *,
    takes_texts: bool,
    engine: duckdb.DuckDBPyConnection,
) -> pl.Series:
    """Return what is left of the values at an array's place, which need not be arrays."""
    value = pl.col(column_at(_to(members)))
    whole = {"{" if reader.step is Every.VALUE else "[" for reader in readers if reader.takes_all}
    if whole or any(reader.step is Every.VALUE for reader in readers):
        is_other = ~value.str.head(1).is_in([*whole]) & ~value.is_in(NOTHING)
        return found.select(left=pl.when(is_other).then(value)).to_series()
    rows = found.select("record", text=value, is_taken=_is_taken(value, readers))
    texts = rows.filter(pl.col("text").str.starts_with("[") & ~pl.col("is_taken")).select("record", "text")
    left = query_texts("items_left", texts, engine=engine, values=_describe(readers))
    is_other = ~pl.col("text").str.contains(r"^\[" if not takes_texts else r"^[^{]") & ~pl.col("text").is_in(NOTHING)
    joined = rows.join(left, on="record", how="left", maintain_order="left")
    return joined.select(left=pl.when(is_other).then("text").otherwise("kept")).to_series()


def _is_taken(value: pl.Expr, readers: Sequence[_Reader]) -> pl.Expr:
    """Return whether one reader reads all items, as one does of most arrays."""
    reads_items = [reader for reader in readers if not reader.path.steps[len(reader.path.members) + 1 :]]
    taken = (pl.concat_str(pl.lit("["), _items(reader), pl.lit("]")) == value for reader in reads_items)
    return pl.any_horizontal(pl.lit(value=False), *taken).fill_null(value=False)


def _items(reader: _Reader) -> pl.Expr:
    column = pl.col(column_at(reader.path))
    if not reader.path.is_many:
        return column
    return column.list.first() if reader.is_first else column.list.join(",")


def _describe(readers: Sequence[_Reader]) -> MappingOf[str, Sequence[str]]:
    wheres = [reader.step if isinstance(reader.step, Where) else None for reader in readers]
    return {
        "places": [str(reader.step + 1) if isinstance(reader.step, int) else "" for reader in readers],
        "keys": [f"$.{json.dumps(where.key, ensure_ascii=False)}" if where else "" for where in wheres],
        "values": [where.value if where else "" for where in wheres],
        "insides": [Path("", Path("", reader.inside).members).pointer for reader in readers],  # without wildcards
        "firsts": ["first" if reader.is_first else "" for reader in readers],
        "patches": [reader.patch for reader in readers],
    }
