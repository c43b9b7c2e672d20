"""Turn refused records, with what is wrong with each, into lines of JSON, cells or typed columns.

Works on frames of `transforms/sql/rejects.sql`. Files are written in `flows.report.rejects`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.codes import ErrorCode
from schemas.fields import BOOLEAN_FIELDS
from schemas.profiles import IGNORED_COLUMNS, ORIGINAL_COLUMN, REJECT_COLUMNS
from transforms.json.encoding import encode_member, encode_string
from transforms.json.values import decode_string, extract_values, json_pointer
from transforms.rejects.column_types import TypeFinder
from transforms.rejects.members import REWRITTEN, read_members
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
BOOLEANS = tuple(field.name for field in BOOLEAN_FIELDS)
MOST_POINTERS = 200  # DuckDB searches a record for each of them: for more columns another way is faster
_ADDED = rf'"(?:{"|".join(IGNORED_COLUMNS)})"\s*:\s*(?:-?[0-9]+|null|"(?:[^"\\]|\\.)*")'
ADDED_MEMBERS = rf"(?s)^\s*\{{\s*(?:{_ADDED}\s*,?\s*)+"
REMOVE_ADDED_KEYS = json.dumps(dict.fromkeys(IGNORED_COLUMNS))  # a merge patch that removes what was added before


@dataclass(frozen=True)
class RejectLayout:
    """The columns of a table of refused records, after those that are added to them."""

    columns: tuple[str, ...]
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
    cells = [_change(column, _cell()) for column in _add_columns(rejects, layout)]
    cells += _split(_change(_read_values(rejects, layout, engine=engine), _cell()), layout)
    guarded = _change(pl.concat([cell.alias("") for cell in cells]), guard_formulas(pl.first()))
    names = [guard_name(cell.name) for cell in cells]
    height = rejects.height
    return pl.DataFrame([guarded.slice(i * height, height).alias(name) for i, name in enumerate(names)])


def find_types(
    frames: Iterable[pl.DataFrame], layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection
) -> Mapping[str, pl.DataType]:
    """Return the type of each column whose values are not texts, in any of the frames."""
    finders = {place: TypeFinder() for place in range(len(layout.columns))}
    for frame in frames:
        values = _read_values(frame, layout, engine=engine).alias("text").to_frame()
        placed = values.with_columns(place=pl.int_range(pl.len()) % max(len(layout.columns), 1))
        present = placed.filter(pl.col("text").is_not_null() & (pl.col("text") != "null"))
        for place in present.filter(~pl.col("text").str.contains("^[-0-9tf]"))["place"].unique():
            finders.pop(place, None)
        for place, finder in finders.items():
            finder.add(present.filter(place=place)["text"].unique())
    return {layout.columns[place]: finder.find() for place, finder in finders.items()}


def to_typed_columns(
    rejects: pl.DataFrame,
    layout: RejectLayout,
    types: Mapping[str, pl.DataType],
    *,
    engine: duckdb.DuckDBPyConnection,
) -> pl.DataFrame:
    """Return each record as a row of values of these types, otherwise of texts."""
    line, *texts = _add_columns(rejects, layout)
    values = _read_values(rejects, layout, engine=engine)
    columns = zip(_split(values, layout), _split(_change(values, _cell()), layout), strict=True)
    typed = (
        _change(value, _value(types.get(value.name))) if value.name in (*types, *BOOLEANS) else cell
        for value, cell in columns
    )
    return pl.DataFrame([line.cast(pl.Int64), *(_change(text, _cell()) for text in texts), *typed])


def _reasons() -> pl.Expr:
    """Return the members that say where a record is and what is wrong with it."""
    line, *texts = REJECT_COLUMNS
    members = [encode_member(line, pl.col(line)), *(encode_member(name, encode_string(pl.col(name))) for name in texts)]
    return pl.concat_str(members, separator=",")


def _add_columns(rejects: pl.DataFrame, layout: RejectLayout) -> list[pl.Series]:
    """Return the columns that are added to those of the records, as JSON texts."""
    line, *texts = (rejects[name].cast(pl.String) for name in REJECT_COLUMNS)
    if layout.has_original:
        original = pl.when(~pl.col("is_readable")).then("text").alias(ORIGINAL_COLUMN)
        texts.append(rejects.select(original).to_series())
    return [line, *(_change(text, encode_string(pl.first())) for text in texts)]


def _read_values(rejects: pl.DataFrame, layout: RejectLayout, *, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    """Return the values of all columns as JSON texts, record by record, numbers as they are written."""
    readable = rejects.filter("is_readable").select("record", "text")
    is_slow = readable["text"].str.contains(REWRITTEN) | (len(layout.columns) > MOST_POINTERS)
    slow, fast = readable.filter(is_slow), readable.filter(~is_slow)
    pointers = [json_pointer(name) for name in layout.columns]
    read = extract_values(fast, pointers, engine=engine).select("record", "found")
    members = (read_members(text) for text in slow["text"])
    found = pl.Series("found", [[*map(texts.get, layout.columns)] for texts in members], read.schema["found"])
    both = pl.concat([read, slow.select("record", found)])
    values = rejects.select("record").join(both, on="record", how="left", maintain_order="left")
    nothing = pl.lit(pl.Series([[None] * len(layout.columns)], dtype=read.schema["found"]))
    return values.select(pl.col("found").fill_null(nothing).explode()).to_series()


def _split(values: pl.Series, layout: RejectLayout) -> list[pl.Series]:
    """Return one series per column."""
    step = len(layout.columns)
    return [values.gather_every(step, place).alias(name) for place, name in enumerate(layout.columns)]


def _change(column: pl.Series, change: pl.Expr) -> pl.Series:
    """Return the column after a change, under its own name: an expression could take a name for a pattern."""
    return column.to_frame().select(change).to_series().alias(column.name)


def _cell() -> pl.Expr:
    """Return what a cell shows of a JSON text; null and absent look the same."""
    text = pl.first()
    return pl.when(text.str.starts_with('"')).then(decode_string(text)).when(text != "null").then(text)


def _value(kind: pl.DataType | None) -> pl.Expr:
    """Return what a column of this type, or of texts in place of booleans, holds for a JSON text."""
    text = pl.when(pl.first() != "null").then(pl.first())
    if kind is None:  # `true` will be read as a boolean, and `"true"` as a text
        return pl.when(text.is_in(['"true"', '"false"'])).then(text).otherwise(_cell())
    return text == "true" if kind == pl.Boolean else text.cast(kind)
