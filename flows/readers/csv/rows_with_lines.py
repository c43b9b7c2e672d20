"""Read the rows of a CSV source below its header, each with the line it begins on, in chunks of about a block.

A row that does not fit the header is refused alone. A quote that is not closed refuses the source: where the next row
begins is then unknown.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.readers.csv.line_buffer import LineBuffer, RowTooLongError
from flows.readers.encodings import NOT_UTF8_HINT
from flows.readers.header import Header
from flows.readers.json.strict import Refusal, refuse_oversized
from flows.readers.lines import count_line_ends
from flows.readers.reading import Reading
from schemas.codes import ErrorCode
from schemas.faults import FileFault

if TYPE_CHECKING:
    from _csv import Reader

NOT_DECODED = re.compile(r"[\udc80-\udcff]")  # the lone surrogates of bytes that are not UTF-8
_NOT_UTF8 = Refusal(ErrorCode.INVALID_TEXT, f"has a cell that is not UTF-8{NOT_UTF8_HINT}")
NO_SEPARATOR = Refusal(
    ErrorCode.MALFORMED_RECORD,
    "has a cell with an odd number of quotes, of which none is its first character; add the missing separator, "
    "or quote the cell and double each quote in it",
)


@dataclass(frozen=True)
class RowChunk:
    """Consecutive rows. All cells are in one list: millions of small lists would keep the garbage collector busy."""

    cells: list[str] = field(default_factory=list)  # of the readable rows, one row after the other
    lines: list[int] = field(default_factory=list)  # the first line of every row
    refused: dict[int, tuple[Refusal, int]] = field(default_factory=dict)  # with the last line, by position in `lines`


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a source, header included."""

    name: str
    rows: "Reader"
    separator: str
    lines_before: int  # lines that `rows` does not count
    malformed: set[int]  # the lines so far that end in a cell with an odd number of quotes

    @property
    def last_line(self) -> int:
        """Return the last line read so far."""
        return self.lines_before + self.rows.line_num


class ChunkReader:
    """Read a table in chunks, once its header has been read."""

    def __init__(self, table: Table, header: Header, *, lines: LineBuffer, reading: Reading) -> None:
        self._table = table
        self._width = len(header.columns)
        self._named_width = header.named_width
        self._lines = lines
        self._limits = reading.limits
        self._skipped = reading.skipped
        self._line = table.last_line + 1  # where the next row begins

    def read_chunks(self) -> Iterator[RowChunk]:
        """Yield the chunks in order, none of them empty; raise `FileFault` if a quote is not closed."""
        more = True
        while more:
            chunk, loaded = RowChunk(), self._lines.loaded
            more = self._fill(chunk, loaded)
            while more and self._lines.loaded == loaded and len(chunk.lines) < self._limits.batch_rows:
                more = self._fill(chunk, loaded)
            if chunk.lines:
                yield chunk
            self._lines.forget(self._line)

    def _fill(self, chunk: RowChunk, loaded: int) -> bool:
        """Add rows until the chunk is full or a quote is wrong; return false at the end of the source."""
        table, lines, width = self._table, self._lines, self._width
        try:
            for row in table.rows:
                end = table.lines_before + table.rows.line_num
                if end != self._line:
                    self._check_lines(row, end)
                if len(row) == width and row[0].strip() and lines.all_utf8 and not table.malformed:
                    chunk.cells.extend(row)
                    chunk.lines.append(self._line)
                else:
                    self._add_suspect(chunk, row, end)
                self._line = end + 1
                if lines.loaded != loaded or len(chunk.lines) >= self._limits.batch_rows:
                    return True
        except csv.Error as error:
            self._refuse_quotes(chunk, error)
            return True
        except RowTooLongError:
            raise self._open_quote() from None
        return False

    def _add_suspect(self, chunk: RowChunk, row: list[str], end: int) -> None:
        """Add a row as long as the header, or refuse it; skip a blank row."""
        refusal = self._find_refusal(row, end)
        if refusal is not None:
            self._refuse(chunk, refusal, end)
        elif is_blank(row):
            self._skipped.blank_lines += 1
        else:
            chunk.cells.extend((row + [""] * (self._width - len(row)))[: self._width])
            chunk.lines.append(self._line)

    def _find_refusal(self, row: list[str], end: int) -> Refusal | None:
        dropped = self._lines.dropped.get(end)
        if dropped is not None:
            if dropped.dropped_quotes % 2:
                raise open_quote(self._table.name, end)
            return refuse_oversized(dropped.dropped, self._limits)
        if end in self._table.malformed:
            return NO_SEPARATOR
        if is_blank(row):
            return None
        if len(row) < self._named_width or not is_blank(row[self._width :]):
            code = ErrorCode.ROW_TOO_SHORT if len(row) < self._width else ErrorCode.ROW_TOO_LONG
            cells = "1 cell" if len(row) == 1 else f"{len(row):,} cells"
            return Refusal(code, f"has {cells}, but the header has {self._width:,}")
        return _NOT_UTF8 if NOT_DECODED.search("".join(row)) else None

    def _refuse_quotes(self, chunk: RowChunk, error: csv.Error) -> None:
        """Refuse a row on a single line whose quotes are wrong."""
        end = self._table.last_line
        raw = self._lines.raw_text(self._line, end)
        if end != self._line or (raw.count('"') % 2 and end not in self._table.malformed):
            raise self._open_quote()
        if "limit" in str(error):
            limit = self._limits.value_bytes
            refusal = Refusal(
                ErrorCode.TOO_LARGE, f"has a cell of more than {limit:,} characters, which is the maximum"
            )
        else:
            refusal = Refusal(ErrorCode.MALFORMED_RECORD, "has a quote inside a quoted cell that is not doubled")
        self._refuse(chunk, refusal, end)
        self._line = end + 1

    def _refuse(self, chunk: RowChunk, refusal: Refusal, end: int) -> None:
        chunk.refused[len(chunk.lines)] = (refusal, end)
        chunk.lines.append(self._line)

    def _check_lines(self, row: list[str], end: int) -> None:
        """Refuse the source if a row over several lines is so large that a quote must have been left open."""
        dropped = self._lines.dropped and any(self._line <= line <= end for line in self._lines.dropped)
        if dropped or sum(map(len, row)) > self._limits.record_bytes:
            raise self._open_quote()

    def _open_quote(self) -> FileFault:
        """Return the fault of the row that begins at the current line and does not end where it should."""
        raw = self._lines.raw_text(self._line, self._table.last_line)
        before = _before_open_quote(raw, self._table.separator)
        return open_quote(self._table.name, self._line + count_line_ends(before.encode()))


def is_blank(row: list[str]) -> bool:
    """Return whether the cells have nothing but white space."""
    return not "".join(row).strip()


def open_quote(name: str, line: int) -> FileFault:
    """Return the fault of a source with a quoted cell that opens in a line and is not closed."""
    message = f"{name} has a quoted cell that opens in line {line} and is not closed properly"
    hint = "close it with a quote, double each quote inside it, and keep it below IMPORT_VALUE_BYTES"
    return FileFault(ErrorCode.FILE_SYNTAX, message, hint)


def _before_open_quote(raw: str, separator: str) -> str:
    """Return the part of a row's text before the quoted cell that is not closed properly."""
    edge = re.escape(separator) + r"\r\n"
    space = rf"[^\S{edge}]*+"
    cells = re.compile(rf'{space}"(?:[^"]|"")*+("?){space}(?=([{edge}]|\Z)?)|[^{edge}"][^{edge}]*+')
    for cell in cells.finditer(raw):
        if cell[1] == "" or (cell[1] and cell[2] is None):
            return raw[: cell.start()]
    return ""
