"""Makes what cells and columns say into what JSON would say: absent values, booleans in words, objects in a text.

Works on frames with one column of JSON texts per field, as they were found in the records.
"""

import json
import math

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS, JsonType
from schemas.frames import Layout
from schemas.profiles import Profile
from transforms.json.values import engine_pass, text_of

NESTED_FIELDS = tuple(field.name for field in FIELDS if field.type in {JsonType.OBJECT, JsonType.ARRAY})
BOOLEAN_FIELDS = tuple(field.name for field in FIELDS if field.type is JsonType.BOOLEAN)

# JSON that the engine takes and the standard does not: to be looked at by a strict reader
LENIENT_JSON = r"(?i),\s*[}\]]|nan|inf|[0-9.]e\+?[0-9]{3}"


def as_json(
    found: pl.DataFrame, *, layout: Layout, profile: Profile, engine: duckdb.DuckDBPyConnection
) -> pl.DataFrame:
    """The frame as if its records had been JSON from the start."""
    if layout.textual:
        found = found.with_columns(_without(name, "null", '""') for name in _values(found))
        found = found.with_columns(_flag(name, profile) for name in BOOLEAN_FIELDS)
    elif layout.null_is_absent:
        found = found.with_columns(_without(name, "null") for name in _values(found))
        found = _without_inner_nulls(found, engine=engine)
    else:
        return found
    for name in NESTED_FIELDS:
        found = _replaced(found, name, _parsed_cells(found, name, engine=engine))
    return found


def _values(found: pl.DataFrame) -> list[str]:
    return [name for name in found.columns if name not in {"record", "line", ESCAPED}]


def _without(name: str, *absent: str) -> pl.Expr:
    found = pl.col(name)
    return pl.when(~found.is_in(absent)).then(found).alias(name)


def _flag(name: str, profile: Profile) -> pl.Expr:
    """The word as true or false where the profile knows it; any other text stays what it is."""
    word = text_of(pl.col(name)).str.strip_chars().str.to_lowercase()
    known = {**dict.fromkeys(profile.true_words, "true"), **dict.fromkeys(profile.false_words, "false")}
    return pl.coalesce(word.replace_strict(known, default=None), pl.col(name)).alias(name)


def _parsed_cells(found: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The texts of a column that are JSON, as such."""
    is_cell = pl.col(name).str.starts_with('"')
    cells = found.filter(is_cell).select("record", text=text_of(pl.col(name)))
    strict = cells.filter(~cells["text"].is_in(_lenient(cells["text"]).implode()))
    return engine_pass("json_cells", strict, engine=engine).drop_nulls()


def _lenient(cells: pl.Series) -> pl.Series:
    """The doubtful texts that a strict reader refuses."""
    doubtful = cells.filter(cells.str.contains(LENIENT_JSON)).unique()
    return pl.Series([text for text in doubtful if not _is_strict(text)], dtype=pl.String)


def _is_strict(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _finite(number: str) -> float:
    if math.isinf(float(number)):
        raise ValueError(number)
    return float(number)


def _without_inner_nulls(found: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Objects without the members that only say that there is nothing."""
    for name in NESTED_FIELDS:
        doubtful = found.filter(pl.col(name).str.contains("null", literal=True)).select("record", text=name)
        objects = doubtful.filter(pl.col("text").str.starts_with("{"))
        found = _replaced(found, name, engine_pass("json_without_nulls", objects, engine=engine))
        arrays = doubtful.filter(pl.col("text").str.starts_with("["))
        found = _replaced(found, name, _items_without_nulls(arrays, engine=engine))
    return found


def _items_without_nulls(arrays: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Arrays whose items that are objects are without such members."""
    items = engine_pass("json_items", arrays, engine=engine).explode("items").with_row_index("place")
    is_object = pl.col("items").str.starts_with("{")
    objects = items.filter(is_object).select("record", "place", text="items")
    cleaned = engine_pass("json_without_nulls", objects, engine=engine).select("place", items="value")
    joined = items.join(cleaned, on="place", how="left", maintain_order="left", suffix=" cleaned")
    item = pl.coalesce("items cleaned", "items")
    return joined.group_by("record").agg(value=pl.lit("[") + item.str.join(",") + pl.lit("]"))


def _replaced(found: pl.DataFrame, name: str, values: pl.DataFrame) -> pl.DataFrame:
    """The frame with the values of some records in place of what the column had."""
    if values.is_empty():
        return found
    joined = found.join(values, on="record", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("value", name).alias(name)).drop("value")
