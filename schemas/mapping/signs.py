"""What a sample of a file shows, and whether it has the signs of a profile."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]
MOST_LEVELS = 3
TABLES = ("csv", "excel", "parquet")  # a system's table may have been saved as another kind


@dataclass(frozen=True)
class Sample:
    """The beginning of a file: the keys of the object around its records, and some records under each key.

    The records of a file that is an array, lines or a table are under the empty key.
    """

    form: str
    arrays: Mapping[str, Sequence[Record]]
    document: Record = field(default_factory=dict)  # the object around the arrays, or the only record
    columns: tuple[str, ...] = ()  # of a table with a header
    rows: Sequence[Sequence[str]] = field(default_factory=tuple)  # of a table, the first line included

    @property
    def is_table(self) -> bool:
        """Whether the file has columns, whose names are compared folded."""
        return self.form in TABLES

    def records_under(self, containers: Sequence[str]) -> Sequence[Record]:
        """Return the records that a profile with these containers would read."""
        found = next((self.arrays[key] for key in ("", *containers) if key in self.arrays), None)
        return [self.document] if found is None and self.document else found or ()


def list_keys(records: Sequence[Record]) -> frozenset[str]:
    """Return the dotted paths of the keys that some record has."""
    return frozenset(path for record in records for path in _paths(record, "", 1))


def _paths(record: Record, prefix: str, level: int) -> list[str]:
    found = []
    for key, value in record.items():
        path = f"{prefix}{key}"
        found.append(path)
        first = next(iter(value), None) if isinstance(value, list) else value
        if isinstance(first, dict) and level < MOST_LEVELS:
            found += _paths(first, f"{path}.", level + 1)
    return found


def values_of(records: Sequence[Record], path: str) -> list[str]:
    """Return the texts at a dotted path of the records that have one."""
    found: list[Any] = list(records)
    for name in path.split(".") if not any(path in record for record in records) else [path]:
        inner = [record.get(name) for record in found if isinstance(record, dict)]
        found = [value[0] if isinstance(value, list) and value else value for value in inner]
    return [str(value) for value in found if value not in (None, "", [])]


def matches_values(records: Sequence[Record], patterns: Mapping[str, str]) -> bool:
    """Return whether each path has values, and all of them match its pattern."""
    for path, pattern in patterns.items():
        values = values_of(records, path)
        if not values or not all(re.search(pattern, value) for value in values):
            return False
    return True
