"""Decompress the bytes of a source: its name says whether, its first bytes say how. Texts are decoded elsewhere."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader, BufferedWriter
from pathlib import PurePath
from typing import BinaryIO, Protocol, cast

COMPRESSIONS: Mapping[str, str] = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
SIGNATURES: Mapping[str, bytes] = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
}
FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError)
_CHUNK = 1 << 20
_MOST_MEMORY = 1 << 29  # of a dictionary; the largest preset of xz needs an eighth of it


class Content(Protocol):
    """Bytes that are read from the start to the end."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


class _Stream(Protocol):
    """One compressed stream, of the interface of `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """A stream of gzip, which `zlib` has with another interface."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)


class _Streams:
    """The content of one stream after the other; each can have zero bytes after it, as block devices pad files."""

    def __init__(self, stored: BufferedReader, start: Callable[[], _Stream]) -> None:
        self._stored = stored
        self._start = start
        self._stream = start()
        self._rest = b""  # read, but not yet fed to the stream

    def read(self, size: int, /) -> bytes:
        while not self._stream.eof or self._begin_next():
            data = b""
            if self._stream.needs_input:
                data, self._rest = self._rest or self._stored.read(_CHUNK), b""
                if not data:
                    raise EOFError("truncated")
            if content := self._stream.decompress(data, size):
                return content
        return b""

    def _begin_next(self) -> bool:
        """Begin the stream after the one that has ended; return false if there is none."""
        rest = self._stream.unused_data.lstrip(b"\0")
        while not rest and (chunk := self._stored.read(_CHUNK)):
            rest = chunk.lstrip(b"\0")
        if rest:
            self._stream, self._rest = self._start(), rest
        return bool(rest)


_STARTS: Mapping[str, Callable[[], _Stream]] = {
    "gzip": _Gzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY),
}


def compression_from_name(name: str) -> str | None:
    """Return the compression of a file by its extension."""
    return COMPRESSIONS.get(PurePath(name.lower()).suffix)


def compression_of(head: bytes) -> str | None:
    """Return the compression of which the content has the signature."""
    return next((kind for kind, signature in SIGNATURES.items() if head.startswith(signature)), None)


def open_content(stored: BufferedReader, kind: str | None) -> Content:
    """Return the content of a file at its start, decompressed if it is compressed in some way."""
    if kind == "zstd":
        import pyarrow as pa  # noqa: PLC0415 - takes a tenth of a second, and few commands read files

        content: Content = pa.CompressedInputStream(pa.PythonFile(stored, "r"), "zstd")
        return content
    return stored if kind is None else _Streams(stored, _STARTS[kind])


def open_compressed(file: BufferedWriter, kind: str | None) -> AbstractContextManager[BinaryIO]:
    """Open a file to write to so that what is written is compressed in some way."""
    opened: object = nullcontext(file)
    if kind == "zstd":
        import pyarrow as pa  # noqa: PLC0415

        opened = pa.CompressedOutputStream(pa.PythonFile(file, "w"), "zstd")
    elif kind == "gzip":
        opened = gzip.open(file, "wb")  # noqa: SIM115 - the caller closes it
    elif kind is not None:
        opened = bz2.open(file, "wb") if kind == "bzip2" else lzma.open(file, "wb")  # noqa: SIM115
    return cast("AbstractContextManager[BinaryIO]", opened)


def describe_fault(reason: str, kind: str) -> str:
    """Return what is wrong with a compressed file by what its decompressor says."""
    if "ictionary" in reason:
        return f"needs the dictionary that its {kind} compression was made with, which is not in the file"
    if "emory" in reason:
        return f"needs too much memory for its {kind} compression"
    return f"{'ends in the middle of its' if 'runcated' in reason else 'has damaged'} {kind} compression"
