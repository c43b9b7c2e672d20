"""Convert cells and columns to what JSON would say: absent values, booleans from words, objects from texts.

The frames have one column per field, of the JSON texts found in the records. How deeply the JSON in a cell is nested is
measured before it is parsed; the readers measure records.
"""

import json
import re

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS, JsonType
from schemas.frames import Layout
from schemas.profiles import ABSENT_WORD, Profile
from schemas.rules.objects import DEEPEST
from transforms.json.key_shapes import PIECES
from transforms.json.values import decode_string, query_texts

NESTED_FIELDS = tuple(field.name for field in FIELDS if field.type in {JsonType.OBJECT, JsonType.ARRAY})
BOOLEAN_FIELDS = tuple(field.name for field in FIELDS if field.type is JsonType.BOOLEAN)
TEXT_FIELDS = tuple(field.name for field in FIELDS if field.type is JsonType.STRING)
BLANK_CELL = r'^"(?:\s|\\[tnfr])*(?:\\\\N)?(?:\s|\\[tnfr])*"$'
ABSENT_CELLS = ("null", '""', json.dumps(ABSENT_WORD))  # as JSON texts

# may be JSON that DuckDB accepts and the standard does not: a strict parser has to check it
LENIENT_JSON = r"(?i),\s*[}\]]|nan|inf|[0-9.]e\+?[0-9]{3}"

DEPTHS = pl.Schema({"record": pl.Int64(), "line": pl.Int64(), "path": pl.String(), "depth": pl.Int64()})


def measure_cell_depths(cells: pl.DataFrame, *, layout: Layout) -> pl.DataFrame:
    """Return the columns of DEPTHS for each nested cell with more brackets than allowed levels."""
    if not (layout.textual or layout.null_is_absent):
        return DEPTHS.to_frame()
    return pl.concat([_measure_column(cells, name) for name in NESTED_FIELDS])


def _measure_column(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    suspect = cells.filter(pl.col(name).str.starts_with('"') & (pl.col(name).str.count_matches(r"[\[{]") > DEEPEST))
    texts = suspect.select("record", "line", path=pl.lit(name), text=decode_string(pl.col(name)))
    unique = texts.select("text").unique()
    depths = unique.with_columns(depth=pl.Series([_measure(text) for text in unique["text"]], dtype=pl.Int64))
    return texts.join(depths, on="text").select(DEPTHS.names()).cast(DEPTHS)


def _measure(text: str) -> int:
    """Return the largest number of objects and arrays that are open at once."""
    depth = deepest = 0
    for piece in re.finditer(PIECES, text):
        depth += (piece[0] in "{[") - (piece[0] in "}]")
        deepest = max(deepest, depth)
    return deepest


def remove_deep_cells(cells: pl.DataFrame, depths: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with null in the cells that are nested too deeply to be parsed."""
    deep = depths.filter(pl.col("depth") > DEEPEST)
    if deep.is_empty():
        return cells
    kept = {
        name: ~pl.col("record").is_in(deep.filter(pl.col("path") == name)["record"].implode()) for name in NESTED_FIELDS
    }
    return cells.with_columns(pl.when(keep).then(pl.col(name)).alias(name) for name, keep in kept.items())


def convert_to_json(
    texts: pl.DataFrame, *, layout: Layout, profile: Profile, engine: duckdb.DuckDBPyConnection
) -> pl.DataFrame:
    """Return the frame as it would be if its records had been JSON from the start."""
    if layout.textual:
        texts = texts.with_columns(_remove_absent_cells(name) for name in _value_columns(texts))
        texts = texts.with_columns(_parse_boolean(name, profile) for name in BOOLEAN_FIELDS)
    elif layout.null_is_absent:
        texts = texts.with_columns(_remove(name, "null") for name in _value_columns(texts))
        texts = _remove_inner_nulls(texts, engine=engine)
    else:
        return texts
    for name in NESTED_FIELDS:
        texts = _replace(texts, name, _parse_cells(texts, name, engine=engine))
    return texts


def _value_columns(texts: pl.DataFrame) -> list[str]:
    return [name for name in texts.columns if name not in {"record", "line", ESCAPED}]


def _remove_absent_cells(name: str) -> pl.Expr:
    """Return null for cells that are absent, in columns that are not text also with white space around the word."""
    removed = _remove(name, *ABSENT_CELLS)
    if name in TEXT_FIELDS:
        return removed
    return pl.when(~removed.str.contains(BLANK_CELL)).then(removed).alias(name)


def _remove(name: str, *absent: str) -> pl.Expr:
    text = pl.col(name)
    return pl.when(~text.is_in(absent)).then(text).alias(name)


def _parse_boolean(name: str, profile: Profile) -> pl.Expr:
    """Return true or false for a word that the profile knows; any other text stays as it is."""
    word = decode_string(pl.col(name)).str.strip_chars().str.to_lowercase()
    known = {**dict.fromkeys(profile.true_words, "true"), **dict.fromkeys(profile.false_words, "false")}
    return pl.coalesce(word.replace_strict(known, default=None), pl.col(name)).alias(name)


def _parse_cells(texts: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the JSON `value` of each text of the column that is itself JSON, by record."""
    is_cell = pl.col(name).str.starts_with('"')
    cells = texts.filter(is_cell).select("record", text=decode_string(pl.col(name)))
    strict = cells.filter(~cells["text"].is_in(_find_lenient(cells["text"]).implode()))
    return query_texts("json_cells", strict, engine=engine).drop_nulls()


def _find_lenient(cells: pl.Series) -> pl.Series:
    """Return the suspect texts that a strict parser refuses."""
    suspect = cells.filter(cells.str.contains(LENIENT_JSON)).unique()
    return pl.Series([text for text in suspect if not _is_strict(text)], dtype=pl.String)


def _is_strict(text: str) -> bool:
    try:
        # a list keeps values of repeated keys; Python refuses to convert a whole number of more than 4,300 digits
        json.dumps(json.loads(text, object_pairs_hook=list, parse_int=len), allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def _remove_inner_nulls(texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Remove the null members of objects, and of objects that are items of an array."""
    for name in NESTED_FIELDS:
        suspect = texts.filter(pl.col(name).str.contains("null", literal=True)).select("record", text=name)
        objects = suspect.filter(pl.col("text").str.starts_with("{"))
        texts = _replace(texts, name, query_texts("json_without_nulls", objects, engine=engine))
        arrays = suspect.filter(pl.col("text").str.starts_with("["))
        texts = _replace(texts, name, _remove_nulls_of_items(arrays, engine=engine))
    return texts


def _remove_nulls_of_items(arrays: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return each array as `value`, its items that are objects without null members."""
    items = query_texts("json_items", arrays, engine=engine).explode("items").with_row_index("place")
    is_object = pl.col("items").str.starts_with("{")
    objects = items.filter(is_object).select("record", "place", text="items")
    cleaned = query_texts("json_without_nulls", objects, engine=engine).select("place", items="value")
    joined = items.join(cleaned, on="place", how="left", maintain_order="left", suffix=" cleaned")
    item = pl.coalesce("items cleaned", "items")
    return joined.group_by("record").agg(value=pl.lit("[") + item.str.join(",") + pl.lit("]"))


def _replace(texts: pl.DataFrame, name: str, values: pl.DataFrame) -> pl.DataFrame:
    """Replace the column's text by `value` in the records that `values` has."""
    if values.is_empty():
        return texts
    joined = texts.join(values, on="record", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("value", name).alias(name)).drop("value")
