"""Find the suspect cells of a sheet of an .ods file, whose cells and rows can be repeated."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from flows.readers.excel.suspects import EXACT, MOST_COLUMNS, MOST_ROWS, Suspects
from flows.readers.limits import MIB

_URN = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _OFFICE = f"{_URN}table:1.0 ", f"{_URN}office:1.0 "
_PARAGRAPH, _ANNOTATION = f"{_URN}text:1.0 p", f"{_OFFICE}annotation"
_ERROR_TYPE = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 value-type"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_TIME = re.compile(r"PT([0-9]{1,2})H([0-9]{1,2})M([0-9]{1,2})(?:[.,][0-9]+)?S")
_HOURS_OF_DAY = 24


def find_suspects(archive: zipfile.ZipFile, sheet: int) -> Suspects:
    """Return the suspect cells of the sheet with that number, counted from 0."""
    scan = _Scan(sheet)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = scan.start, scan.end
    parser.CharacterDataHandler = scan.add_text
    with archive.open("content.xml") as file:
        for chunk in iter(lambda: file.read(MIB), b""):
            parser.Parse(chunk, False)
            if scan.is_done:
                break
    return scan.suspects


@dataclass
class _Scan:
    """Where the parser is, and what it has found."""

    sheet: int
    suspects: Suspects = field(default_factory=Suspects)
    table: int = -1
    row: int = 0
    column: int = 0
    rows: int = 1  # that the current row stands for
    attributes: dict[str, str] | None = None  # of the current cell
    text: str = ""
    ignored: int = 0  # levels of annotations

    @property
    def is_done(self) -> bool:
        """Whether the sheet has ended."""
        return self.table > self.sheet

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Enter an element."""
        if name == f"{_TABLE}table":
            self.table, self.row = self.table + 1, 0
        elif self.table != self.sheet:
            return
        elif name == f"{_TABLE}table-row":
            self.rows, self.column = _count(attributes, "number-rows-repeated", MOST_ROWS), 0
        elif name in _CELLS:
            self.attributes, self.text = attributes, ""
        elif name == _ANNOTATION:
            self.ignored += 1

    def add_text(self, text: str) -> None:
        """Add to the text of the current cell."""
        if self.attributes is not None and not self.ignored:
            self.text += text

    def end(self, name: str) -> None:
        """Leave an element."""
        if self.table != self.sheet:
            return
        if name == _ANNOTATION:
            self.ignored -= 1
        elif name == f"{_TABLE}table-row":
            self.row += self.rows
        elif name in _CELLS and self.attributes is not None:
            columns = _count(self.attributes, "number-columns-repeated", MOST_COLUMNS)
            self._check(self.attributes, self.text.strip(), columns)
            self.column, self.attributes = self.column + columns, None

    def _places(self, columns: int) -> Iterator[tuple[int, int]]:
        for row in range(self.row, min(self.row + self.rows, MOST_ROWS)):
            for column in range(self.column, min(self.column + columns, MOST_COLUMNS)):
                yield row, column

    def _check(self, attributes: dict[str, str], shown: str, columns: int) -> None:
        kind, value = attributes.get(f"{_OFFICE}value-type"), attributes.get(f"{_OFFICE}value", "")
        if attributes.get(_ERROR_TYPE) == "error":
            for place in self._places(columns):
                self.suspects.add_problem(*place, f"is the error {shown} of a formula; correct it in the workbook")
        elif kind == "float" and (has_zeros := re.match("0[0-9]", shown) or abs(float(value)) >= EXACT):
            width = len(shown) if has_zeros and shown.isdecimal() else None
            for place in self._places(columns):
                self.suspects.add_number(*place, value=value, width=width, is_reshaped=width is None)
        elif kind == "time":
            found = _TIME.fullmatch(attributes.get(f"{_OFFICE}time-value", ""))
            for place in self._places(columns):
                if found and int(found[1]) < _HOURS_OF_DAY:
                    self.suspects.add_text(*place, f"{found[1]:0>2}:{found[2]:0>2}:{found[3]:0>2}")
                else:
                    message = "is a duration, which is not a text; format the column as text"
                    self.suspects.add_problem(*place, message)


def _count(attributes: dict[str, str], name: str, most: int) -> int:
    text = attributes.get(f"{_TABLE}{name}", "1")
    return min(int(text), most) if text.isdecimal() else 1
