"""How large the pages of a Parquet file are when decompressed, read from their headers before PyArrow allocates them.

A page is the least that can be decoded: one value of a gigabyte is one page. Malformed headers are PyArrow's to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

import pyarrow.parquet as pq

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
