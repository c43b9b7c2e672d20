"""Read Parquet into batches of records: the columns that another process has decoded become JSON."""

from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from flows.readers.check_records import (
    CheckedRecords,
    add_record_numbers,
    check_records,
    find_invalid_json,
    make_errors,
    oversized_record,
)
from flows.readers.header import resolve_columns
from flows.readers.json.strict import Refusal
from flows.readers.parquet.decoder import decoding
from flows.readers.parquet.to_json import mark_json, write_texts
from flows.readers.reading import Batch, Reading
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import Layout
from transforms.cells import BOOLEAN_FIELDS

_NOT_UTF8 = Refusal(ErrorCode.INVALID_TEXT, "has a string that is not UTF-8")


def read_parquet(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of a Parquet source; its records have no lines.

    Raise `FileFault` if it is malformed, has no known column, or exceeds a limit.
    """
    source = reading.source
    with decoding(source, limits=reading.limits, waiting=reading.waiting) as decoder:
        header = resolve_columns(
            decoder.columns, profile=reading.profile, name=source.name, ignores_unknown=reading.ignores_unknown
        )
        layout = Layout(null_is_absent=True, columns=header.columns)
        done = 0
        for decoded in decoder.batches():
            records = decoded.rename_columns(list(header.columns)).select([name for _, name in header.used])
            records = _mark_booleans(records) if header.resubmitted else records
            checked = _check(records, first=reading.first_record + done, reading=reading)
            done += records.num_rows
            position = source.size * min(done, decoder.rows) // max(decoder.rows, 1)
            yield checked.to_batch(seen=records.num_rows, position=position, layout=layout)


def _mark_booleans(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return refused records whose booleans may be texts: their columns also had values of other types."""
    fields = [mark_json(field) if field.name in BOOLEAN_FIELDS else field for field in records.schema]
    return pa.RecordBatch.from_arrays(records.columns, schema=pa.schema(fields))


def _check(records: pa.RecordBatch, *, first: int, reading: Reading) -> CheckedRecords:
    """Check the records and number them from `first` on."""
    if records.num_rows == 1 and records.nbytes > reading.limits.record_bytes:
        return oversized_record(record=first, line=None, size=records.nbytes, limits=reading.limits)
    lines = pl.DataFrame({"line": [None] * records.num_rows}, schema={"line": pl.Int64})
    numbered = add_record_numbers(lines, first=first)
    if _is_valid(records):
        return _check_texts(numbered, records, reading)
    escaped = _escape_bytes(records)
    fields = [name for name in records.schema.names if name in reading.profile.paths]
    unwritable = _find_not_utf8(escaped)
    not_utf8 = numbered[sorted({*unwritable, *_find_not_utf8(records.select(fields))})]
    writable = sorted(set(range(records.num_rows)) - set(unwritable))
    checked = _check_texts(numbered[writable], escaped.take(pa.array(writable, pa.int64())), reading)
    refused = not_utf8.join(checked.rows.select("record", "text"), on="record", how="left", maintain_order="left")
    frames = (checked.rows, checked.refused, checked.errors)
    rows, others, errors = (f.join(not_utf8, on="record", how="anti", maintain_order="left") for f in frames)
    found = make_errors(refused, [_NOT_UTF8] * refused.height)
    return CheckedRecords(rows, pl.concat([others, refused]).sort("record"), pl.concat([errors, found]).sort("record"))


def _check_texts(numbered: pl.DataFrame, records: pa.RecordBatch, reading: Reading) -> CheckedRecords:
    try:
        rows = numbered.with_columns(write_texts(records, engine=reading.engine)["text"])
    except (duckdb.NotImplementedException, duckdb.InvalidInputException) as error:
        what = "a column of a type that JSON cannot express"
        hint = "remove the columns that are not fields of a user, or write them as text"
        if "duplicate key" in str(error):
            what = "a map with a duplicate key"
            hint = "make the keys of every map unique, or write the column as JSON text"
        raise FileFault(ErrorCode.FILE_FORMAT, f"{reading.source.name} has {what}", hint) from error
    return check_records(rows, invalid=find_invalid_json(rows, reading.engine), limits=reading.limits)


def _escape_bytes(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return the records with escapes in place of bytes that are not UTF-8, in columns of strings only."""
    columns = (
        column if _is_valid(column) or not pa.types.is_string(column.type) else _escape_column(column)
        for column in records.columns
    )
    return pa.RecordBatch.from_arrays([*columns], schema=records.schema)


def _escape_column(column: "pa.Array[Any]") -> "pa.Array[Any]":
    values = (value and value.decode(errors="backslashreplace") for value in column.view(pa.binary()).to_pylist())
    return pa.array([*values], pa.string())


def _find_not_utf8(records: pa.RecordBatch, first: int = 0) -> list[int]:
    """Return the positions of rows with a string that is not UTF-8, which neither PyArrow nor DuckDB would report."""
    if not records.num_columns or _is_valid(records):
        return []
    if records.num_rows == 1:
        return [first]
    positions = range(records.num_rows)
    halves = (positions[: len(positions) // 2], positions[len(positions) // 2 :])
    parts = ((first + half[0], records.take(pa.array(half, pa.int64()))) for half in halves)
    return [position for start, part in parts for position in _find_not_utf8(part, start)]


def _is_valid(records: "pa.RecordBatch | pa.Array[Any]") -> bool:
    try:
        records.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
