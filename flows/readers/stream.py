"""The bytes of a source, decompressed, as UTF-8. The readers interpret them."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import Any

import pyarrow as pa

from flows.readers.compression import (
    FAULTS,
    compression_from_name,
    compression_of,
    describe_fault,
    open_content,
)
from flows.readers.encodings import UTF8, Decoder
from flows.readers.limits import MIB, ReadLimits
from flows.readers.sources import Source, Span, open_source
from schemas.codes import ErrorCode
from schemas.faults import FileFault

CHUNK = 8 * MIB
RATIO_FLOOR = 64 * MIB  # the decompressed size up to which the ratio does not matter


class ByteStream:
    """The bytes of a source in order, within the limits of decompression."""

    def __init__(self, source: Source, stored: "BufferedReader[Any]", *, limits: ReadLimits) -> None:
        self.name = source.name
        self.is_utf8 = source.encoding == UTF8  # so that offsets are those of the file
        self._source = source
        self._stored = stored
        self._limits = limits
        self._decompressed = 0
        self.begins_source = source.span is None or source.span.begin == 0
        self._compression = compression_of(stored.peek()) if compression_from_name(source.file_name) else None
        self._content = open_content(stored, self._compression)
        self._decoder = None if self.is_utf8 else Decoder(source.encoding)

    @property
    def position(self) -> int:
        """Return how many stored bytes of the source have been read."""
        return min(self._stored.tell(), self._source.size)

    def read(self, size: int = CHUNK) -> bytes:
        """Read at most `size` bytes, none at the end; raise `FileFault` if that fails or the source exceeds a limit."""
        chunk = self._decompress(size)
        if self._decoder is None:
            return chunk
        while not (text := self._decoder.decode(chunk)) and chunk:  # it ends inside a character
            chunk = self._decompress(size)
        return text

    def _decompress(self, size: int) -> bytes:
        try:
            chunk: bytes = self._content.read(size)
        except (*FAULTS, pa.ArrowException) as error:
            raise self._unreadable(str(error)) from error
        self._decompressed += len(chunk)
        if self._compression is not None:
            self._check_growth()
        return chunk

    def _check_growth(self) -> None:
        limits, size = self._limits, self._decompressed
        if size > limits.decompressed_bytes:
            raise self._too_large(f"{limits.decompressed_bytes:,} bytes", "decompressed_bytes")
        if size > max(RATIO_FLOOR, limits.decompressed_ratio * self._source.size):
            raise self._too_large(f"{limits.decompressed_ratio:,} times its size", "decompressed_ratio")

    def _too_large(self, limit: str, setting: str) -> FileFault:
        hint = f"if you trust the file, decompress it yourself or raise IMPORT_{setting.upper()}"
        return FileFault(ErrorCode.FILE_UNREADABLE, f"{self.name} decompresses to more than {limit}", hint)

    def _unreadable(self, reason: str) -> FileFault:
        if self._compression is None:
            message = f"{self.name} cannot be read: {reason}"
            return FileFault(ErrorCode.FILE_UNREADABLE, message, "check the disk, or copy it again")
        what = describe_fault(reason, self._compression)
        hint = "decompress it yourself" if what.startswith("needs") else "compress or copy the file again"
        return FileFault(ErrorCode.FILE_UNREADABLE, f"{self.name} {what}, near byte {self.position}", hint)


@contextmanager
def open_stream(source: Source, *, limits: ReadLimits) -> Iterator[ByteStream]:
    """Open the source at its start, or its span."""
    with open_source(source) as file:
        stored: BufferedReader[Any] = BufferedReader(_Section(file, source.span)) if source.span else file
        yield ByteStream(source, stored, limits=limits)


class _Section(RawIOBase):
    """The bytes of a span of an open file."""

    def __init__(self, file: BufferedReader, span: Span) -> None:
        self._file, self._left, self._done = file, span.end - span.begin, 0
        file.seek(span.begin)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # what BufferedReader passes
        size = self._file.readinto(memoryview(buffer)[: self._left])
        self._left, self._done = self._left - size, self._done + size
        return size

    def tell(self) -> int:
        return self._done
