"""The names of columns: which fields they are, and in CSV what separates them. Rows are read elsewhere."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import IGNORED_COLUMNS, PROFILES, REJECT_COLUMNS, Profile
from transforms.field_names import fold_name

_NAME = re.compile(r"[^\W\d][\w .-]{0,39}")
GUARD = r"^'('*[=+\-@\t\r])"  # what a file of refused rows has before a cell that a spreadsheet would run
SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Header:
    """The columns of a table, each under the field it means or its own trimmed name."""

    columns: tuple[str, ...]
    resubmitted: bool  # the file is one of refused rows, written by this product

    @property
    def used(self) -> tuple[tuple[int, str], ...]:
        """The columns that say something about a user, with their positions."""
        return tuple((at, name) for at, name in enumerate(self.columns) if name not in IGNORED_COLUMNS)


def knows_a_column(line: str) -> bool:
    """Whether the line can be a header: one of its cells names a field of some profile."""
    return any(_known(line, separator, profile) for separator in SEPARATORS for profile in PROFILES.values())


def separator_of(line: str, profile: Profile) -> str:
    """The separator that shows most known columns in a header line, then most cells; by default the comma."""
    return max(SEPARATORS, key=lambda separator: (_known(line, separator, profile), line.count(separator)))


def resolve_columns(cells: Sequence[str], *, profile: Profile, name: str) -> Header:
    """The columns that a header, or a schema, names.

    Raises:
        FileFault: two columns are the same, or none is a field.

    """
    resubmitted = set(REJECT_COLUMNS) <= set(map(fold_name, cells))
    if resubmitted:
        cells = [re.sub(GUARD, r"\1", cell) for cell in cells]
    named = (_own_column(cell) if resubmitted else _column(cell, profile) for cell in cells)
    columns = tuple(column or f"column {at}" for at, column in enumerate(named, start=1))
    repeated = [
        name for name, count in Counter(columns if resubmitted else map(fold_name, columns)).items() if count > 1
    ]
    if repeated:
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{name} has two columns for {_listed(repeated)}",
            "rename or remove one of them",
        )
    if not set(columns) & set(profile.paths):
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{name} has no column that is known: its first line, where their names must be, says {_listed(cells)}",
            f"name the columns after the fields: {', '.join(profile.paths)}",
        )
    return Header(columns, resubmitted=resubmitted)


def _column(cell: str, profile: Profile) -> str:
    name = fold_name(cell)
    return name if name in profile.paths or name in IGNORED_COLUMNS else profile.header_aliases.get(name, cell.strip())


def _own_column(cell: str) -> str:
    """The column of a file of refused rows: it has the keys of the records, of which two may mean the same field."""
    name = fold_name(cell)
    return name if name in IGNORED_COLUMNS else cell.strip()


def _known(line: str, separator: str, profile: Profile) -> int:
    cells = next(csv.reader([line], delimiter=separator), [])
    return sum(_column(cell, profile) in profile.paths for cell in cells)


def _listed(cells: Sequence[str]) -> str:
    """Some cells for a sentence: those that can be names, for a file without a header has a person's data there."""
    shown = [cell.strip() if _NAME.fullmatch(cell.strip()) else "…" for cell in cells[:8]]
    return ", ".join(shown) + (f" and {len(cells) - 8} more" if len(cells) > 8 else "")
