"""Read values from JSON text: by path with DuckDB, and from the JSON text of one value its type or string.

Names and rules of values do not belong here; JSON text is built in `transforms.json.encoding`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import polars as pl

from schemas.canonical import JSON_TYPE
from schemas.fields import JsonType
from transforms.engine_tables import in_chunks, registered
from transforms.json.encoding import ESCAPES
from transforms.json.exact_numbers import SUSPECT, hide_numbers, show_numbers
from transforms.statements import statement

LONGEST_PATH = 300  # characters of a path that a person may still read

# statement → the columns that it adds to each text
ADDED: Mapping[str, pl.Schema] = {
    "json_values": pl.Schema({"found": pl.List(pl.String), "unknown_keys": pl.List(pl.List(pl.String))}),
    "json_cells": pl.Schema({"value": pl.String()}),
    "json_items": pl.Schema({"items": pl.List(pl.String)}),
    "json_members": pl.Schema({"place": pl.String(), "word": pl.String()}),
    "json_object_values": pl.Schema({"found": pl.List(pl.String), "unknown_keys": pl.List(pl.String)}),
    "items_at": pl.Schema({"items": pl.List(pl.String)}),
    "pairs_opened": pl.Schema({"value": pl.String()}),
    "items_left": pl.Schema({"kept": pl.String()}),
    "secret_members": pl.Schema({"removed": pl.List(pl.String), "kept": pl.String()}),
    "values_at": pl.Schema({"found": pl.List(pl.String), "rest": pl.String()}),
    "json_without_nulls": pl.Schema({"value": pl.String()}),
}

# statement → those of them that are JSON and may contain numbers
JSON = ("found", "value", "items", "rest", "kept")
SHOWN = {name: [column for column in added if column in JSON] for name, added in ADDED.items()}

TYPES_BY_FIRST_CHARACTER: Mapping[str, str] = {
    '"': JsonType.STRING.value,
    "t": JsonType.BOOLEAN.value,
    "f": JsonType.BOOLEAN.value,
    "{": JsonType.OBJECT.value,
    "[": JsonType.ARRAY.value,
    "n": JsonType.NULL.value,
    "-": JsonType.NUMBER.value,
    **dict.fromkeys("0123456789", JsonType.NUMBER.value),
}

# DuckDB rewrites every value, and then escapes the same characters as we do and no others, in capital letters
ESCAPED_CHARACTERS: Mapping[str, str] = {
    **{f"\\u{code:04X}": chr(code) for code in range(0x20)},
    **dict(zip(ESCAPES.values(), ESCAPES, strict=True)),
}


def extract_values(
    texts: pl.DataFrame,
    paths: Sequence[str],
    *,
    engine: duckdb.DuckDBPyConnection,
    objects: Sequence[str] = ("$",),
    every: bool = False,
) -> pl.DataFrame:
    """Replace `text` by `found`, the JSON text at each path, and `unknown_keys`, the keys of each of `objects`.

    `unknown_keys` is null where a text has no more keys than values were found, unless `every` row needs them.
    """
    values: dict[str, Sequence[str] | bool] = {"paths": list(paths), "objects": list(objects), "every": every}
    return query_texts("json_values", texts, engine=engine, values=values)


def unpack_found(names: Iterable[str]) -> Iterator[pl.Expr]:
    """Yield the items of the column `found` as columns of these names, in order."""
    return (pl.col("found").list.get(i).alias(name) for i, name in enumerate(names))


def json_pointer(key: str) -> str:
    """Return the path of a key of the root that works whatever the key contains (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def query_texts(
    name: str,
    texts: pl.DataFrame,
    *,
    engine: duckdb.DuckDBPyConnection,
    values: Mapping[str, Sequence[str] | str | bool] | None = None,
) -> pl.DataFrame:
    """Return the frame without `text` and with the columns that the statement adds; it reads `json_texts`."""
    if texts.is_empty():
        return pl.DataFrame(schema={**texts.drop("text").schema, **ADDED[name]})
    has_numbers = texts["text"].str.contains(SUSPECT).any()
    hidden = texts.with_columns(hide_numbers(pl.col("text"))) if has_numbers else texts
    with registered(engine, "json_texts", in_chunks(hidden.to_arrow())):
        added = pl.DataFrame(engine.sql(statement(name), params=values).to_arrow_table())
    return added.with_columns(*map(_with_shown_numbers, SHOWN[name])) if has_numbers else added


def _with_shown_numbers(name: str) -> pl.Expr:
    column = pl.col(name)
    return show_numbers(column) if name in ("value", "rest", "kept") else column.list.eval(show_numbers(pl.element()))


def find_invalid_json(records: pl.DataFrame, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    """Return the numbers of the records whose `text` DuckDB's lenient parser rejects; a null text is not checked."""
    texts = records.select("record", "text").to_arrow(compat_level=pl.CompatLevel.newest())  # without a copy
    with registered(engine, "record_texts", in_chunks(texts)):
        found = engine.sql(statement("invalid_json")).to_arrow_table()
    return pl.Series("record", found["record"].to_pylist(), dtype=pl.Int64)


def get_json_type(text: pl.Expr) -> pl.Expr:
    """Return the JSON type of a value from its JSON text; null where there is no value."""
    return text.str.head(1).replace_strict(TYPES_BY_FIRST_CHARACTER, return_dtype=JSON_TYPE)


def has_escape(text: pl.Expr) -> pl.Expr:
    """Return whether the JSON text contains an escape."""
    return text.str.contains("\\", literal=True)


def decode_string(text: pl.Expr, *, escaped: pl.Expr | None = None) -> pl.Expr:
    """Return the string of a JSON text; `escaped` says, if it is known, in which rows there may be escapes."""
    plain = text.str.strip_chars('"')  # a quote inside would be escaped
    suspect = pl.when(has_escape(text) if escaped is None else escaped).then(text)
    unescaped = suspect.str.slice(1, suspect.str.len_chars() - 2).str.replace_many(ESCAPED_CHARACTERS)
    return pl.coalesce(unescaped, plain)


def make_printable(path: pl.Expr) -> pl.Expr:
    """Return the path with control characters escaped as in JSON, cut where it is too long to read."""
    controls = {chr(code): f"\\u{code:04X}" for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)}
    return path.str.replace_many(controls).str.head(LONGEST_PATH)
