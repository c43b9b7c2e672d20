"""The limits of reading one source: above what real exports need, each set by the variable `IMPORT_<NAME>`.

Beside its default each limit declares the range within which it can be set.
"""

from dataclasses import dataclass
from typing import Annotated, get_type_hints

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may be, both ends included; whole ones if the ends are."""

    least: float
    most: float

    def __str__(self) -> str:
        return f"a {'whole ' if self.is_whole else ''}number from {self.least:,.0f} to {self.most:,.0f}"

    @property
    def is_whole(self) -> bool:
        """Whether decimal numbers are refused."""
        return isinstance(self.most, int)

    def parse(self, text: str) -> float:
        """Return the number that a text says, or raise `ValueError` with a sentence about what it must be."""
        try:
            is_digits = text.isascii() and text.isdigit() and len(text) <= 20
            number = int(text) if is_digits else float("nan" if self.is_whole or "_" in text else text)
        except ValueError:
            number = float("nan")
        if not self.least <= number <= self.most:  # false for "not a number", too
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            raise ValueError(f"is {shown!r}; it must be {self}")
        return number if self.is_whole else float(number)


def ranges_of(settings: type) -> dict[str, Range]:
    """Return the ranges that the fields of a class are annotated with, by name."""
    hints = get_type_hints(settings, include_extras=True)
    marks = ((name, mark) for name, hint in hints.items() for mark in getattr(hint, "__metadata__", ()))
    return {name: mark for name, mark in marks if isinstance(mark, Range)}


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """What a source may contain; a record over a limit is refused alone, a source over one is refused whole."""

    record_bytes: Annotated[int, Range(1, GIB)] = 16 * MIB  # the text of one record
    value_bytes: Annotated[int, Range(1, GIB)] = 8 * MIB  # one string in a record, or one cell
    nesting: Annotated[int, Range(1, 500)] = 100  # levels of objects and arrays in a record
    keys: Annotated[int, Range(1, 100_000)] = 10_000  # keys in a record, over all levels; columns of a table
    decompressed_bytes: Annotated[int, Range(1, 1 << 50)] = 1 << 40  # the decompressed size of a source
    decompressed_ratio: Annotated[int, Range(1, 1_000_000)] = 200  # the same as a multiple of its stored size
    fetched_bytes: Annotated[int, Range(1, 1 << 50)] = 1 << 40  # the size of a source that a URL leads to
    page_bytes: Annotated[int, Range(1, 2 * GIB - 1)] = 128 * MIB  # a page of a Parquet file, decoded at once
    workbook_bytes: Annotated[int, Range(1 << 28, 1 << 40)] = 2 * GIB  # memory of a workbook's decoder
    batch_bytes: Annotated[int, Range(1, GIB)] = 16 * MIB  # the approximate text of a batch
    batch_rows: Annotated[int, Range(1, 1_000_000)] = 65_536  # of a batch; neither of the two changes a result
