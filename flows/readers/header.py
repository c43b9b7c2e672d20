"""Map the names of columns to fields, and find the separator of a CSV header. Rows are read elsewhere."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.readers.sources import printable
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import IGNORED_COLUMNS, PROFILES, REJECT_COLUMNS, Profile
from transforms.field_names import fold_name

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping

_MARK = re.compile(
    r"^\s*\*\s*(?=\S)|(?<=\S)\s*(?:\*|[(\[]\s*(?:required|optional|mandatory)\s*[)\]])\s*$", re.IGNORECASE
)  # that a form puts beside the name of a field
_DATA = re.compile(r"@|[0-9]{5}|[0-9a-f]{16}", re.IGNORECASE)  # of users, not in a name of a column
SUGGEST = "`user-import profiles suggest FILE -o FILE.toml`"
_LONGEST_NAME, _MOST_NAMES = 40, 20  # of columns in a message
GUARD = r"^'('*[=+\-@\t\r])"  # a rejects file has this apostrophe before cells that a spreadsheet would run
SEPARATORS = (",", ";", "\t", "|")
DIRECTIVE = re.compile(r'"?sep=([^"\r\n])"?[\r\n]*', re.IGNORECASE)  # some spreadsheets write it above the header
_ABOVE_HEADER = re.compile(r'\s*"?(?:#|version:v[0-9]|sep=)', re.IGNORECASE)  # of comments and of other programs
_ADDRESS = re.compile(r"[^@\s]@[^@\s]+\.[^@\s]")


@dataclass(frozen=True)
class Header:
    """The columns of a table: each has the name of its field, or its own trimmed name."""

    columns: tuple[str, ...]
    fields: frozenset[str]  # the names that columns of fields have
    resubmitted: bool  # the file is a rejects file, written by this product
    nameless: frozenset[int] = frozenset()  # the positions of cells without a name
    mapping: "Mapping | None" = None  # with paths to these columns

    @property
    def used(self) -> tuple[tuple[int, str], ...]:
        """Return position and name of the columns that are part of the records."""
        return tuple((position, name) for position, name in enumerate(self.columns) if name not in IGNORED_COLUMNS)

    @property
    def others(self) -> dict[str, str]:
        """Return the names of the used columns that are not fields, by names of their own: a header may have any."""
        return {f"other {position}": name for position, name in self.used if name not in self.fields}

    @property
    def named_width(self) -> int:
        """Return the number of columns up to the last one with a name."""
        return max(position for position in range(len(self.columns)) if position not in self.nameless) + 1


def has_known_column(line: str) -> bool:
    """Return whether the line can be a header: one of its cells names a field of some profile."""
    return any(_count_known(line, separator, profile) for separator in SEPARATORS for profile in PROFILES.values())


def find_header(lines: Sequence[str], *, has_any_names: bool = False) -> int:
    """Return the place of the header: the first line, or the one below lines that programs write above a header.

    A header that has names of no field of ours (`has_any_names`) is found by the lines above it alone.
    """
    place = next((place for place, line in enumerate(lines) if not is_above_header(line)), 0)
    is_header = has_any_names or (place and has_known_column(lines[place]) and not has_known_column(lines[0]))
    return place if is_header else 0


def is_above_header(line: str) -> bool:
    """Return whether the line is blank or a comment, so that the header may be below it."""
    return line.isspace() or _ABOVE_HEADER.match(line) is not None


def find_separator(line: str, profile: Profile) -> str:
    """Return the separator that gives most known columns in a header line, then most cells; by default the comma."""
    return max(SEPARATORS, key=lambda separator: (_count_known(line, separator, profile), line.count(separator)))


def resolve_columns(cells: Sequence[str], *, profile: Profile, name: str, ignores_unknown: bool = False) -> Header:
    """Return the columns that the cells of a header, or the names of a schema, refer to.

    Where several names mean one field, the first has it if the others can be ignored as unknown. Raise `FileFault` if
    two columns are the same, or none is a field.
    """
    resubmitted = set(REJECT_COLUMNS) <= set(map(fold_name, cells))
    if resubmitted:
        cells = [re.sub(GUARD, r"\1", cell) for cell in cells]
    if profile.mapping is not None:
        return _map_columns(cells, profile.mapping, name=name, resubmitted=resubmitted)
    named = [_to_resubmitted_column(cell) if resubmitted else _to_column(cell, profile) for cell in cells]
    if ignores_unknown and not resubmitted:
        named = [*_keep_first(cells, named)]
    columns = tuple(column or f"column {number}" for number, column in enumerate(named, start=1))
    is_known = not set(columns).isdisjoint(profile.paths)
    if any(map(_ADDRESS.search if is_known else _DATA.search, cells)):
        message = f"{name} has no header: its column names look like the data of a user, so they are not shown here"
        raise FileFault(ErrorCode.FILE_FORMAT, message, _name_fields(profile))
    _refuse_repeated(columns if resubmitted else [*map(fold_name, columns)], cells, name=name)
    if not is_known:
        message = f"{name} has no known column; its columns are named {_list_names(cells)}"
        raise FileFault(ErrorCode.FILE_FORMAT, message, _name_fields(profile))
    nameless = frozenset(position for position, column in enumerate(named) if not column)
    return Header(columns, frozenset(profile.paths), resubmitted=resubmitted, nameless=nameless)


def _map_columns(cells: Sequence[str], mapping: "Mapping", *, name: str, resubmitted: bool) -> Header:
    """Return the columns under their own names, and the mapping with paths to them."""
    from transforms.mapping.tables import for_table, list_missing  # noqa: PLC0415 - our own format needs no mapping

    columns = tuple(cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1))
    columns = tuple(fold_name(column) if fold_name(column) in IGNORED_COLUMNS else column for column in columns)
    _refuse_repeated(columns, cells, name=name)
    if missing := list_missing(mapping, columns):
        message = f"{name} has none of the columns of the mapping; its columns are named {_list_names(cells)}"
        raise FileFault(ErrorCode.FILE_FORMAT, message, f"name some of {', '.join(missing)} in the mapping as they are")
    nameless = frozenset(position for position, cell in enumerate(cells) if not cell.strip())
    return Header(columns, frozenset(), resubmitted=resubmitted, nameless=nameless, mapping=for_table(mapping, columns))


def _keep_first(cells: Sequence[str], columns: Sequence[str]) -> Iterator[str]:
    """Yield the columns, those that mean the field of an earlier one under a name that is not a field."""
    seen: set[str] = set()
    spelled: set[str] = set()
    for cell, column in zip(cells, columns, strict=True):
        own_name = cell.strip()
        is_synonym = column in seen and fold_name(own_name) not in spelled
        yield (f"{own_name} (ignored)" if fold_name(own_name) == column else own_name) if is_synonym else column
        seen.add(column)
        spelled.add(fold_name(own_name))


def _refuse_repeated(columns: Sequence[str], cells: Sequence[str], *, name: str) -> None:
    """Raise `FileFault` if two columns are the same."""
    repeated = next((column for column, count in Counter(columns).items() if count > 1), None)
    if repeated is None:
        return
    names = [cell for cell, column in zip(cells, columns, strict=True) if column == repeated]
    count = "two" if len(names) == 2 else f"{len(names):,}"
    message = f"{name} has {count} columns for {_list_names([repeated])}: {_list_names(names)}"
    hint = f"rename or remove {'one of them' if len(names) == 2 else 'all but one'}"
    if len({*map(fold_name, names)}) == len(names):
        hint += ", or keep the first with --unknown-fields ignore"
    raise FileFault(ErrorCode.FILE_FORMAT, message, hint)


def _to_column(cell: str, profile: Profile) -> str:
    name = fold_name(_MARK.sub("", cell))
    return name if name in profile.paths or name in IGNORED_COLUMNS else profile.header_aliases.get(name, cell.strip())


def _to_resubmitted_column(cell: str) -> str:
    """Return the column of a rejects file: its names are keys of records, and two keys may stand for one field."""
    name = fold_name(cell)
    return name if name in IGNORED_COLUMNS else cell.strip()


def _name_fields(profile: Profile) -> str:
    return (
        f"name the columns (of CSV, in the first row) after the fields: {', '.join(profile.paths)};"
        f" if the file is another system's, {SUGGEST} writes a mapping for it"
    )


def _list_names(cells: Sequence[str]) -> str:
    """Return some names of columns for a message, without what may be the data of a user."""
    names = [cell.strip() for cell in cells[:_MOST_NAMES]]
    shown = [printable(name) if len(name) <= _LONGEST_NAME and not _DATA.search(name) else "…" for name in names]
    return ", ".join(shown) + (f" and {len(cells) - _MOST_NAMES} more" if len(cells) > _MOST_NAMES else "")


def _count_known(line: str, separator: str, profile: Profile) -> int:
    cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return sum(_to_column(cell, profile) in profile.paths for cell in cells)
