"""Reads values out of JSON texts: by paths with the engine, and from the JSON text of a value what it says.

What the values are called and must be is not known here.
"""

from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from schemas.canonical import JSON_TYPE
from schemas.fields import JsonType
from transforms.engine_tables import in_chunks, registered
from transforms.statements import statement

LONGEST_PATH = 300

# statement → the columns that it gives a text
ADDED: Mapping[str, pl.Schema] = {
    "json_values": pl.Schema({"found": pl.List(pl.String), "unknown_keys": pl.List(pl.List(pl.String))}),
    "json_cells": pl.Schema({"value": pl.String()}),
    "json_items": pl.Schema({"items": pl.List(pl.String)}),
    "json_members": pl.Schema({"place": pl.String(), "word": pl.String()}),
    "json_object_values": pl.Schema({"found": pl.List(pl.String), "unknown_keys": pl.List(pl.String)}),
    "json_without_nulls": pl.Schema({"value": pl.String()}),
}

FIRST_CHARACTERS: Mapping[str, str] = {
    '"': JsonType.STRING.value,
    "t": JsonType.BOOLEAN.value,
    "f": JsonType.BOOLEAN.value,
    "{": JsonType.OBJECT.value,
    "[": JsonType.ARRAY.value,
    "n": JsonType.NULL.value,
    "-": JsonType.NUMBER.value,
    **dict.fromkeys("0123456789", JsonType.NUMBER.value),
}

# the engine writes every value anew, and then escapes these and nothing else
ESCAPES: Mapping[str, str] = {
    **{f"\\u{code:04X}": chr(code) for code in range(0x20)},
    "\\b": "\b",
    "\\t": "\t",
    "\\n": "\n",
    "\\f": "\f",
    "\\r": "\r",
    '\\"': '"',
    "\\\\": "\\",
}


def values_at(
    texts: pl.DataFrame,
    paths: Sequence[str],
    *,
    engine: duckdb.DuckDBPyConnection,
    objects: Sequence[str] = ("$",),
    every: bool = False,
) -> pl.DataFrame:
    """Replace `text` by `found`, the JSON text at each path, and `unknown_keys`, the keys of each of `objects`.

    `unknown_keys` is null for a text whose keys are no more than the values found, unless `every` row is to have them.
    """
    values: dict[str, Sequence[str] | bool] = {"paths": list(paths), "objects": list(objects), "every": every}
    return engine_pass("json_values", texts, engine=engine, values=values)


def engine_pass(
    name: str,
    texts: pl.DataFrame,
    *,
    engine: duckdb.DuckDBPyConnection,
    values: Mapping[str, Sequence[str] | bool] | None = None,
) -> pl.DataFrame:
    """The result of a statement over the frame, which it knows as `json_texts`: without `text`, with what it adds."""
    if texts.is_empty():
        return pl.DataFrame(schema={**texts.drop("text").schema, **ADDED[name]})
    with registered(engine, "json_texts", in_chunks(texts.to_arrow())):
        return pl.DataFrame(engine.sql(statement(name), params=values).to_arrow_table())


def json_type_of(found: pl.Expr) -> pl.Expr:
    """The JSON type that a value's JSON text shows; null where there is no value."""
    return found.str.head(1).replace_strict(FIRST_CHARACTERS, return_dtype=JSON_TYPE)


def has_escape(text: pl.Expr) -> pl.Expr:
    """Whether the JSON text has an escape anywhere."""
    return text.str.contains("\\", literal=True)


def text_of(found: pl.Expr, *, escaped: pl.Expr | None = None) -> pl.Expr:
    """The text that a string's JSON text stands for; `escaped` tells, if it is known, where there may be escapes."""
    plain = found.str.strip_chars('"')  # a quote inside would be escaped
    doubtful = pl.when(has_escape(found) if escaped is None else escaped).then(found)
    unescaped = doubtful.str.slice(1, doubtful.str.len_chars() - 2).str.replace_many(ESCAPES)
    return pl.coalesce(unescaped, plain)


def printable(path: pl.Expr) -> pl.Expr:
    """The path with control characters escaped as in JSON, cut where it is of no use to a person any more."""
    controls = {character: escape for escape, character in ESCAPES.items() if len(escape) > 2}
    return path.str.replace_many(controls).str.head(LONGEST_PATH)
