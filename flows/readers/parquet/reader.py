"""Read Parquet into batches of records. A malformed file, or one that grows too large, refuses the source.

PyArrow reads it because it raises on every known malformed file, where other readers abort the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

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
from flows.readers.limits import MIB, ReadLimits
from flows.readers.parquet.size_guards import find_growths, read_page_sizes
from flows.readers.parquet.to_json import write_texts
from flows.readers.reading import Batch, Reading
from flows.readers.sources import Source, open_binary, open_source
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import RECORDS, Layout

_OVERHEAD = MIB  # for the headers and statistics of a column chunk
_PEAK_BATCHES = 16  # the memory to decode into, in batches, if every row has the largest values
_NOT_UTF8 = Refusal(ErrorCode.INVALID_TEXT, "has a string that is not UTF-8")


def read_parquet(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of a Parquet source; its records have no lines.

    Raise `FileFault` if it is malformed, has no known column, or exceeds a limit.
    """
    source, limits = reading.source, reading.limits
    with _open(source) as file:
        _check_growth(file.metadata, source=source, limits=limits)
        rows_at_once = _choose_rows(file.metadata, source=source, limits=limits)
        header = resolve_columns(file.schema_arrow.names, profile=reading.profile, name=source.name)
        layout = Layout(null_is_absent=True, columns=header.columns)
        done = grown = 0
        for encoded in file.iter_batches(batch_size=rows_at_once):
            records = _without_dictionaries(encoded)
            grown += records.nbytes
            _check_ratio(grown, source=source, limits=limits)
            used = records.rename_columns(list(header.columns)).select([name for _, name in header.used])
            for part in _split(used, limits=limits):
                checked = _check(_without_offsets(part), first=reading.first_record + done, reading=reading)
                done += part.num_rows
                position = source.size * done // max(file.metadata.num_rows, 1)
                yield checked.to_batch(seen=part.num_rows, position=position, layout=layout)
        if done != file.metadata.num_rows:
            raise _malformed(source, f"its metadata count {file.metadata.num_rows} records, but {done} were found")


@contextmanager
def _open(source: Source) -> Iterator[pq.ParquetFile]:
    """Open the file; an exception of PyArrow while it is read becomes a fault."""
    try:
        with pq.ParquetFile(
            open_binary(source), page_checksum_verification=True, pre_buffer=False, buffer_size=MIB
        ) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise _malformed(source, str(error).splitlines()[0][:200]) from error


def _malformed(source: Source, reason: str) -> FileFault:
    message = f"{source.name} cannot be read as Parquet: {reason}"
    return FileFault(ErrorCode.FILE_SYNTAX, message, "write or copy the file again")


def _check_growth(metadata: pq.FileMetaData, *, source: Source, limits: ReadLimits) -> None:
    """Refuse a file that would grow more in memory than real ones do."""
    grown = 0
    for chunk in _chunks(metadata):
        grown += chunk.total_uncompressed_size
        if chunk.total_uncompressed_size > limits.value_bytes * max(chunk.num_values, 1) + _OVERHEAD:
            raise _too_large(source, f"has values of more than {limits.value_bytes} bytes", "value_bytes")
    _check_ratio(grown, source=source, limits=limits)
    with open_source(source) as file:
        if any(size > limits.page_bytes for chunk in _chunks(metadata) for size in read_page_sizes(file, chunk)):
            raise _too_large(source, f"has a page of more than {limits.page_bytes} bytes", "page_bytes")


def _check_ratio(grown: int, *, source: Source, limits: ReadLimits) -> None:
    if grown > max(RATIO_FLOOR, limits.decompressed_ratio * source.size):
        what = f"decompresses to more than {limits.decompressed_ratio} times its size"
        raise _too_large(source, what, "decompressed_ratio")


def _chunks(metadata: pq.FileMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        yield from (row_group.column(column) for column in range(row_group.num_columns))


def _too_large(source: Source, what: str, setting: str) -> FileFault:
    hint = f"if you trust the file, raise IMPORT_{setting.upper()}"
    return FileFault(ErrorCode.FILE_UNREADABLE, f"{source.name} {what}", hint)


def _choose_rows(metadata: pq.FileMetaData, *, source: Source, limits: ReadLimits) -> int:
    """Return how many rows to decode at once: about a batch in the row group with the largest rows.

    If every row had the largest values of its group, these would be at most `_PEAK_BATCHES` batches. Raise `FileFault`
    if repeated values could make the source larger than it may grow.
    """
    largest_growth = 1
    for row, repeated in find_growths(source, metadata, harmless=_PEAK_BATCHES * limits.batch_bytes):
        _check_ratio(repeated, source=source, limits=limits)
        largest_growth = max(largest_growth, row)
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    largest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    most = min(limits.batch_bytes // max(largest, 1), _PEAK_BATCHES * limits.batch_bytes // largest_growth)
    return min(max(most, 1), limits.batch_rows)


def _without_dictionaries(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return the records with each value in its row."""
    plain = pa.schema([field.with_type(_plain_type(field.type)) for field in records.schema])
    return records if plain.equals(records.schema) else records.cast(plain)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type without dictionaries at any level."""
    if isinstance(kind, pa.DictionaryType):
        value_type: pa.DataType = kind.value_type
        return value_type
    if isinstance(kind, pa.StructType):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in kind])
    if isinstance(kind, pa.ListType):
        return pa.list_(kind.value_field.with_type(_plain_type(kind.value_type)))
    return kind


def _split(records: pa.RecordBatch, *, limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """Yield parts that have one row or are no larger than a batch and a record may be."""
    if records.num_rows <= 1 or records.nbytes <= min(limits.batch_bytes, limits.record_bytes):
        yield records
        return
    half = records.num_rows // 2
    yield from _split(records.slice(0, half), limits=limits)
    yield from _split(records.slice(half), limits=limits)


def _without_offsets(records: pa.RecordBatch) -> pa.RecordBatch:
    """Copy records that are slices: DuckDB does not accept structs with an offset."""
    sliced = any(column.offset for column in records.columns)
    return records.take(pa.array(range(records.num_rows), pa.int64())) if sliced else records


def _check(records: pa.RecordBatch, *, first: int, reading: Reading) -> CheckedRecords:
    """Check the records and number them from `first` on."""
    if records.num_rows == 1 and records.nbytes > reading.limits.record_bytes:
        return oversized_record(record=first, line=None, size=records.nbytes, limits=reading.limits)
    lines = pl.DataFrame({"line": [None] * records.num_rows}, schema={"line": pl.Int64})
    numbered = add_record_numbers(lines, first=first)
    not_utf8 = _find_not_utf8(records)
    if not not_utf8:
        return _check_texts(numbered, records, reading)
    clean = sorted(set(range(records.num_rows)) - set(not_utf8))
    checked = _check_texts(numbered[clean], records.take(pa.array(clean, pa.int64())), reading)
    refused = numbered[not_utf8].with_columns(pl.lit(None, dtype=RECORDS["text"]).alias("text"))
    return CheckedRecords(
        checked.rows,
        pl.concat([checked.refused, refused]).sort("record"),
        pl.concat([checked.errors, make_errors(refused, [_NOT_UTF8] * len(not_utf8))]).sort("record"),
    )


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


def _find_not_utf8(records: pa.RecordBatch) -> list[int]:
    """Return the positions of rows with a string that is not UTF-8, which neither PyArrow nor DuckDB would report."""
    if _is_valid(records):
        return []
    return [position for position in range(records.num_rows) if not _is_valid(records.take(pa.array([position])))]


def _is_valid(records: pa.RecordBatch) -> bool:
    try:
        records.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
