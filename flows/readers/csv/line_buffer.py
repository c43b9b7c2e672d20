"""Feed the `csv` module with the physical lines of a source, and keep the last ones to return the raw text of a row."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from flows.readers.json.strict import find_invalid_utf8
from flows.readers.limits import ReadLimits
from flows.readers.lines import Block, read_line_blocks
from flows.readers.stream import ByteStream


class RowTooLongError(Exception):
    """A row continues over more lines than any row may have."""


@dataclass(frozen=True)
class _Kept:
    first: int  # the number of the first line
    lines: list[str]
    size: int
    position: int  # stored bytes of the source before the block
    end: int  # and up to its end


class LineBuffer:
    """Blocks of lines with their line ends, bytes that are not UTF-8 as lone surrogates; iterate once.

    A line that was too long is replaced by an empty one, and its number is in `dropped`.
    """

    def __init__(self, stream: ByteStream, *, limits: ReadLimits) -> None:
        self._blocks = read_line_blocks(stream, limits=limits)
        self._limits = limits
        self._kept: list[_Kept] = []
        self._next_line = 1
        self._position = 0  # stored bytes of the source read so far
        self.loaded = 0  # blocks so far
        self.dropped: dict[int, Block] = {}
        self.all_utf8 = True

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._load, self._blocks)

    def raw_text(self, first: int, last: int) -> str:
        """Return the text of kept lines without the last line end; bytes that are not UTF-8 become escapes."""
        parts = (kept.lines[max(first - kept.first, 0) : max(last + 1 - kept.first, 0)] for kept in self._kept)
        text = "".join(chain.from_iterable(parts)).rstrip("\r\n")
        return text if self.all_utf8 else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def position_after(self, line: int) -> int:
        """Return about how many stored bytes of the source there are up to the end of a line."""
        block = next((kept for kept in self._kept if line < kept.first + len(kept.lines)), None)
        if block is None:
            return self._position
        return block.position + (block.end - block.position) * (line + 1 - block.first) // len(block.lines)

    def forget(self, before: int) -> None:
        """Drop the blocks that end before a line."""
        self._kept = [kept for kept in self._kept if kept.first + len(kept.lines) > before]

    def _load(self, block: Block) -> list[str]:
        if sum(kept.size for kept in self._kept[1:]) > self._limits.record_bytes:
            raise RowTooLongError
        self.loaded += 1
        if block.dropped:
            self.dropped[self._next_line] = block
        self.all_utf8 = self.all_utf8 and find_invalid_utf8(block.data) is None
        data = io.BytesIO(block.data or b"\n")
        lines = list(io.TextIOWrapper(data, "utf-8", errors="surrogateescape", newline=""))
        self._kept.append(_Kept(self._next_line, lines, len(block.data), self._position, block.position))
        self._position = block.position
        self._next_line += len(lines)
        return lines
