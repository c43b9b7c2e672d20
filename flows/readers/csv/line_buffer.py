"""Feed the `csv` module with the physical lines of a source but plain ones, and keep the last for raw texts of rows."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from flows.readers.csv.plain_lines import BlockLines, PlainLines
from flows.readers.limits import ReadLimits
from flows.readers.lines import Block, read_line_blocks
from flows.readers.stream import ByteStream

_SMALL = 10_000  # bytes; another class is twice as quick for more


class RowTooLongError(Exception):
    """A row continues over more lines than any row may have."""


@dataclass(frozen=True)
class _Kept:
    data: bytes
    first: int  # the number of the first line
    count: int
    position: int  # stored bytes of the source before the block
    end: int  # and up to its end

    @cached_property
    def lines(self) -> list[str]:
        return _split_lines(self.data)


class LineBuffer:
    """Lists of lines with their line ends, bytes that are not UTF-8 as lone surrogates; iterate once.

    A line that was too long is replaced by an empty one, and its number is in `dropped`.
    """

    def __init__(self, stream: ByteStream, *, limits: ReadLimits) -> None:
        self._blocks = read_line_blocks(stream, limits=limits)
        self._limits = limits
        self._kept: list[_Kept] = []
        self._block = BlockLines(b"")
        self._plain: PlainLines | None = None
        self._position = 0  # stored bytes of the source read so far
        self.next_line = 1  # the number of the first line that is neither iterated nor taken
        self.loaded = 0  # blocks so far
        self.dropped: dict[int, Block] = {}
        self.all_utf8 = True

    def __iter__(self) -> Iterator[list[str]]:
        for block in self._blocks:
            self._load(block)
            while not self._block.is_empty:
                lines = _split_lines(self._block.take())
                self.next_line += len(lines)
                yield lines

    def find_plain(self, plain: PlainLines) -> None:
        """Let plain lines be taken, from the next line on."""
        self._plain = plain
        self._block.find_plain(plain)

    def take_plain(self, most: int) -> tuple[int, memoryview]:
        """Return the number and the bytes of plain lines that are next, at most so many; they are not iterated."""
        count, data = self._block.take_plain(most)
        self.next_line += count
        return count, data

    def raw_text(self, first: int, last: int) -> str:
        """Return the text of kept lines without the last line end; bytes that are not UTF-8 become escapes."""
        parts = (kept.lines[max(first - kept.first, 0) : max(last + 1 - kept.first, 0)] for kept in self._kept)
        text = "".join(chain.from_iterable(parts)).rstrip("\r\n")
        return text if self.all_utf8 else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    def position_after(self, line: int) -> int:
        """Return about how many stored bytes of the source there are up to the end of a line."""
        block = next((kept for kept in self._kept if line < kept.first + kept.count), None)
        if block is None:
            return self._position
        return block.position + (block.end - block.position) * (line + 1 - block.first) // block.count

    def forget(self, before: int) -> None:
        """Drop the blocks that end before a line."""
        self._kept = [kept for kept in self._kept if kept.first + kept.count > before]

    def _load(self, block: Block) -> None:
        if sum(len(kept.data) for kept in self._kept[1:]) > self._limits.record_bytes:
            raise RowTooLongError
        self.loaded += 1
        if block.dropped:
            self.dropped[self.next_line] = block
        data = block.data or b"\n"
        self._block = BlockLines(data)
        self.all_utf8 = self.all_utf8 and self._block.is_utf8
        if self._plain is not None:
            self._block.find_plain(self._plain)
        self._kept.append(_Kept(data, self.next_line, self._block.line_count, self._position, block.position))
        self._position = block.position


def _split_lines(data: bytes | memoryview) -> list[str]:
    if len(data) < _SMALL:
        return list(io.StringIO(str(data, "utf-8", "surrogateescape"), newline=""))
    return list(io.TextIOWrapper(io.BytesIO(data), "utf-8", errors="surrogateescape", newline=""))
