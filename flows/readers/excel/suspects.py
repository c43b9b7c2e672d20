"""Cells of a sheet that are not what their text says: numbers shown with leading zeros, dates, errors, lost digits.

The reader of workbooks gives every cell as a text; what these were is found in the XML by `xlsx_cells` and `ods_cells`.
"""

import re
from dataclasses import dataclass, field

EXACT = 10**15  # a workbook keeps 15 digits of a number
MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14  # of a sheet
IN_WORKBOOK = "format the column as text in the workbook, and enter it again"


@dataclass
class Suspects:
    """Cells by row and column, counted from 0."""

    dates: dict[int, list[int]] = field(default_factory=dict)  # rows by column
    texts: dict[int, dict[int, str]] = field(default_factory=dict)  # by column and row: the text to read instead
    problems: dict[int, list[tuple[int, str]]] = field(default_factory=dict)  # by row: columns with what is wrong

    def add_date(self, row: int, column: int) -> None:
        """Note that a cell is a date or a time."""
        self.dates.setdefault(column, []).append(row)

    def add_text(self, row: int, column: int, text: str) -> None:
        """Note what a cell shows."""
        self.texts.setdefault(column, {})[row] = text

    def add_problem(self, row: int, column: int, message: str) -> None:
        """Note why a cell cannot be read."""
        self.problems.setdefault(row, []).append((column, message))

    def add_number(
        self, row: int, column: int, *, value: str, width: int | None = None, is_reshaped: bool = False
    ) -> None:
        """Note a number that is shown with so many digits, or in another form than its own, or has lost digits."""
        number = float(value or "nan")
        if abs(number) >= EXACT:
            message = f"is a number of more than 15 digits, of which a workbook keeps only 15; {IN_WORKBOOK}"
            self.add_problem(row, column, message)
        elif is_reshaped or (width and not (number >= 0 and number.is_integer())):
            message = f"is a number that its format shows in another form than it is stored; {IN_WORKBOOK}"
            self.add_problem(row, column, message)
        elif width:
            self.add_text(row, column, str(int(number)).zfill(width))


def column_of(letters: str) -> int:
    """Return the number of a column, counted from 0, by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


@dataclass(frozen=True)
class NumberFormat:
    """How a format shows numbers, as far as that changes what a text is."""

    is_date: bool = False
    is_duration: bool = False
    zeros: int = 0  # digits at least, where the format is nothing but zeros
    is_reshaped: bool = False

    @property
    def is_suspect(self) -> bool:
        """Whether numbers with this format need a look."""
        return self.is_date or self.is_duration or self.zeros > 1 or self.is_reshaped


def parse_format(code: str) -> NumberFormat:
    """Return what a format code means."""
    section = code.partition(";")[0]
    if re.search(r"\[(?:h+|m+|s+)\]", section, re.IGNORECASE):
        return NumberFormat(is_duration=True)
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|[\\_*].', "", section)
    if re.search("[ymdhs]", re.sub("general", "", bare, flags=re.IGNORECASE), re.IGNORECASE):
        return NumberFormat(is_date=True)
    if re.fullmatch("0+", section):
        return NumberFormat(zeros=len(section))
    return NumberFormat(is_reshaped=bare.partition(".")[0].count("0") > 1)


BUILT_IN_DATES = (*range(14, 23), *range(27, 37), *range(50, 59))
BUILT_IN_DURATIONS = (46,)
BUILT_IN_TIMES = (45, 47)
