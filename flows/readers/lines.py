"""Split a source's bytes into blocks of whole lines. A line ends with LF, CRLF or CR; the readers interpret it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import polars as pl
import pyarrow as pa

from flows.readers.encodings import BOM
from flows.readers.limits import ReadLimits
from flows.readers.stream import ByteStream


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole lines with their line ends (the source's last line may have none), or one line too long to be kept."""

    data: bytes
    position: int  # stored bytes of the source read so far
    dropped: int = 0  # the length of a line that was too long; `data` is then empty
    dropped_quotes: int = 0


def count_line_ends(data: bytes) -> int:
    """Count the line ends in bytes that are not cut between CR and LF."""
    feeds = data.count(b"\n") if b"\n" in data else 0  # `in` is much faster than `count`
    return feeds + data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else feeds


def read_line_blocks(stream: ByteStream, *, limits: ReadLimits) -> Iterator[Block]:
    """Yield the lines, without a BOM, in blocks of about `batch_bytes`; a line over `record_bytes` is its own block."""
    chunk = stream.read(max(limits.batch_bytes, len(BOM)))
    rest = chunk.removeprefix(BOM) if stream.begins_source else chunk
    while chunk:
        chunk = stream.read(limits.batch_bytes)
        lines, rest = _cut_after_last_line(rest, chunk)
        if lines:
            yield from _separate_long_lines(lines, position=stream.position, limit=limits.record_bytes)
        if len(rest.removesuffix(b"\r")) > limits.record_bytes:
            dropped, rest = _drop_line(rest, stream, size=limits.batch_bytes)
            yield dropped


def _cut_after_last_line(rest: bytes, chunk: bytes) -> tuple[bytes, bytes]:
    """Return the whole lines of both, and what is left; everything if the chunk, which ends a source, is empty."""
    if end := _end_of_last_line(chunk):
        return b"".join((rest, memoryview(chunk)[:end])), chunk[end:]
    rest += chunk
    end = _end_of_last_line(rest) if chunk else len(rest)
    return rest[:end], rest[end:]


def _drop_line(rest: bytes, stream: ByteStream, *, size: int) -> tuple[Block, bytes]:
    """Read to the end of the line that `rest` begins with, and return its block and what follows it."""
    length = quotes = 0
    chunk = rest
    while chunk and _find_line_end(rest, 0) >= (passed := len(rest.removesuffix(b"\r"))):
        length += passed
        quotes += rest.count(b'"', 0, passed)
        chunk = stream.read(size)
        rest = rest[passed:] + chunk
    end = _find_line_end(rest, 0)
    quotes += rest.count(b'"', 0, end)
    block = Block(data=b"", position=stream.position, dropped=length + end, dropped_quotes=quotes)
    return block, rest[end + _line_end_size(rest, end) :]


def _separate_long_lines(lines: bytes, *, position: int, limit: int) -> Iterator[Block]:
    """Yield lines over the limit as blocks of their own, so that the result does not depend on the chunks read."""
    start = at = 0
    while len(lines) - at > limit:
        end = max(lines.rfind(b"\n", at, at + limit + 1), lines.rfind(b"\r", at, at + limit + 1))
        if end < 0:
            if at > start:
                yield Block(data=lines[start:at], position=position)
            end = _find_line_end(lines, at + limit)
            yield Block(data=b"", position=position, dropped=end - at, dropped_quotes=lines.count(b'"', at, end))
            start = end + _line_end_size(lines, end)
        at = end + _line_end_size(lines, end)
    if start < len(lines):
        yield Block(data=lines[start:], position=position)


def _find_line_end(data: bytes, start: int) -> int:
    """Return the position of the first line end at or after `start`, or the length of the data."""
    ends = [end for end in (data.find(b"\n", start), data.find(b"\r", start)) if end >= 0]
    return min(ends, default=len(data))


def _line_end_size(data: bytes, end: int) -> int:
    return 2 if data.startswith(b"\r\n", end) else 1


def _end_of_last_line(data: bytes) -> int:
    """Return the end of the last whole line; a CR at the very end may be the first half of CRLF."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1


def split_bytes(data: bytes, separator: bytes, *, start: int = 0) -> pl.Series:
    """Return the pieces of the bytes from `start` on as a Binary column; one piece if there is no separator."""
    import pyarrow.compute as pc  # noqa: PLC0415 - takes a twentieth of a second, and few commands read files

    content = pa.py_buffer(data).slice(start)
    bounds = pa.array([0, len(data) - start], pa.int64()).buffers()[1]
    whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, bounds, content])
    return cast("pl.Series", pl.from_arrow(pc.split_pattern(whole, pattern=separator.decode()).flatten()))
