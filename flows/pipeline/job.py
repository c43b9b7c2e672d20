"""A job while it runs: what it was asked, how far it is, who is told, how it is stopped, how it ends.

What its stages do is in `flows.pipeline.load` and `flows.pipeline.merge`, their order in `flows.pipeline.run`.
"""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from flows.pipeline.stop import Stop
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder
from flows.store.jobs import record_phase
from schemas.faults import Canceled, Fault
from schemas.job import JobStatus, JobSummary, fault_record
from schemas.options import JobOptions


@dataclass(frozen=True)
class Progress:
    """How far the loading of a job is; bytes of the sources, compressed where they are."""

    rows: int
    done_bytes: int
    total_bytes: int
    seconds: float

    @property
    def percent(self) -> float:
        """0 to 100."""
        return 100.0 if not self.total_bytes else min(100.0, 100 * self.done_bytes / self.total_bytes)

    @property
    def rows_per_second(self) -> float:
        """Rows read in a second, so far."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the present speed; none before the first bytes are read."""
        if not self.done_bytes or not self.total_bytes:
            return None
        return max(0.0, self.seconds * (self.total_bytes - self.done_bytes) / self.done_bytes)


class Observer(Protocol):
    """Who is told how a job goes on; may raise `Canceled` to stop it."""

    def phase(self, status: JobStatus) -> None:
        """The job enters a phase."""

    def progress(self, progress: Progress) -> None:
        """A batch has been loaded."""

    def repeats(self, job_id: str) -> None:
        """The job would repeat an earlier one, whose summary is the answer."""


class Silent:
    """An observer that nothing is shown to."""

    def phase(self, status: JobStatus) -> None:
        """Do nothing."""

    def progress(self, progress: Progress) -> None:
        """Do nothing."""

    def repeats(self, job_id: str) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Job:
    """A running job: what it was asked, where it works and how it is stopped."""

    summary: JobSummary  # as accepted; what a stage finds out is returned by it
    options: JobOptions
    settings: Settings
    store: Store
    folder: JobFolder
    stop: Stop
    observer: Observer
    started: float  # of the monotonic clock, in seconds

    @property
    def id(self) -> str:
        """The job's id."""
        return self.summary.job_id

    def step(self, name: str) -> None:
        """Take the next step, unless the job must stop."""
        self.stop.check()
        fault_point(name)

    def enter(self, status: JobStatus) -> None:
        """Tell everybody that the job enters a phase; the table hears of the first only, for a write undoes a plan."""
        self.step(f"enter {status.value}")
        self.folder.write_status({"status": status.value})
        if status is JobStatus.LOADING:
            record_phase(self.store, job_id=self.id, status=status)
        self.observer.phase(status)

    def tell(self, progress: Progress) -> None:
        """Tell everybody how far the loading is, or stop."""
        self.step("tell progress")
        self.folder.write_status(
            {"status": JobStatus.LOADING.value, "percent": round(progress.percent, 1)}
            | {"rows": progress.rows, "seconds_left": progress.seconds_left}
        )
        self.observer.progress(progress)


def ended_with(fault: Fault, *, job: Job, summary: JobSummary) -> JobSummary:
    """The summary of a job that merges nothing because of a fault: no row is in."""
    status = JobStatus.CANCELED if isinstance(fault, Canceled) else JobStatus.FAILED
    nothing_merged = replace(summary, inserted=0, updated=0, unchanged=0, failed=summary.total)
    return finished(job, replace(nothing_merged, status=status, fault=fault_record(fault)))


def finished(job: Job, summary: JobSummary, *, locked: float | None = None) -> JobSummary:
    """The summary with its times filled in; `locked` is when the job took the write lock, by the monotonic clock."""
    now = time.monotonic()
    seconds = round(now - job.started, 3)
    return replace(
        summary,
        finished_at=utc_now(),
        duration_seconds=seconds,
        rows_per_second=round(summary.total / seconds) if seconds and summary.total else None,
        lock_seconds=summary.lock_seconds if locked is None else round(now - locked, 3),
    )


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
