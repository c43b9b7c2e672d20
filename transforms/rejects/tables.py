"""Turn refused records, with what is wrong with each, into lines of JSON, cells or typed columns.

Works on frames of `transforms/sql/rejects.sql`. Files are written in `flows.report.rejects`.
"""

import json
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.codes import ErrorCode
from schemas.profiles import IGNORED_COLUMNS, ORIGINAL_COLUMN, REJECT_COLUMNS
from transforms.json.encoding import encode_member, encode_string
from transforms.json.values import decode_string, extract_values, json_pointer
from transforms.rejects.spreadsheets import guard_formulas, guard_name

# codes of a record as a whole: its text is not a JSON object, or cannot be read as one
UNREADABLE_CODES = (
    ErrorCode.MALFORMED_RECORD,
    ErrorCode.NOT_AN_OBJECT,
    ErrorCode.INVALID_TEXT,
    ErrorCode.TOO_DEEP,
    ErrorCode.TOO_LARGE,
    ErrorCode.ROW_TOO_SHORT,
    ErrorCode.ROW_TOO_LONG,
)
REMOVE_ADDED_KEYS = json.dumps(dict.fromkeys(IGNORED_COLUMNS))  # a merge patch that removes what was added before


@dataclass(frozen=True)
class Column:
    """A column of a table of refused records, and the JSON types of its values."""

    name: str
    types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RejectLayout:
    """The columns of a table of refused records, after those that are added to them."""

    columns: tuple[Column, ...]
    has_original: bool  # some record could not be read: its text is in a column of its own


def to_json_lines(rejects: pl.DataFrame) -> pl.Series:
    """Return each record as one line of JSON: what is wrong, then its own members or the text that cannot be read."""
    body = pl.col("text").str.replace_all(r"[\r\n]+", " ").str.strip_chars(" \t")
    members = body.str.slice(1).str.strip_chars_start(" \t")
    comma = pl.when(members == "}").then(pl.lit("")).otherwise(pl.lit(","))
    original = encode_member(ORIGINAL_COLUMN, pl.coalesce(encode_string(pl.col("text")), pl.lit("null")))
    unreadable = pl.concat_str(pl.lit(","), original, pl.lit("}"))
    end = pl.when("is_readable").then(pl.concat_str(comma, members)).otherwise(unreadable)
    return rejects.select(pl.concat_str(pl.lit("{"), _reasons(), end)).to_series()


def to_cells(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return each record as a row of texts; texts and names that a spreadsheet would run are guarded."""
    texts = (_change(column, _cell()) for column in _table(rejects, layout, engine=engine))
    return pl.DataFrame([_change(text, guard_formulas(pl.first())).alias(guard_name(text.name)) for text in texts])


def to_typed_columns(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return each record as a row of values: booleans and numbers where a column has nothing else, otherwise texts."""
    types = {column.name: column.types for column in layout.columns}
    table = _table(rejects, layout, engine=engine)
    line, *others = [_change(column, _value(types.get(column.name, frozenset()))) for column in table]
    return pl.DataFrame([line.cast(pl.Int64), *others])


def _reasons() -> pl.Expr:
    """Return the members that say where a record is and what is wrong with it."""
    line, *texts = REJECT_COLUMNS
    members = [encode_member(line, pl.col(line)), *(encode_member(name, encode_string(pl.col(name))) for name in texts)]
    return pl.concat_str(members, separator=",")


def _table(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> list[pl.Series]:
    """Return the added columns, then those of the records, all as JSON texts.

    They are series, not a frame's expressions: a column's name could be taken for a pattern.
    """
    pointers = [json_pointer(column.name) for column in layout.columns]
    readable = rejects.filter("is_readable").select("record", "text")
    read = extract_values(readable, pointers, engine=engine).select("record", "found")
    found = rejects.select("record").join(read, on="record", how="left", maintain_order="left")["found"]
    values = (found.list.get(i, null_on_oob=True).alias(column.name) for i, column in enumerate(layout.columns))
    added = [rejects[name].cast(pl.String) for name in REJECT_COLUMNS]
    if layout.has_original:
        added.append(rejects.select(pl.when(~pl.col("is_readable")).then("text").alias(ORIGINAL_COLUMN)).to_series())
    line, *texts = added
    return [line, *(_change(text, encode_string(pl.first())) for text in texts), *values]


def _change(column: pl.Series, change: pl.Expr) -> pl.Series:
    """Return the column after a change, under its own name, whatever that is."""
    return column.to_frame().select(change).to_series().alias(column.name)


def _cell() -> pl.Expr:
    """Return what a cell shows of a JSON text; null and absent look the same."""
    text = pl.first()
    return pl.when(text.str.starts_with('"')).then(decode_string(text)).when(text != "null").then(text)


def _value(types: frozenset[str]) -> pl.Expr:
    """Return what a column of values of these JSON types holds for a JSON text."""
    text = pl.when(pl.first() != "null").then(pl.first())
    kinds = types - {"NULL"}
    if kinds == {"BOOLEAN"}:
        return text == "true"
    if kinds and kinds <= {"BIGINT", "UBIGINT", "DOUBLE"}:
        return text.cast(pl.Float64)
    return _cell()
