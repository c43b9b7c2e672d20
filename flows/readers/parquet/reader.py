"""Read Parquet into batches of records: columns that another process has decoded."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from flows.readers.check_records import (
    LENIENT,
    NOT_FINITE,
    add_record_numbers,
    check_records,
    make_errors,
    refuse_record,
    unsuspicious_bytes,
)
from flows.readers.decoder.parent import Kind, decoding
from flows.readers.header import Header, resolve_columns
from flows.readers.json.strict import Refusal
from flows.readers.limits import ReadLimits
from flows.readers.mapping.batches import read_mapped
from flows.readers.mapping.sample import MOST_RECORDS
from flows.readers.reading import Batch, Reading, with_profile
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.fields import BOOLEAN_FIELDS, FIELD_NAMES
from schemas.frames import Layout
from schemas.mapping.signs import Sample
from transforms.fields.columns import TypedColumns, mark_json, open_columns, read_columns
from transforms.json.values import find_invalid_json

PARQUET = Kind("Parquet", "flows.readers.parquet.decoder_process")
_LONGEST_ESCAPE = 6  # characters of JSON for one of a text
_NOT_UTF8 = Refusal(ErrorCode.INVALID_TEXT, "has a string that is not UTF-8")


def read_parquet(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of a Parquet source; its records have no lines.

    Raise `FileFault` if it is malformed, has no known column, or exceeds a limit.
    """
    source = reading.source
    groups = [source.span.begin, source.span.end] if source.span else None
    with decoding(source, PARQUET, groups, limits=reading.limits, waiting=reading.waiting) as decoder:
        batches = decoder.batches()
        first_batch = next(batches, None)
        reading = with_profile(reading, lambda: _sample(decoder.columns, first_batch))
        header = resolve_columns(
            decoder.columns, profile=reading.profile, name=source.name, ignores_unknown=reading.ignores_unknown
        )
        done = 0
        for decoded in chain([first_batch] if first_batch else [], batches):
            records = decoded.rename_columns(list(header.columns)).select([name for _, name in header.used])
            records = _mark_booleans(records) if header.resubmitted else records
            first, done = reading.first_record + done, done + records.num_rows
            position = source.size * min(done, decoder.rows) // max(decoder.rows, 1)
            yield _make_batch(records, header, first=first, position=position, reading=reading)


def _sample(columns: Sequence[str], batch: pa.RecordBatch | None) -> Sample:
    records = [] if batch is None else batch.slice(0, MOST_RECORDS).to_pylist()
    return Sample("parquet", {"": records}, columns=tuple(columns))


def _mark_booleans(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return refused records whose booleans may be texts: their columns also had values of other types."""
    booleans = [field.name for field in BOOLEAN_FIELDS]
    fields = [mark_json(field) if field.name in booleans else field for field in records.schema]
    return pa.RecordBatch.from_arrays(records.columns, schema=pa.schema(fields))


def _make_batch(records: pa.RecordBatch, header: Header, *, first: int, position: int, reading: Reading) -> Batch:
    """Check the records, number them from `first` on, and read their fields."""
    layout, limits, seen = Layout(columns=header.columns), reading.limits, records.num_rows
    if seen == 1 and records.nbytes > limits.record_bytes:
        size = records.nbytes
        return refuse_record(first, None, size=size, position=position, limits=limits, layout=layout)
    lines = pl.DataFrame({"line": [None] * seen}, schema={"line": pl.Int64})
    numbered = add_record_numbers(lines, first=first)
    not_utf8, unwritable = list[int](), list[int]()
    if not _is_valid(records):
        not_utf8 = _find_not_utf8(records.select([name for name in records.schema.names if name in FIELD_NAMES]))
        records = _escape_bytes(records)
        unwritable = _find_not_utf8(records)
    writable = sorted({*range(seen)} - {*unwritable})
    kept = records.take(pa.array(writable, pa.int64())) if unwritable else records
    columns = _open(kept, numbered[writable], reading)
    broken = numbered[sorted({*unwritable, *not_utf8})]
    suspects = columns.write_texts(_find_suspects(columns, records.schema, limits)).join(
        broken, on="record", how="anti"
    )
    checked = check_records(suspects, invalid=find_invalid_json(suspects, reading.engine), limits=limits)
    texts = columns.write_texts(broken["record"]).select("record", "text")
    undecoded = broken.join(texts, on="record", how="left", maintain_order="left")
    refused = pl.concat([checked.refused, undecoded]).sort("record")
    errors = pl.concat([checked.errors, make_errors(undecoded, [_NOT_UTF8] * undecoded.height)]).sort("record")
    readable = columns.without(refused["record"])
    if header.mapping is None:
        values, not_users = read_columns(readable, others=header.others, engine=reading.engine), 0
    else:
        texts = readable.write_texts(readable.table["record"])
        values, not_users = read_mapped(texts, header.mapping, reading=reading)
    return Batch(
        seen=seen,
        position=position,
        others=not_users,
        values=values,
        write_texts=readable.write_texts,
        text_bytes=records.nbytes,
        refused=refused,
        errors=errors,
        layout=layout,
        profile=reading.profile,
    )


def _open(records: pa.RecordBatch, rows: pl.DataFrame, reading: Reading) -> TypedColumns:
    try:
        return open_columns(records, rows, engine=reading.engine)
    except (duckdb.NotImplementedException, duckdb.InvalidInputException) as error:
        what = "a column of a type that JSON cannot express"
        hint = "remove the columns that are not fields of a user, or write them as text"
        if "duplicate key" in str(error):
            what = "a map with a duplicate key"
            hint = "make the keys of every map unique, or write the column as JSON text"
        raise FileFault(ErrorCode.FILE_FORMAT, f"{reading.source.name} has {what}", hint) from error


def _find_suspects(columns: TypedColumns, schema: pa.Schema, limits: ReadLimits) -> pl.Series:
    """Return the numbers of the records that may be over a limit, or may not be strict JSON."""
    texts = [pl.col(name) for name, dtype in columns.table.schema.items() if dtype == pl.String]
    names = sum(len(name) + len('"":false,') for name in columns.names)
    most = pl.sum_horizontal(pl.lit(names), *(text.str.len_bytes() for text in texts)) * _LONGEST_ESCAPE
    parts = [pl.concat_str(pl.lit(":"), pl.col(name)) for name in _list_unsure(columns, schema, limits)]
    json = pl.concat_str([pl.lit("{"), *parts], ignore_nulls=True)
    is_lenient = pl.any_horizontal(json.str.contains(pattern) for pattern in (NOT_FINITE, *LENIENT))
    is_deep = json.str.count_matches(r"[{\[]") > limits.nesting
    return columns.table.filter((most > unsuspicious_bytes(limits)) | is_lenient | is_deep)["record"]


def _list_unsure(columns: TypedColumns, schema: pa.Schema, limits: ReadLimits) -> list[str]:
    """Return the columns whose JSON may not be strict: texts, numbers that may not be finite, and deep types."""
    types = {str(place): str(field.type) for place, field in enumerate(schema)}
    fractions = [name for name, kind in types.items() if "float" in kind or "double" in kind]
    deep = [name for name, kind in types.items() if kind.count("<") >= limits.nesting]
    return sorted({*columns.opened, *fractions, *deep})


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
