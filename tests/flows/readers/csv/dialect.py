"""Read CSV text character by character, by the rules in words: slow, and shares no code with the reader."""

from dataclasses import dataclass

ENDS = ("\r", "\n", "")


class OpenQuoteError(Exception):
    """A quoted cell is not closed, or closed in the middle of a cell, so that the next row cannot be found."""


class AfterQuoteError(Exception):
    """A quoted cell is followed by text."""


class MalformedCellError(Exception):
    """A cell that is not quoted has an odd number of quotes."""


@dataclass(frozen=True)
class RawRow:
    """A row that is not blank; without cells if it is malformed."""

    line: int
    cells: list[str] | None


class Text:
    """A text and a position in it."""

    def __init__(self, text: str, separator: str) -> None:
        self.text = text
        self.separator = separator
        self.at = 0
        self.line = 1

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        """Return the next character, CRLF as one, and move past it."""
        taken = "\r\n" if self.text.startswith("\r\n", self.at) else self.next
        self.at += len(taken)
        self.line += taken in ("\r", "\n", "\r\n")
        return taken

    def take_space(self) -> None:
        """Move past white space that is neither a separator nor the end of a line."""
        while self.next.isspace() and self.next not in (*ENDS, self.separator):
            self.take()

    def take_until(self, stops: tuple[str, ...]) -> str:
        """Return what is before the next of these characters, and move there."""
        taken = ""
        while self.next not in stops:
            taken += self.take()
        return taken


def read_table(content: str, separator: str) -> list[RawRow]:
    """Return the rows of a table."""
    text, rows = Text(content, separator), []
    while text.next:
        line = text.line
        cells = read_row(text)
        if cells is None or "".join(cells).strip():
            rows.append(RawRow(line, cells))
    return rows


def read_row(text: Text) -> list[str] | None:
    """Return the cells of the row at the position, and move to the next row."""
    start, line, cells = text.at, text.line, list[str]()
    try:
        cells.append(read_cell(text))
        while text.next == text.separator:
            text.take()
            cells.append(read_cell(text))
    except MalformedCellError:
        text.take_until(ENDS)
        text.take()
        return None
    except AfterQuoteError:
        text.take_until(ENDS)
        if text.line > line or text.text.count('"', start, text.at) % 2:
            raise OpenQuoteError from None
        text.take()
        return None
    text.take()
    return cells


def read_cell(text: Text) -> str:
    """Return the cell at the position."""
    start = text.at
    text.take_space()
    if text.next == '"':
        text.take()
        return read_quoted(text)
    text.at = start
    cell = text.take_until((*ENDS, text.separator))
    if cell.count('"') % 2:
        raise MalformedCellError
    return cell


def read_quoted(text: Text) -> str:
    """Return the text of a quoted cell, of which the opening quote is taken."""
    cell = text.take_until(('"', ""))
    while text.next:
        text.take()
        if text.next != '"':
            text.take_space()
            if text.next in (*ENDS, text.separator):
                return cell
            raise AfterQuoteError
        cell += text.take() + text.take_until(('"', ""))
    raise OpenQuoteError
