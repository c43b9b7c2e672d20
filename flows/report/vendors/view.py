"""Declare the input of every vendor's format, a `JobView`, and the conversions that several of them use.

The formats are in one module per system; `flows.jobs.vendor_commands` reads jobs and prints them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.job import DONE, RUNNING, VENDOR_STATUS, JobSummary

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Row = Mapping[str, object]  # of import_errors, or of rejected_users


@dataclass(frozen=True, kw_only=True)
class JobView:
    """The current state of a job: its summary, its progress while it runs, its errors and refused rows."""

    summary: JobSummary
    percent: float | None = None
    seconds_left: float | None = None
    rows: int = 0  # read so far, while the job runs
    expired: bool = False  # past retention
    on_error: str = "continue"
    errors: Sequence[Row] = ()
    rejected: Sequence[Row] = ()

    @property
    def is_done(self) -> bool:
        """Return whether the job has ended without a fault."""
        return self.summary.status in DONE

    @property
    def imported(self) -> int:
        """Return the number of rows whose values are in the table."""
        return self.summary.inserted + self.summary.updated + self.summary.unchanged

    @property
    def is_running(self) -> bool:
        """Return whether the job has not ended."""
        return self.summary.status in RUNNING

    @property
    def expected(self) -> int:
        """Return the number of rows; while the job loads, an estimate."""
        if not self.is_running:
            return self.summary.total
        return round(self.rows * 100 / self.percent) if self.percent else self.rows

    @property
    def processed(self) -> int:
        """Return the number of rows read so far."""
        return self.rows if self.is_running else self.summary.total

    @property
    def reason(self) -> str | None:
        """Return why the job failed or was canceled, in a sentence."""
        return self.summary.fault["message"] if self.summary.fault else None


def get_status(vendor: Literal["auth0", "fullstory", "rocketchat", "liferay"], summary: JobSummary) -> str:
    """Return the system's name for the status."""
    return VENDOR_STATUS[summary.status][vendor]


def group_errors(errors: Iterable[Row]) -> list[tuple[object, list[Row]]]:
    """Return the errors of each refused record, without warnings, in the order of the records."""
    grouped: dict[object, list[Row]] = {}
    for row in errors:
        if row["severity"] == "error":
            grouped.setdefault(row["record"], []).append(row)
    return list(grouped.items())


def drop_nulls(values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the object without null values, for systems that leave them out."""
    return {name: value for name, value in values.items() if value is not None}


def round_or_none(number: float | None) -> int | None:
    """Return the nearest integer."""
    return None if number is None else round(number)


def to_text(value: object) -> str | None:
    """Return a stored record as JSON text."""
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)


def parse_record(value: object) -> Json:
    """Return a stored record as JSON values; one that is not valid JSON stays a text."""
    try:
        found: Json = json.loads(str(value))
    except json.JSONDecodeError:
        return str(value)
    return found
