"""What the systems' shapes are made from: a job as it stands, and the steps that several shapes share.

Pure. The shapes themselves are one module per system; reading and printing is `flows.jobs.cli`'.
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
    """A job as it stands now: its summary, how far it is while it runs, whether its refused rows are still kept."""

    summary: JobSummary
    percent: float | None = None
    seconds_left: float | None = None
    rows: int = 0  # read so far, while it runs
    expired: bool = False  # past retention
    on_error: str = "continue"
    errors: Sequence[Row] = ()
    rejected: Sequence[Row] = ()

    @property
    def is_done(self) -> bool:
        """Whether it has ended without a fault."""
        return self.summary.status in DONE

    @property
    def imported(self) -> int:
        """Rows that are in the table as the file has them."""
        return self.summary.inserted + self.summary.updated + self.summary.unchanged

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.summary.status in RUNNING

    @property
    def expected(self) -> int:
        """The rows that it has, or seems to have while only a part of them is read."""
        if not self.is_running:
            return self.summary.total
        return round(self.rows * 100 / self.percent) if self.percent else self.rows

    @property
    def processed(self) -> int:
        """The rows that it has looked at."""
        return self.rows if self.is_running else self.summary.total

    @property
    def reason(self) -> str | None:
        """Why it failed or was canceled, in a sentence."""
        return self.summary.fault["message"] if self.summary.fault else None


def word(vendor: Literal["auth0", "fullstory", "rocketchat", "liferay"], summary: JobSummary) -> str:
    """What the system calls the status."""
    return VENDOR_STATUS[summary.status][vendor]


def by_record(errors: Iterable[Row]) -> list[tuple[object, list[Row]]]:
    """The errors of each refused record, in the order of the records; warnings refuse nothing."""
    grouped: dict[object, list[Row]] = {}
    for row in errors:
        if row["severity"] == "error":
            grouped.setdefault(row["record"], []).append(row)
    return list(grouped.items())


def without_nulls(known: Mapping[str, Json]) -> dict[str, Json]:
    """What is known, for systems that leave the rest out."""
    return {name: value for name, value in known.items() if value is not None}


def whole(number: float | None) -> int | None:
    """The nearest whole number."""
    return None if number is None else round(number)


def text(value: object) -> str | None:
    """A stored record as the text of a document."""
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)


def document(value: object) -> Json:
    """A stored record as a document; one that could not be read as one is the text that it was."""
    try:
        found: Json = json.loads(str(value))
    except json.JSONDecodeError:
        return str(value)
    return found
