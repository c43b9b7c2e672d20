"""Declare the input of every vendor's format, a `JobView`, and the conversions that several of them use.

The formats are in one module per system; `flows.jobs.vendor_commands` reads jobs and prints them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from schemas.codes import ErrorCode
from schemas.job import RUNNING, JobStatus, JobSummary

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Row = Mapping[str, object]  # of import_errors, or of rejected_users


@dataclass(frozen=True, kw_only=True)
class JobView:
    """The current state of a job: its summary, its progress while it runs, its errors and refused rows by record."""

    summary: JobSummary
    percent: float | None = None
    seconds_left: float | None = None
    rows: int = 0  # read so far, while the job runs
    expired: bool = False  # past retention
    on_error: str = "continue"
    errors: Sequence[Row] = ()
    rejected: Sequence[Row] = ()

    def __post_init__(self) -> None:
        """Show a job without an accepted row as done: no other system has a state for it."""
        fault = self.summary.fault
        if fault and fault["code"] == ErrorCode.NOTHING_ACCEPTED:
            done = replace(self.summary, status=JobStatus.COMPLETED_WITH_ERRORS, fault=None)
            object.__setattr__(self, "summary", done)

    @property
    def imported(self) -> int:
        """Return the number of rows whose values are in the table."""
        return self.summary.inserted + self.summary.updated + self.summary.unchanged

    @property
    def processed(self) -> int:
        """Return the number of rows read so far."""
        return self.rows if self.summary.status in RUNNING else self.summary.total

    @property
    def expected(self) -> int:
        """Return the number of rows; while the job loads, an estimate."""
        if self.summary.status in RUNNING and self.percent:
            return round(self.rows * 100 / self.percent)
        return self.processed

    @property
    def reason(self) -> str | None:
        """Return why the job failed or was canceled, in a sentence."""
        return self.summary.fault["message"] if self.summary.fault else None

    def refused(self) -> Iterator[tuple[int, str | None, list[Row]]]:
        """Yield each refused record: its number, its stored JSON, None once purged, and its errors without warnings."""
        stored = {row["record"]: str(row["user"]) for row in self.rejected}
        errors = (row for row in self.errors if row["severity"] == "error")
        for record, rows in groupby(errors, itemgetter("record")):
            yield record, stored.get(record), [*rows]


def parse_user(text: str | None) -> Json:
    """Return a stored record as JSON values; one that is not valid JSON stays a text, one that is purged is null."""
    if text is None:
        return None
    try:
        found: Json = json.loads(text)
    except json.JSONDecodeError:
        return text
    return found


def drop_nulls(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the object without null values, for systems that leave them out."""
    return {name: value for name, value in values.items() if value is not None}
