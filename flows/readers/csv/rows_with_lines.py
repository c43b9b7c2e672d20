"""Read the rows of a CSV source below its header, each with the line it begins on, in chunks of about a block.

A row that does not fit the header is refused alone. A quote that is not closed refuses the source: where the next row
begins is then unknown.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from flows.readers.csv.line_buffer import LineBuffer, RowTooLongError
from flows.readers.csv.plain_lines import PlainLines
from flows.readers.csv.quotes import QuoteReader
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


class RowChunk:
    """Consecutive rows, plain ones as text. Other cells are in one list: small ones would keep the collector busy."""

    def __init__(self, separator: str, width: int) -> None:
        self.lines: list[int] = []  # the first line of every row
        self.refused: dict[int, tuple[Refusal, int]] = {}  # with the last line, by position in `lines`
        self._separator = separator
        self._names = [str(position) for position in range(width)]
        header = f"{separator.join(self._names)}\n".encode()  # so that U+FEFF in a first cell is not taken for a BOM
        self._plain: list[bytes | memoryview] = [header]
        self._plain_lines: list[int] = []
        self._cells: list[str] = []
        self._cell_lines: list[int] = []

    def add_plain(self, data: memoryview, lines: range) -> None:
        """Add lines that are plain rows."""
        self.lines.extend(lines)
        self._plain.append(data)
        self._plain_lines.extend(lines)

    def add_cells(self, row: list[str], line: int) -> None:
        """Add a row that is as long as the header."""
        self.lines.append(line)
        self._cells.extend(row)
        self._cell_lines.append(line)

    @property
    def cells(self) -> pl.DataFrame:
        """Return the readable rows; columns have numbers as names, since Polars takes some names for patterns."""
        column, width = pl.Series("cells", self._cells, dtype=pl.String), len(self._names)
        rows = pl.DataFrame({name: column.gather_every(width, int(name)) for name in self._names})
        if not self._plain_lines:
            return rows
        text = b"".join(self._plain)
        plain = pl.read_csv(text, separator=self._separator, infer_schema=False, empty_string_is_null=False)
        if not self._cells:
            return plain
        line = pl.Series("line", self._plain_lines + self._cell_lines)
        return pl.concat([plain, rows]).with_columns(line).sort("line").drop("line")


@dataclass(kw_only=True)
class Table:
    """The rows of a source, header included."""

    name: str
    rows: "Reader"
    separator: str
    quotes: QuoteReader
    lines_before: int  # lines that `rows` does not count

    @property
    def last_line(self) -> int:
        """Return the last line read so far."""
        return self.lines_before + self.rows.line_num

    def skip(self, count: int) -> None:
        """Count lines that have not been read by `rows`."""
        self.lines_before += count
        self.quotes.next_line += count


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
        longest = min(reading.limits.value_bytes, reading.limits.record_bytes)
        lines.find_plain(PlainLines(separator=table.separator, width=self._width, longest=longest))

    def read_chunks(self) -> Iterator[RowChunk]:
        """Yield the chunks in order, none of them empty; raise `FileFault` if a quote is not closed."""
        more = True
        while more:
            chunk, loaded = RowChunk(self._table.separator, self._width), self._lines.loaded
            more = self._add_plain(chunk) or self._fill(chunk, loaded)
            while more and self._lines.loaded == loaded and len(chunk.lines) < self._limits.batch_rows:
                more = self._add_plain(chunk) or self._fill(chunk, loaded)
            if chunk.lines:
                yield chunk
            self._lines.forget(self._line)

    def _add_plain(self, chunk: RowChunk) -> bool:
        """Add the plain lines that are next, if a row begins there; return whether there are any."""
        if self._line != self._lines.next_line or self._table.quotes.is_open:
            return False
        count, rows = self._lines.take_plain(self._limits.batch_rows - len(chunk.lines))
        chunk.add_plain(rows, range(self._line, self._line + count))
        self._table.skip(count)
        self._line += count
        return count > 0

    def _fill(self, chunk: RowChunk, loaded: int) -> bool:
        """Add rows until plain ones may follow, the chunk is full or a quote is wrong; return false at the end."""
        table, lines, width = self._table, self._lines, self._width
        malformed = table.quotes.malformed
        try:
            for row in table.rows:
                end = table.lines_before + table.rows.line_num
                if end != self._line:
                    self._check_lines(row, end)
                if len(row) == width and row[0].strip() and lines.all_utf8 and end not in malformed:
                    chunk.add_cells(row, self._line)
                else:
                    self._add_suspect(chunk, row, end)
                self._line = end + 1
                is_full = lines.loaded != loaded or len(chunk.lines) >= self._limits.batch_rows
                if is_full or self._line == lines.next_line:
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
            chunk.add_cells((row + [""] * (self._width - len(row)))[: self._width], self._line)

    def _find_refusal(self, row: list[str], end: int) -> Refusal | None:
        dropped = self._lines.dropped.get(end)
        if dropped is not None:
            if dropped.dropped_quotes % 2:
                raise open_quote(self._table.name, end)
            return refuse_oversized(dropped.dropped, self._limits)
        if end in self._table.quotes.malformed:
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
        if end != self._line or (raw.count('"') % 2 and end not in self._table.quotes.malformed):
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
