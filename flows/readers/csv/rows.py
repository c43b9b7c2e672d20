"""The rows of a CSV source below its header, in runs of about a block: what fits the header, and what does not and why.

A row that does not fit is refused alone. A quote that is not closed refuses the source: nobody can tell where the next
row begins.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from flows.readers.csv.lines import CsvLines, RowTooLongError
from flows.readers.json.strict import Refusal, too_large
from flows.readers.limits import ReadLimits
from flows.readers.lines import line_ends
from schemas.codes import ErrorCode
from schemas.faults import FileFault

_NOT_UTF8 = Refusal(ErrorCode.INVALID_TEXT, "has a cell that is not UTF-8; if the file is in Windows-1252, convert it")


@dataclass(frozen=True)
class RefusedRow:
    """Why a row cannot be read, and the last line it is on."""

    why: Refusal
    last_line: int


@dataclass(frozen=True)
class Run:
    """Some rows in order. Cells stand in one list: millions of small ones would keep the garbage collector busy."""

    cells: list[str] = field(default_factory=list)  # of the rows that can be read, one after the other
    lines: list[int] = field(default_factory=list)  # the first line of every row
    refused: dict[int, RefusedRow] = field(default_factory=dict)  # by position among all rows


class CountingRows(Protocol):
    """What `csv.reader` makes."""

    @property
    def line_num(self) -> int:
        """The lines read so far."""

    def __iter__(self) -> Iterator[list[str]]:
        """The rows that are left."""

    def __next__(self) -> list[str]:
        """The next row."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows of a source, header and all."""

    name: str
    rows: CountingRows
    separator: str
    lines_before: int  # those that `rows` has not counted


class RunTaker:
    """Takes runs from a table whose header has been read."""

    def __init__(self, table: Table, *, width: int, lines: CsvLines, limits: ReadLimits) -> None:
        self._table = table
        self._width = width
        self._lines = lines
        self._caps = limits
        self._line = table.lines_before + table.rows.line_num + 1  # on which the next row begins

    def runs(self) -> Iterator[Run]:
        """The runs in order, none empty.

        Raises:
            FileFault: a quote is not closed.

        """
        more = True
        while more:
            run, loaded = Run(), self._lines.loaded
            while more and self._lines.loaded == loaded and len(run.lines) < self._caps.batch_rows:
                more = self._take(run, loaded)
            if run.lines:
                yield run
            self._lines.forget(self._line)

    def _take(self, run: Run, loaded: int) -> bool:
        """Add rows to the run until it is large enough or a quote is wrong; false at the end of the source."""
        table, lines = self._table, self._lines
        try:
            for row in table.rows:
                end = table.lines_before + table.rows.line_num
                if end != self._line:
                    self._check_lines(row, end)
                if len(row) != self._width:
                    self._refuse_length(run, row, end)
                elif not lines.all_utf8 and not _is_encodable(row):
                    self._refuse(run, _NOT_UTF8, end)
                else:
                    run.cells.extend(row)
                    run.lines.append(self._line)
                self._line = end + 1
                if lines.loaded != loaded or len(run.lines) >= self._caps.batch_rows:
                    return True
        except csv.Error as error:
            self._refuse_quotes(run, error)
            return True
        except RowTooLongError:
            raise self._open_quote() from None
        return False

    def _refuse_length(self, run: Run, row: list[str], end: int) -> None:
        """Note a row that has not the header's number of cells; one without any content is none."""
        dropped = self._lines.dropped.get(end)
        if dropped is not None:
            if dropped.dropped_quotes % 2:
                raise open_quote(self._table.name, end)
            refusal = too_large(dropped.dropped, self._caps)
        elif not any(cell.strip() for cell in row) and len(row) <= 1:
            return
        else:
            code = ErrorCode.ROW_TOO_SHORT if len(row) < self._width else ErrorCode.ROW_TOO_LONG
            refusal = Refusal(code, f"has {len(row)} cells, but the header has {self._width}")
        self._refuse(run, refusal, end)

    def _refuse_quotes(self, run: Run, error: csv.Error) -> None:
        """Note a row whose quotes are wrong, if that is a matter of one line."""
        end = self._table.lines_before + self._table.rows.line_num
        raw = self._lines.raw(self._line, end)
        if end != self._line or raw.count('"') % 2:
            raise self._open_quote()
        if "limit" in str(error):
            limit = self._caps.value_bytes
            refusal = Refusal(ErrorCode.TOO_LARGE, f"has a cell of more than {limit} characters, which is the most")
        else:
            refusal = Refusal(ErrorCode.MALFORMED_RECORD, "has a quote inside a quoted cell that is not written twice")
        self._refuse(run, refusal, end)
        self._line = end + 1

    def _refuse(self, run: Run, refusal: Refusal, end: int) -> None:
        run.refused[len(run.lines)] = RefusedRow(refusal, end)
        run.lines.append(self._line)

    def _check_lines(self, row: list[str], end: int) -> None:
        """Refuse a row over several lines that can only be one because of a quote that is not closed."""
        dropped = self._lines.dropped and any(self._line <= line <= end for line in self._lines.dropped)
        if dropped or sum(map(len, row)) > self._caps.record_bytes:
            raise self._open_quote()

    def _open_quote(self) -> FileFault:
        """The fault of the row that begins at the present line and is not over where it should be."""
        end = self._table.lines_before + self._table.rows.line_num
        lead = _before_open_quote(self._lines.raw(self._line, end), self._table.separator)
        return open_quote(self._table.name, self._line + line_ends(lead.encode()))


def open_quote(name: str, line: int) -> FileFault:
    """The fault of a source whose quote in a line is not closed."""
    return FileFault(
        ErrorCode.FILE_SYNTAX,
        f"{name} has a quote that opens in line {line} and is not closed as it must be",
        "close it; inside a quoted cell write a quote twice, and keep the cell below IMPORT_VALUE_BYTES",
    )


def _before_open_quote(raw: str, separator: str) -> str:
    """The part of a row's text before the quoted cell that does not end as it must."""
    edge = re.escape(separator) + r"\r\n"
    cells = re.compile(rf'"(?:[^"]|"")*+("?)(?=([{edge}]|\Z)?)|[^{edge}"][^{edge}]*+')
    for cell in cells.finditer(raw):
        if cell[0].startswith('"') and (not cell[1] or cell[2] is None):
            return raw[: cell.start()]
    return ""


def _is_encodable(row: list[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True
