"""The first row of a CSV file: what separates its cells and which fields its columns are. Other rows: `csv_rows`."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import PROFILES, REJECT_COLUMNS, Profile
from transforms.field_names import folded

SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Header:
    """The columns of a CSV file, each under the field it means or its own trimmed name."""

    columns: tuple[str, ...]
    resubmitted: bool  # the file is one of refused rows, written by this product

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns that say nothing about a user."""
        return tuple(name for name in self.columns if name in REJECT_COLUMNS)


def knows_a_column(line: str) -> bool:
    """Whether the line can be a header: one of its cells names a field of some profile."""
    return any(_known(line, separator, profile) for separator in SEPARATORS for profile in PROFILES.values())


def separator_of(line: str, profile: Profile) -> str:
    """The separator that shows most known columns in a header line, then most cells; by default the comma."""
    return max(SEPARATORS, key=lambda separator: (_known(line, separator, profile), line.count(separator)))


def resolve_header(cells: Sequence[str], *, profile: Profile, name: str) -> Header:
    """The columns of a header row.

    Raises:
        FileFault: two columns are the same, or none is a field.

    """
    columns = tuple(_column(cell, profile) for cell in cells)
    repeated = [column for column, count in Counter(map(folded, columns)).items() if count > 1]
    if repeated:
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{name} has two columns for {', '.join(repeated[:5])}",
            "rename or remove one of them",
        )
    if not set(columns) & set(profile.paths):
        raise _without_header(cells, profile=profile, name=name)
    return Header(columns, resubmitted=set(REJECT_COLUMNS) <= set(columns))


def _column(cell: str, profile: Profile) -> str:
    name = folded(cell)
    return name if name in profile.paths or name in REJECT_COLUMNS else profile.header_aliases.get(name, cell.strip())


def _known(line: str, separator: str, profile: Profile) -> int:
    cells = next(csv.reader([line], delimiter=separator), [])
    return sum(_column(cell, profile) in profile.paths for cell in cells)


def _without_header(cells: Sequence[str], *, profile: Profile, name: str) -> FileFault:
    found = ", ".join(cell.strip()[:30] for cell in cells[:8])
    return FileFault(
        ErrorCode.FILE_FORMAT,
        f"{name} has no column that is known; its first row is: {found}",
        f"the first row must name the columns, for example {', '.join(list(profile.paths)[:6])}",
    )
