"""The bytes of a source, decompressed if its name says so. The readers interpret them."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

import pyarrow as pa

from flows.readers.limits import MIB, ReadLimits
from flows.readers.sources import Source, compression_from_name, open_source
from schemas.codes import ErrorCode
from schemas.faults import FileFault

CHUNK = 8 * MIB
RATIO_FLOOR = 64 * MIB  # the decompressed size up to which the ratio does not matter


class ByteStream:
    """The bytes of a source in order, within the limits of decompression."""

    def __init__(
        self, source: Source, content: BufferedReader | pa.NativeFile, stored: BufferedReader, *, limits: ReadLimits
    ) -> None:
        self.name = source.name
        self._source = source
        self._content = content
        self._stored = stored
        self._limits = limits
        self._decompressed = 0

    @property
    def position(self) -> int:
        """Return how many stored bytes of the source have been read."""
        return min(self._stored.tell(), self._source.size)

    def read(self, size: int = CHUNK) -> bytes:
        """Read at most `size` bytes, none at the end; raise `FileFault` if that fails or the source exceeds a limit."""
        try:
            chunk: bytes = self._content.read(size)
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(str(error)) from error
        self._decompressed += len(chunk)
        if self._content is not self._stored:
            self._check_growth()
        return chunk

    def _check_growth(self) -> None:
        limits, size = self._limits, self._decompressed
        if size > limits.decompressed_bytes:
            raise self._too_large(f"{limits.decompressed_bytes} bytes", "decompressed_bytes")
        if size > max(RATIO_FLOOR, limits.decompressed_ratio * self._source.size):
            raise self._too_large(f"{limits.decompressed_ratio} times its size", "decompressed_ratio")

    def _too_large(self, limit: str, setting: str) -> FileFault:
        hint = f"if you trust the file, decompress it yourself or raise IMPORT_{setting.upper()}"
        return FileFault(ErrorCode.FILE_UNREADABLE, f"{self.name} decompresses to more than {limit}", hint)

    def _unreadable(self, reason: str) -> FileFault:
        kind = compression_from_name(self.name)
        if kind is None:
            message = f"{self.name} cannot be read: {reason}"
            return FileFault(ErrorCode.FILE_UNREADABLE, message, "check the disk, or copy it again")
        what = "ends in the middle of its" if "runcated" in reason else "has damaged"
        message = f"{self.name} {what} {kind} compression, near byte {self.position}"
        return FileFault(ErrorCode.FILE_UNREADABLE, message, "compress or copy the file again")


@contextmanager
def open_stream(source: Source, *, limits: ReadLimits) -> Iterator[ByteStream]:
    """Open the source's bytes, decompressed, at the start."""
    with open_source(source) as file:
        kind = compression_from_name(source.name)
        content = file if kind is None else pa.CompressedInputStream(pa.PythonFile(file, "r"), kind)
        yield ByteStream(source, content, file, limits=limits)
