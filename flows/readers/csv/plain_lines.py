"""Find the lines of a block that are rows by themselves, whose cells Polars reads as the `csv` module does.

That a row begins where they do is for others to see to.
"""

from collections import deque
from typing import TYPE_CHECKING, cast

import polars as pl

from flows.readers.lines import split_bytes

if TYPE_CHECKING:
    import pyarrow as pa

_WIDEST = 500  # columns; the engine of regular expressions takes ten times as long for more
_FEW = 1000  # lines, which say nothing about a source


class PlainLines:
    r"""What a plain line is in a source: as many cells as columns, some of them not blank.

    A cell has no quote, or is quoted from its first to its last character. Neither CR, except before LF, nor U+FFFD is
    plain: the former ends a line as well, and the latter stands for bytes that are not UTF-8.
    """

    def __init__(self, *, separator: str, width: int, longest: int) -> None:
        self._is_worthwhile = separator.isascii() and not separator.isalnum() and width <= _WIDEST
        edge = rf"\x{{{ord(separator):x}}}"
        text, quoted = rf'[^"{edge}\r\n\x{{fffd}}]*', r'"[^"\r\n\x{fffd}]*"'
        cell = f"(?:{text}|(?:{quoted})+)"
        self._row = rf"^{cell}(?:{edge}{cell}){{{width - 1}}}\r?$"
        self._longest = longest  # bytes of a line

    def find(self, lines: pl.Series) -> list[tuple[int, int]]:
        """Return the runs of plain lines (the first, and the next that is not), or none where most lines are not."""
        if not self._is_worthwhile:
            return []
        is_small = lines.str.len_bytes() <= self._longest
        is_plain = lines.str.contains(self._row) & lines.str.contains("[0-9A-Za-z]") & is_small
        count = is_plain.sum()
        self._is_worthwhile = count > 0 or len(lines) < _FEW
        if 2 * count < len(lines):
            return []
        runs = is_plain.rle().struct.unnest().with_columns(stop=pl.col("len").cum_sum())
        return runs.filter("value").select(start=pl.col("stop") - pl.col("len"), stop="stop").rows()


class BlockLines:
    """The lines of a block, each up to an LF, to be taken in order: plain ones, or what comes before the next of them.

    As long as it is not known which lines are plain, all may be.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        lines = split_bytes(data, b"\n")
        ends = pl.concat([pl.Series([0], dtype=pl.UInt32), (lines.bin.size() + 1).cum_sum()])
        buffer = cast("pa.Buffer", ends.to_arrow().buffers()[1])
        self._ends = memoryview(buffer).cast("I")  # before the first line and after each
        self.is_utf8 = True
        try:
            self._texts = lines.cast(pl.String)
        except pl.exceptions.ComputeError:
            self.is_utf8 = False
            self._texts = split_bytes(data.decode(errors="replace").encode(), b"\n").cast(pl.String)
        self._count = len(lines) - data.endswith(b"\n")
        self.line_count = self._count  # a CR that is not before an LF ends a line as well
        if b"\r" in data:
            returns, before_end = self._texts.str.count_matches("\r", literal=True), self._texts.str.ends_with("\r")
            self.line_count += int(returns.sum()) - int(before_end.sum())
        self._at = 0
        self._few = 1
        self._plain = deque([(0, self._count)])

    def find_plain(self, plain: PlainLines) -> None:
        """Find which of the lines left are plain; a last line without LF is not."""
        at = self._at
        self._plain = deque((at + start, at + stop) for start, stop in plain.find(self._texts[at:-1]))

    def take_plain(self, most: int) -> tuple[int, memoryview]:
        """Take the plain lines that are next, at most so many, and return their number and bytes."""
        start, stop = self._next_run()
        count = min(stop - start, most) if start == self._at else 0
        if count > 0:
            self._few = 1
        return count, self._take(count)

    def take(self) -> memoryview:
        """Take the lines up to the next plain one, or plain ones: more each time, since these may not be rows."""
        lines = self._take(max(self._next_run()[0] - self._at, self._few))
        self._few *= 2
        return lines

    @property
    def is_empty(self) -> bool:
        """Whether all lines have been taken."""
        return self._at >= self._count

    def _next_run(self) -> tuple[int, int]:
        while self._plain and self._plain[0][1] <= self._at:
            self._plain.popleft()
        start, stop = self._plain[0] if self._plain else (self._count, self._count)
        return max(start, self._at), stop

    def _take(self, count: int) -> memoryview:
        start, self._at = self._at, min(self._at + count, self._count)
        return self._data[self._ends[start] : self._ends[self._at]]
