"""Find how cells are quoted, before the `csv` module, which takes a quoted cell after white space for plain text.

One regular expression skips what is quoted well; only what it stops at is looked at here.
"""

import io
import re
from collections.abc import Iterator

from flows.readers.lines import count_line_ends

Span = tuple[int, int]
_REST_OF_LINE = re.compile(r"[^\r\n]*+")


class QuoteReader:
    """Read the lines of a source in blocks; `malformed` has the numbers of those that lack a separator at a quote."""

    def __init__(self, separator: str, *, first_line: int) -> None:
        edge = re.escape(separator) + r"\r\n"
        rest_of_quoted = r'[^"]*+(?:""[^"]*+)*+"'
        several = rf'"[^"]*+"(?:[{edge}]"[^"]*+"){{0,64}}+(?:"[^"]*+")*+'  # cells at once: less than half of the time
        self._well_quoted = re.compile(rf'[^"]*+(?:(?<![^{edge}]){several}(?![^{edge}])[^"]*+)*+')
        self._rest_of_quoted = re.compile(rf"{rest_of_quoted}(?P<space>[^\S{edge}]*+)(?P<text>[^{edge}])?")
        self._rest_of_cell = re.compile(rf"[^{edge}]*+")
        self._edges = (separator, "\r", "\n")
        self.next_line = first_line
        self.is_open = False  # a quoted cell continues in the next block
        self.malformed: set[int] = set()

    def read(self, lines: list[str]) -> list[str]:
        """Return a block's lines without white space around quoted cells; a malformed line ends before its quote."""
        first_line, self.next_line = self.next_line, self.next_line + len(lines)
        if not self.is_open and not any('"' in line for line in lines):
            return lines
        text = "".join(lines)
        kept, end = [], 0
        for start, stop in self._find_removals(text, first_line):
            kept.append(text[end:start])
            end = stop
        repaired = "".join([*kept, text[end:]])
        return lines if len(repaired) == len(text) else list(io.StringIO(repaired, newline=""))

    def _find_removals(self, text: str, line: int) -> Iterator[Span]:
        """Yield the spans to leave out, in order; `line` is the number of the first line."""
        at = counted = 0
        if self.is_open:
            space, at = self._close_quoted(text, 0)
            yield space
        while (quote := _skip(self._well_quoted, text, at)) < len(text):
            start = max(at, *(text.rfind(edge, at, quote) + 1 for edge in self._edges))
            if not text[start:quote].strip():
                yield start, quote
                space, at = self._close_quoted(text, quote + 1)
                yield space
                continue
            at = _skip(self._rest_of_cell, text, quote)
            if text.count('"', quote, at) % 2:
                line += count_line_ends(text[counted:quote].encode("utf-8", "surrogateescape"))
                self.malformed.add(line)
                counted, at = quote, _skip(_REST_OF_LINE, text, at)
                yield quote, at

    def _close_quoted(self, text: str, at: int) -> tuple[Span, int]:
        """Return the white space after the quoted cell that a position is in, and where to continue."""
        cell = self._rest_of_quoted.match(text, at)
        self.is_open = cell is None
        if cell is None:
            return (at, at), len(text)
        if cell["text"]:  # the `csv` module refuses the row, and continues with the next line
            return (at, at), _skip(_REST_OF_LINE, text, cell.end())
        return cell.span("space"), cell.end()


def _skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where a match of the pattern, which can be empty, ends."""
    found = pattern.match(text, start)
    return start if found is None else found.end()
