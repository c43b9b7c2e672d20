"""Find how large the pages and the repeated values of a Parquet file become, before PyArrow allocates them.

A page is the smallest unit that can be decoded: one value of a gigabyte is one page. PyArrow refuses malformed headers.
"""

import os
from collections.abc import Iterator
from io import BufferedReader
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from flows.readers.sources import Source

_HEADER_BYTES = (1 << 10, 1 << 20)  # tried in turn: most headers have some dozen bytes, long statistics need more
_MAX_PAGES = 100_000  # of one column chunk; the pages of one with more are small
_I32, _DOUBLE, _BINARY, _STRUCT = 5, 7, 8, 12  # types of the Thrift compact protocol
_FLAGS, _INTEGERS = (1, 2), (3, 4, 5, 6)


def read_page_sizes(file: BufferedReader, chunk: pq.ColumnChunkMetaData) -> Iterator[int]:
    """Yield the decompressed size of each page of a column chunk, as far as its headers can be read."""
    starts = [start for start in (chunk.dictionary_page_offset, chunk.data_page_offset) if start]
    position = min(starts, default=0)
    end = position + chunk.total_compressed_size
    for _ in range(_MAX_PAGES):
        if not 0 < position < end or (header := _read_header(file, position)) is None:
            return
        header_size, decompressed, compressed = header
        if compressed < 0:
            return
        yield decompressed
        position += header_size + compressed


def _read_header(file: BufferedReader, position: int) -> tuple[int, int, int] | None:
    for size in _HEADER_BYTES:
        file.seek(position)
        try:
            return _ThriftReader(file.read(size)).read_page_header()
        except (IndexError, ValueError, RecursionError):
            continue
    return None


class _ThriftReader:
    """Read the part of the Thrift compact protocol that page headers use.

    PyArrow has no public access to page headers: its metadata end at the sizes of column chunks.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read_page_header(self) -> tuple[int, int, int]:
        """Return the size of the header, and of its page decompressed and compressed, which are fields 2 and 3."""
        sizes = {2: 0, 3: 0}
        for number, kind in self._read_fields():
            if number in sizes and kind == _I32:
                sizes[number] = self._read_integer()
            else:
                self._skip(kind)
        return self._at, sizes[2], sizes[3]

    def _read_fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field; read its value before the next."""
        number = 0
        while head := self._read_byte():
            number = number + (head >> 4) if head >> 4 else self._read_integer()
            yield number, head & 0x0F

    def _skip(self, kind: int) -> None:
        if kind in _INTEGERS:
            self._read_varint()
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            self._at += self._read_varint()
        elif kind == _STRUCT:
            for _, inner in self._read_fields():
                self._skip(inner)
        elif kind not in _FLAGS:
            raise ValueError(kind)

    def _read_integer(self) -> int:
        value = self._read_varint()
        return (value >> 1) ^ -(value & 1)

    def _read_varint(self) -> int:
        value = 0
        for shift in range(0, 64, 7):
            byte = self._read_byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("an integer of more than 64 bits")

    def _read_byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]


def find_growths(source: Source, metadata: pq.FileMetaData, *, harmless: int) -> Iterator[tuple[int, int]]:
    """Yield the sizes to which each row group may grow that could exceed `harmless` bytes.

    They are the size of its largest row, and that of all values of its repeated fields.
    """
    columns = map(metadata.schema.column, range(metadata.num_columns))
    strings = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    if not strings:
        return
    paths = [column.path for column in strings]
    repeated_paths = {column.path for column in strings if column.max_repetition_level}
    with pq.ParquetFile(open_binary(source), read_dictionary=paths, pre_buffer=False) as file:
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if group.total_byte_size * group.num_rows > harmless:
                first = next(file.iter_batches(batch_size=1, row_groups=[number], columns=paths), None)
                chunks = {chunk.path_in_schema: chunk for chunk in map(group.column, range(group.num_columns))}
                largest = dict(zip(paths, _find_largest(first.to_struct_array()), strict=True)) if first else {}
                repeated = (size * chunks[path].num_values for path, size in largest.items() if path in repeated_paths)
                yield sum(largest.values()), sum(repeated)


def _find_largest(column: "pa.Array[Any]") -> Iterator[int]:
    """Yield the size of the largest value of each dictionary, in the order of the leaf columns."""
    import pyarrow.compute as pc  # noqa: PLC0415 - slow to load, and few files need it

    if isinstance(column, pa.DictionaryArray):
        texts = cast("pa.BinaryArray", column.dictionary)
        yield pc.max(pc.binary_length(texts)).as_py() or 0
    elif isinstance(column, pa.StructArray):
        for number in range(column.type.num_fields):
            yield from _find_largest(column.field(number))
    elif isinstance(column, pa.MapArray):
        yield from _find_largest(column.keys)
        yield from _find_largest(column.items)
    elif isinstance(column, (pa.ListArray, pa.LargeListArray)):
        yield from _find_largest(column.values)


def open_binary(source: Source) -> pa.OSFile:
    """Open the source for PyArrow, which by itself takes no name with bytes that are not UTF-8."""
    return pa.OSFile(os.fsencode(source.path), "r")  # type: ignore[arg-type] # it takes bytes, too
