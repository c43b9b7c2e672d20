"""The bytes of a source, decompressed when its name says so. What the bytes mean is for the readers."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

import pyarrow as pa

from flows.readers.limits import MIB, ReadLimits
from flows.readers.sources import Source, compression, open_source
from schemas.codes import ErrorCode
from schemas.faults import FileFault

CHUNK = 8 * MIB
RATIO_FLOOR = 64 * MIB  # what is smaller harms nobody, whatever its ratio


class ByteStream:
    """A source's bytes in order, bounded by the limits; `position` counts the stored bytes used so far."""

    def __init__(
        self, source: Source, content: BufferedReader | pa.NativeFile, stored: BufferedReader, *, limits: ReadLimits
    ) -> None:
        self._source = source
        self._content = content
        self._stored = stored
        self._caps = limits
        self._out = 0

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    @property
    def position(self) -> int:
        """How many bytes of the source, as it is stored, have been used."""
        return min(self._stored.tell(), self._source.size)

    def read(self, size: int = CHUNK) -> bytes:
        """The next bytes, at most `size`; none at the end.

        Raises:
            FileFault: the bytes cannot be had, or are too many.

        """
        try:
            chunk: bytes = self._content.read(size)
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(str(error)) from error
        self._out += len(chunk)
        if self._content is not self._stored:
            self._check_growth()
        return chunk

    def _check_growth(self) -> None:
        limits = self._caps
        if self._out > limits.decompressed_bytes:
            raise self._too_large(f"{limits.decompressed_bytes} bytes", "decompressed_bytes")
        if self._out > RATIO_FLOOR and self._out > limits.decompressed_ratio * self._source.size:
            raise self._too_large(f"{limits.decompressed_ratio} times its size", "decompressed_ratio")

    def _too_large(self, limit: str, cap: str) -> FileFault:
        return FileFault(
            ErrorCode.FILE_UNREADABLE,
            f"{self.name} decompresses to more than {limit}",
            f"if you trust the file, decompress it yourself or raise IMPORT_{cap.upper()}",
        )

    def _unreadable(self, reason: str) -> FileFault:
        kind = compression(self._source.name)
        if kind is None:
            return FileFault(ErrorCode.FILE_UNREADABLE, f"{self.name} cannot be read: {reason}")
        what = "ends in the middle" if "runcated" in reason else "is damaged"
        return FileFault(
            ErrorCode.FILE_UNREADABLE,
            f"{self.name} {what} of its {kind} compression, near byte {self.position}",
            "make or copy the file again",
        )


@contextmanager
def open_stream(source: Source, *, limits: ReadLimits) -> Iterator[ByteStream]:
    """The source's bytes from the start."""
    with open_source(source) as file:
        kind = compression(source.name)
        content = file if kind is None else pa.CompressedInputStream(pa.PythonFile(file, "r"), kind)
        yield ByteStream(source, content, file, limits=limits)
