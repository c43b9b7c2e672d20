"""Parquet: columns to batches of records. A file that is broken or grows beyond measure refuses the source.

PyArrow reads it: of the readers at hand it is the one that raises on every malformed file that is known, where others
abort the process.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from flows.readers.check_records import (
    CheckedRecords,
    check_records,
    error_rows,
    invalid_json,
    number,
    oversized_record,
)
from flows.readers.header import resolve_columns
from flows.readers.json.strict import Refusal
from flows.readers.limits import MIB, ReadLimits
from flows.readers.parquet.size_guards import growths, page_sizes
from flows.readers.parquet.to_json import texts_of
from flows.readers.reading import Batch, Reading
from flows.readers.sources import Source, open_source
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import RECORDS, Layout

_OVERHEAD = MIB  # of the headers and statistics of a column chunk
_SOME_BATCHES = 16
_NOT_UTF8 = Refusal(ErrorCode.INVALID_TEXT, "has a text that is not UTF-8")


def read_parquet(reading: Reading) -> Iterator[Batch]:
    """The batches of a Parquet source; its records have no lines.

    Raises:
        FileFault: it is malformed, has no known column, or grows beyond the limits.

    """
    source, limits = reading.source, reading.limits
    with _opened(source) as file:
        _check_growth(file.metadata, source=source, limits=limits)
        rows_at_once = _rows_at_once(file.metadata, source=source, limits=limits)
        header = resolve_columns(file.schema_arrow.names, profile=reading.profile, name=source.name)
        layout = Layout(null_is_absent=True, columns=header.columns)
        done = grown = 0
        for encoded in file.iter_batches(batch_size=rows_at_once):
            records = _written_out(encoded)
            grown += records.nbytes
            _check_ratio(grown, source=source, limits=limits)
            used = records.rename_columns(list(header.columns)).select([name for _, name in header.used])
            for part in _parts(used, limits=limits):
                judged = _judged(_unsliced(part), first=reading.first_record + done, reading=reading)
                done += part.num_rows
                yield judged.batch(seen=part.num_rows, position=_position(source, file, done), layout=layout)
        if done != file.metadata.num_rows:
            raise _broken(source, f"it says it has {file.metadata.num_rows} records, but {done} were found")


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    """The file; whatever PyArrow has against it while it is read becomes a fault."""
    try:
        with pq.ParquetFile(source.path, page_checksum_verification=True, pre_buffer=False, buffer_size=MIB) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise _broken(source, str(error).splitlines()[0][:200]) from error


def _broken(source: Source, reason: str) -> FileFault:
    return FileFault(
        ErrorCode.FILE_SYNTAX,
        f"{source.name} is not readable as Parquet: {reason}",
        "write or copy the file again",
    )


def _check_growth(metadata: pq.FileMetaData, *, source: Source, limits: ReadLimits) -> None:
    """Refuse a file that would grow in memory as no real one does."""
    grown = 0
    for chunk in _chunks(metadata):
        grown += chunk.total_uncompressed_size
        if chunk.total_uncompressed_size > limits.value_bytes * max(chunk.num_values, 1) + _OVERHEAD:
            raise _too_large(source, f"has values of more than {limits.value_bytes} bytes", "value_bytes")
    _check_ratio(grown, source=source, limits=limits)
    with open_source(source) as file:
        if any(size > limits.page_bytes for chunk in _chunks(metadata) for size in page_sizes(file, chunk)):
            raise _too_large(source, f"has a page of more than {limits.page_bytes} bytes", "page_bytes")


def _check_ratio(grown: int, *, source: Source, limits: ReadLimits) -> None:
    if grown > max(RATIO_FLOOR, limits.decompressed_ratio * source.size):
        what = f"decompresses to more than {limits.decompressed_ratio} times its size"
        raise _too_large(source, what, "decompressed_ratio")


def _chunks(metadata: pq.FileMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        yield from (row_group.column(column) for column in range(row_group.num_columns))


def _too_large(source: Source, what: str, cap: str) -> FileFault:
    return FileFault(
        ErrorCode.FILE_UNREADABLE, f"{source.name} {what}", f"if you trust the file, raise IMPORT_{cap.upper()}"
    )


def _rows_at_once(metadata: pq.FileMetaData, *, source: Source, limits: ReadLimits) -> int:
    """How many rows make about a batch where they are largest, and some batches were each to have the largest values.

    Raises:
        FileFault: a single row could have more of them than a file may grow to.

    """
    largest_growth = 1
    for growth in growths(source, metadata, harmless=_SOME_BATCHES * limits.batch_bytes):
        _check_ratio(growth.repeated, source=source, limits=limits)
        largest_growth = max(largest_growth, growth.row)
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    largest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    most = min(limits.batch_bytes // max(largest, 1), _SOME_BATCHES * limits.batch_bytes // largest_growth)
    return min(max(most, 1), limits.batch_rows)


def _written_out(records: pa.RecordBatch) -> pa.RecordBatch:
    """The records with each value in its row, also where the file asks for dictionaries."""
    plain = pa.schema([field.with_type(_plain(field.type)) for field in records.schema])
    return records if plain.equals(records.schema) else records.cast(plain)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without dictionaries, at whatever level."""
    if isinstance(kind, pa.DictionaryType):
        value_type: pa.DataType = kind.value_type
        return value_type
    if isinstance(kind, pa.StructType):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if isinstance(kind, pa.ListType):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def _parts(records: pa.RecordBatch, *, limits: ReadLimits) -> Iterator[pa.RecordBatch]:
    """The records in parts no larger than a batch or a record may be, if they have more than one row."""
    if records.num_rows <= 1 or records.nbytes <= min(limits.batch_bytes, limits.record_bytes):
        yield records
        return
    half = records.num_rows // 2
    yield from _parts(records.slice(0, half), limits=limits)
    yield from _parts(records.slice(half), limits=limits)


def _unsliced(records: pa.RecordBatch) -> pa.RecordBatch:
    """The records in arrays of their own: the engine refuses structs that are slices."""
    sliced = any(column.offset for column in records.columns)
    return records.take(pa.array(range(records.num_rows), pa.int64())) if sliced else records


def _judged(records: pa.RecordBatch, *, first: int, reading: Reading) -> CheckedRecords:
    """The records apart, numbered from `first` on."""
    if records.num_rows == 1 and records.nbytes > reading.limits.record_bytes:
        return oversized_record(record=first, line=None, size=records.nbytes, limits=reading.limits)
    numbered = number(pl.DataFrame({"line": [None] * records.num_rows}, schema={"line": pl.Int64}), first=first)
    unsound = _unclean(records)
    if not unsound:
        texts = _texts(records, reading)
        rows = numbered.with_columns(texts["text"])
        return check_records(rows, broken=invalid_json(rows, reading.engine), limits=reading.limits)
    sound = [position for position in range(records.num_rows) if position not in set(unsound)]
    refused = numbered[unsound].with_columns(pl.lit(None, dtype=RECORDS["text"]).alias("text"))
    rows = numbered[sound].with_columns(_texts(records.take(pa.array(sound)), reading)["text"])
    rest = check_records(rows, broken=invalid_json(rows, reading.engine), limits=reading.limits)
    return CheckedRecords(
        rest.rows,
        pl.concat([rest.refused, refused]).sort("record"),
        pl.concat([rest.errors, error_rows(refused, [_NOT_UTF8] * len(unsound))]).sort("record"),
    )


def _texts(records: pa.RecordBatch, reading: Reading) -> pl.DataFrame:
    try:
        return texts_of(records, engine=reading.engine)
    except (duckdb.NotImplementedException, duckdb.InvalidInputException) as error:
        if "duplicate key" in str(error):
            raise FileFault(
                ErrorCode.FILE_FORMAT,
                f"{reading.source.name} has a map that holds a key twice",
                "let every map have each key once, or write it as JSON text",
            ) from error
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{reading.source.name} has a column of a type that cannot be said in JSON",
            "leave out the columns that are no fields of a user, or write them as text",
        ) from error


def _unclean(records: pa.RecordBatch) -> list[int]:
    """The positions of the rows with a text that is not UTF-8: PyArrow does not look, and the engine would lose it."""
    if _is_clean(records):
        return []
    return [position for position in range(records.num_rows) if not _is_clean(records.take(pa.array([position])))]


def _is_clean(records: pa.RecordBatch) -> bool:
    try:
        records.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _position(source: Source, file: pq.ParquetFile, done: int) -> int:
    return source.size * done // max(file.metadata.num_rows, 1)
