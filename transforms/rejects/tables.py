"""Refused records as people get them back: what is wrong with each added, in lines of JSON or in cells of a table.

Works on frames of `transforms/sql/rejects.sql`. Files are written in `flows.report.rejects`.
"""

import json
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.codes import ErrorCode
from schemas.profiles import IGNORED_COLUMNS, ORIGINAL_COLUMN, REJECT_COLUMNS
from transforms.json.encoding import encode_string
from transforms.json.values import has_escape, text_of, values_at
from transforms.rejects.spreadsheets import guard_formulas, guard_name

# codes of a record, not of a field of it: its text is no JSON object, or none that can be read
UNREADABLE_CODES = (
    ErrorCode.MALFORMED_RECORD,
    ErrorCode.NOT_AN_OBJECT,
    ErrorCode.INVALID_TEXT,
    ErrorCode.TOO_DEEP,
    ErrorCode.TOO_LARGE,
    ErrorCode.ROW_TOO_SHORT,
    ErrorCode.ROW_TOO_LONG,
)
REMOVE_ADDED_KEYS = json.dumps(dict.fromkeys(IGNORED_COLUMNS))  # a patch that takes out what was added before


@dataclass(frozen=True)
class Column:
    """A column of a table of refused records, and the JSON types that its values have."""

    name: str
    types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RejectLayout:
    """The columns of a table of refused records, after those that are added to them."""

    columns: tuple[Column, ...]
    has_original: bool  # some record could not be read: its text is in a column of its own


def to_json_lines(rejects: pl.DataFrame) -> pl.Series:
    """Each record as one line of JSON: what is wrong with it, then its own members or the text that cannot be read."""
    body = pl.col("text").str.replace_all(r"[\r\n]+", " ").str.strip_chars(" \t")
    members = body.str.slice(1).str.strip_chars_start(" \t")
    comma = pl.when(members == "}").then(pl.lit("")).otherwise(pl.lit(","))
    original = pl.coalesce(encode_string(pl.col("text")), pl.lit("null"))
    end = (
        pl.when("is_readable")
        .then(pl.concat_str(comma, members))
        .otherwise(pl.concat_str(pl.lit(f',"{ORIGINAL_COLUMN}":'), original, pl.lit("}")))
    )
    return rejects.select(pl.concat_str(pl.lit("{"), _reasons(), end)).to_series()


def to_cells(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Each record as a row of texts that a spreadsheet does not run; names that it would run are guarded too."""
    texts = (_changed(column, _cell()) for column in _table(rejects, layout, engine=engine))
    return pl.DataFrame([_changed(text, guard_formulas(pl.first())).alias(guard_name(text.name)) for text in texts])


def to_typed_columns(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Each record as a row of values: booleans and numbers where a column has nothing else, otherwise texts."""
    types = {column.name: column.types for column in layout.columns}
    table = _table(rejects, layout, engine=engine)
    line, *others = [_changed(column, _value(types.get(column.name, frozenset()))) for column in table]
    return pl.DataFrame([line.cast(pl.Int64), *others])


def _reasons() -> pl.Expr:
    """The members that say where a record stands and what is wrong with it."""
    line, *texts = REJECT_COLUMNS
    members = [pl.format(f'"{line}":{{}}', line)]
    members += [pl.concat_str(pl.lit(f'"{name}":'), encode_string(pl.col(name))) for name in texts]
    return pl.concat_str(members, separator=",")


def _table(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> list[pl.Series]:
    """The added columns, then the columns of the records, all as JSON texts; names are never taken for patterns."""
    pointers = ["/" + column.name.replace("~", "~0").replace("/", "~1") for column in layout.columns]
    readable = rejects.filter("is_readable").select("record", "text")
    read = values_at(readable, pointers, engine=engine).select("record", "found")
    found = rejects.select("record").join(read, on="record", how="left", maintain_order="left")["found"]
    values = (found.list.get(at, null_on_oob=True).alias(column.name) for at, column in enumerate(layout.columns))
    added = [rejects[name].cast(pl.String) for name in REJECT_COLUMNS]
    if layout.has_original:
        added.append(rejects.select(pl.when(~pl.col("is_readable")).then("text").alias(ORIGINAL_COLUMN)).to_series())
    line, *texts = added
    return [line, *(_changed(text, encode_string(pl.first())) for text in texts), *values]


def _changed(column: pl.Series, change: pl.Expr) -> pl.Series:
    """The column after a change, under its own name whatever that is."""
    return column.to_frame().select(change).to_series().alias(column.name)


def _cell() -> pl.Expr:
    """What a cell shows of a JSON text; null and nothing look the same."""
    found = pl.first()
    text = text_of(found, escaped=has_escape(found))
    return pl.when(found.str.starts_with('"')).then(text).when(found != "null").then(found)


def _value(types: frozenset[str]) -> pl.Expr:
    """What a column of values of these JSON types holds for a JSON text."""
    found = pl.when(pl.first() != "null").then(pl.first())
    kinds = types - {"NULL"}
    if kinds == {"BOOLEAN"}:
        return found == "true"
    if kinds and kinds <= {"BIGINT", "UBIGINT", "DOUBLE"}:
        return found.cast(pl.Float64)
    return _cell()
