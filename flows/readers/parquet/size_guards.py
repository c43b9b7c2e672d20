"""How large the pages of a Parquet file are when decompressed, read from their headers before PyArrow allocates them.

A page is the least that can be decoded: one value of a gigabyte is one page. Malformed headers are PyArrow's to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.readers.sources import Source

_HEADER_BYTES = (1 << 10, 1 << 20)  # most headers have some dozen bytes; those with long statistics are read again
_MOST_PAGES = 100_000  # of one column chunk; what has more has small ones
_I32, _DOUBLE, _BINARY, _STRUCT = 5, 7, 8, 12  # types of the compact protocol of Thrift
_FLAGS, _INTEGERS = (1, 2), (3, 4, 5, 6)


@dataclass(frozen=True)
class _Header:
    size: int  # of the header itself
    decompressed: int
    compressed: int


def page_sizes(file: BufferedReader, chunk: pq.ColumnChunkMetaData) -> Iterator[int]:
    """The decompressed size of each page of a column chunk, as far as its headers can be read."""
    starts = [start for start in (chunk.dictionary_page_offset, chunk.data_page_offset) if start]
    position = min(starts, default=0)
    end = position + chunk.total_compressed_size
    for _ in range(_MOST_PAGES):
        header = _header(file, position) if 0 < position < end else None
        if header is None or header.compressed < 0:
            return
        yield header.decompressed
        position += header.size + header.compressed


def _header(file: BufferedReader, position: int) -> _Header | None:
    for size in _HEADER_BYTES:
        file.seek(position)
        thrift = _Thrift(file.read(size))
        try:
            return thrift.page_header()
        except (IndexError, ValueError, RecursionError):
            continue
    return None


class _Thrift:
    """As much of the compact protocol as page headers are made of."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def page_header(self) -> _Header:
        """The sizes, which are the fields 2 and 3; the others are stepped over."""
        sizes = {2: 0, 3: 0}
        for number, kind in self._fields():
            if number in sizes and kind == _I32:
                sizes[number] = self._integer()
            else:
                self._skip(kind)
        return _Header(self._at, sizes[2], sizes[3])

    def _fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field; its value must be taken before the next."""
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            yield number, head & 0x0F

    def _skip(self, kind: int) -> None:
        if kind in _INTEGERS:
            self._varint()
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            self._at += self._varint()
        elif kind == _STRUCT:
            for _, inner in self._fields():
                self._skip(inner)
        elif kind not in _FLAGS:
            raise ValueError(kind)

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]


@dataclass(frozen=True)
class Growth:
    """What one row group may grow by: bytes of the largest row, and of its repeated fields as a whole."""

    row: int
    repeated: int


def growths(source: Source, metadata: pq.FileMetaData, *, harmless: int) -> Iterator[Growth]:
    """The growth of each row group that could be more than `harmless` bytes."""
    paths = [column.path for column in _texts_of(metadata)]
    if not paths:
        return
    repeated = {column.path for column in _texts_of(metadata) if column.max_repetition_level}
    with pq.ParquetFile(source.path, read_dictionary=paths, pre_buffer=False) as file:
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if group.total_byte_size * group.num_rows > harmless:
                first = next(file.iter_batches(batch_size=1, row_groups=[number], columns=paths), None)
                chunks = {chunk.path_in_schema: chunk for chunk in map(group.column, range(group.num_columns))}
                largest = dict(zip(paths, _largest(first), strict=True)) if first else {}
                yield Growth(
                    row=sum(largest.values()),
                    repeated=sum(size * chunks[path].num_values for path, size in largest.items() if path in repeated),
                )


def _texts_of(metadata: pq.FileMetaData) -> list[pq.ColumnSchema]:
    columns = (metadata.schema.column(number) for number in range(metadata.num_columns))
    return [column for column in columns if column.physical_type == "BYTE_ARRAY"]


def _largest(records: pa.RecordBatch) -> Iterator[int]:
    """The size of the largest value of each dictionary, the columns taken apart in the order of the file."""
    for column in records.columns:
        yield from _largest_in(column)


def _largest_in(column: "pa.Array[Any]") -> Iterator[int]:
    if isinstance(column, pa.DictionaryArray):
        texts = cast("pa.BinaryArray", column.dictionary)
        yield pc.max(pc.binary_length(texts)).as_py() or 0
    elif isinstance(column, pa.StructArray):
        for number in range(column.type.num_fields):
            yield from _largest_in(column.field(number))
    elif isinstance(column, pa.MapArray):
        yield from _largest_in(column.keys)
        yield from _largest_in(column.items)
    elif isinstance(column, (pa.ListArray, pa.LargeListArray)):
        yield from _largest_in(column.values)
