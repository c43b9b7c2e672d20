"""Decode a Parquet file into batches whose values have no dictionaries, in a process of `flows.readers.decoder`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.readers.decoder.child import run_decoder, split_batch
from flows.readers.limits import MIB, ReadLimits
from flows.readers.parquet.size_guards import find_growths, open_binary, read_page_sizes
from flows.readers.sources import Source, open_source
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from schemas.faults import FileFault

_OVERHEAD = MIB  # for the headers and statistics of a column chunk
_PEAK_BATCHES = 16  # the memory to decode into, in batches, if every row has the largest values
_MOST_DIGITS = 38  # of a decimal number in DuckDB
_KEPT_EXTENSIONS = ("arrow.bool8", "arrow.uuid")  # DuckDB knows them; the values of others are what they store


def main(name: str, path: str, size: int, limits: dict[str, int], span: tuple[int, int] | None = None) -> None:
    """Write the batches of the file, or of a span of its row groups, to standard output, or what refuses it to standard
    error."""
    run_decoder(partial(_write_batches, Source(name, Path(path), size), ReadLimits(**limits), span))


def _write_batches(
    source: Source, limits: ReadLimits, span: tuple[int, int] | None, output: "BufferedWriter[FileIO]"
) -> None:
    with _open(source) as file:
        groups = range(*span) if span else range(file.metadata.num_row_groups)
        rows = sum(file.metadata.row_group(group).num_rows for group in groups) if span else file.metadata.num_rows
        schema = _make_plain(file.schema_arrow).with_metadata({"rows": str(rows)})
        _check_growth(file.metadata, source=source, limits=limits)
        rows_at_once = _choose_rows(file.metadata, source=source, limits=limits)
        done = grown = 0
        with pa.ipc.new_stream(output, schema) as stream:
            for encoded in file.iter_batches(batch_size=rows_at_once, row_groups=[*groups] if span else None):
                records = _without_dictionaries(encoded, schema, source=source)
                done += records.num_rows
                grown += records.nbytes
                _check_ratio(grown, source=source, limits=limits)
                for part in split_batch(records, limits=limits):
                    stream.write_batch(part)
        if done != rows:
            raise _malformed(source, f"its metadata count {rows} records, but {done} were found")


@contextmanager
def _open(source: Source) -> Iterator[pq.ParquetFile]:
    """Open the file; an exception of PyArrow while it is read becomes a fault."""
    try:
        with pq.ParquetFile(
            open_binary(source),
            page_checksum_verification=True,
            pre_buffer=False,
            buffer_size=MIB,
            coerce_int96_timestamp_unit="us",  # nanoseconds overflow after the year 2262, and PyArrow does not say so
        ) as file:
            yield file
    except MemoryError:
        raise
    except UnicodeDecodeError as error:
        message = f"{source.name} has a column whose name is not UTF-8"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "rename its columns, and write it again") from error
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _malformed(source, str(error).split("\n")[0][:200]) from error


def _malformed(source: Source, reason: str) -> FileFault:
    message = f"{source.name} cannot be read as Parquet: {reason}"
    return FileFault(ErrorCode.FILE_SYNTAX, message, "write or copy the file again")


def _check_growth(metadata: pq.FileMetaData, *, source: Source, limits: ReadLimits) -> None:
    """Refuse a file that would grow more in memory than real ones do."""
    grown = 0
    for chunk in _chunks(metadata):
        grown += chunk.total_uncompressed_size
        if chunk.total_uncompressed_size > limits.value_bytes * max(chunk.num_values, 1) + _OVERHEAD:
            raise _too_large(source, f"has values of more than {limits.value_bytes:,} bytes", "value_bytes")
    _check_ratio(grown, source=source, limits=limits)
    with open_source(source) as file:
        if any(size > limits.page_bytes for chunk in _chunks(metadata) for size in read_page_sizes(file, chunk)):
            raise _too_large(source, f"has a page of more than {limits.page_bytes:,} bytes", "page_bytes")


def _check_ratio(grown: int, *, source: Source, limits: ReadLimits) -> None:
    if grown > max(RATIO_FLOOR, limits.decompressed_ratio * source.size):
        what = f"decompresses to more than {limits.decompressed_ratio:,} times its size"
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


def _make_plain(fields: "Iterable[pa.Field[pa.DataType]]") -> pa.Schema:
    """Return a schema whose types DuckDB can write as JSON; raise `UnicodeDecodeError` if a name is not UTF-8."""
    return pa.schema([_plain_column(field) for field in fields])


def _plain_column(field: "pa.Field[pa.DataType]") -> "pa.Field[pa.DataType]":
    """Return the field of a column; the text of a number that is too long for DuckDB is read as JSON."""
    is_long = pa.types.is_decimal256(field.type) and field.type.precision > _MOST_DIGITS
    return pa.field(field.name, pa.string(), field.nullable, {"json": ""}) if is_long else _plain_field(field)


def _plain_field(field: "pa.Field[pa.DataType]") -> "pa.Field[pa.DataType]":
    is_json = isinstance(field.type, pa.JsonType)
    return pa.field(field.name, _plain_type(field.type), field.nullable, {"json": ""} if is_json else None)


def _plain_type(kind: pa.DataType) -> pa.DataType:  # noqa: PLR0911 - one line for each kind of type
    """Return the type without dictionaries and views at any level, bytes as text, which need not be UTF-8."""
    if isinstance(kind, pa.DictionaryType):
        return _plain_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return kind if kind.extension_name in _KEPT_EXTENSIONS else _plain_type(kind.storage_type)
    if isinstance(kind, pa.StructType):
        return pa.struct([_plain_field(field) for field in kind])
    if isinstance(kind, pa.MapType):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if pa.types.is_nested(kind) and hasattr(kind, "value_field"):  # the five types of lists
        return pa.list_(_plain_field(kind.value_field))
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_decimal256(kind):
        return pa.decimal128(_MOST_DIGITS, min(kind.scale, _MOST_DIGITS))
    return pa.string() if _is_text(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    """Return whether the values are texts or bytes: many systems write texts as bytes."""
    types = pa.types
    is_bytes = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return is_bytes or types.is_binary_view(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _without_dictionaries(records: pa.RecordBatch, schema: pa.Schema, *, source: Source) -> pa.RecordBatch:
    """Return the records with each value in its row, in the plain types of the schema."""
    columns = (
        column if column.type == field.type else _cast(column, field, source=source)
        for column, field in zip(records.columns, schema, strict=True)
    )
    return pa.RecordBatch.from_arrays([*columns], schema=schema)


def _cast(column: "pa.Array[Any]", field: "pa.Field[pa.DataType]", *, source: Source) -> "pa.Array[Any]":
    """Return the column in the type of the field; a number inside objects or lists must not lose a digit."""
    import pyarrow.compute as pc  # noqa: PLC0415 - takes time, and few files need it

    try:
        options = pc.CastOptions(field.type, allow_invalid_utf8=True)
        plain: pa.Array[Any] = pc.call_function("cast", [column], options)
    except pa.ArrowInvalid as error:
        if "precision" not in str(error) and "data loss" not in str(error):
            raise
        message = f"{source.name} has a number of more than {_MOST_DIGITS} digits inside an object or a list"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "write that column as JSON text") from error
    return plain
