"""A running job: its options, its resources, how it reports progress, and how its summary is completed.

What a job does is in the modules of its stages; the order of those is in `flows.pipeline.run`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from flows.pipeline.stop import Stop
from flows.readers.sources import Source, escape_bytes
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder
from flows.store.jobs import record_phase
from schemas.faults import Canceled, Fault
from schemas.job import JobStatus, JobSummary, fault_record
from schemas.options import JobOptions
from transforms.statements import Value

Values = Mapping[str, Value]  # the parameters of a statement, by name


@dataclass(frozen=True)
class Progress:
    """How far the loading is; bytes are those of the source files, compressed where the files are."""

    rows: int
    done_bytes: int
    total_bytes: int
    seconds: float

    @property
    def percent(self) -> float:
        """Return 0 to 100."""
        return 100.0 if not self.total_bytes else min(100.0, 100 * self.done_bytes / self.total_bytes)

    @property
    def rows_per_second(self) -> float:
        """Return the average speed so far."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Return the time left at the average speed so far; None before the first bytes are read."""
        if not self.done_bytes or not self.total_bytes:
            return None
        return max(0.0, self.seconds * (self.total_bytes - self.done_bytes) / self.done_bytes)


class Observer:
    """Follow a job; every method does nothing unless it is overridden, and may raise `Canceled` to stop the job."""

    def on_open(self, sources: Sequence[Source]) -> None:
        """React to the files being open; their paths lead to them until they are loaded."""

    def on_phase(self, status: JobStatus) -> None:
        """React to the job entering a phase."""

    def on_progress(self, progress: Progress) -> None:
        """React to a loaded batch."""

    def on_already_imported(self, job_id: str) -> None:
        """React to the job repeating an earlier one, whose summary is returned in its place."""

    def on_warning(self, sentence: str) -> None:
        """React to something that went wrong after the end of the job, such as a notice that was not delivered."""


@dataclass
class RowCount:
    """How many rows of the sources a job has read so far."""

    rows: int = 0


@dataclass(frozen=True)
class Job:
    """A running job: its options, its resources and what can stop it."""

    summary: JobSummary  # as accepted; stages return new ones
    options: JobOptions
    settings: Settings
    store: Store
    folder: JobFolder
    stop: Stop
    observer: Observer
    started: float  # of the monotonic clock, in seconds
    read: RowCount = field(default_factory=RowCount)

    @property
    def id(self) -> str:
        """Return the job's id."""
        return self.summary.job_id

    @property
    def key(self) -> Values:
        """Return the parameters by which statements find what the job wrote."""
        return {"job_id": self.id, "connection": self.options.connection}

    def store_for_records(self, mean_bytes: float) -> Store:
        """Return the store with the memory limit that records of this average length need."""
        return replace(self.store, settings=self.settings.for_records(mean_bytes))

    def begin_step(self, name: str) -> None:
        """Pass the fault point of a step; raise if the job must stop."""
        self.stop.check()
        fault_point(name)

    def publish(self, status: JobStatus, **progress: object) -> None:
        """Write the summary as accepted, with the current status and progress, where other processes read it."""
        self.folder.write_status({**self.summary.to_dict(), "status": status.value, **progress})

    def enter_phase(self, status: JobStatus) -> None:
        """Publish that the job enters a phase; only the first is written to the database, for a write voids a plan."""
        self.begin_step(f"enter {status.value}")
        reached = self.folder.read_status()
        self.publish(status, **{name: reached[name] for name in ("percent", "rows") if name in reached})
        if status is JobStatus.LOADING:
            record_phase(self.store, job_id=self.id, status=status)
        self.observer.on_phase(status)

    def report_progress(self, progress: Progress) -> None:
        """Publish how far the loading is; raise if the job must stop."""
        self.begin_step("report progress")
        done = {"percent": round(progress.percent, 1), "rows": progress.rows, "seconds_left": progress.seconds_left}
        self.publish(JobStatus.LOADING, **done)
        self.observer.on_progress(progress)


def accept_job(options: JobOptions, *, store: Store, stop: Stop, observer: Observer, job_id: str) -> Job:
    """Return a job that begins now; it was created when it was requested, if its folder says so."""
    now, known = utc_now(), stop.folder.read_status()
    summary = JobSummary(
        job_id=job_id,
        external_id=options.external_id,
        connection=options.connection,
        sources=tuple(map(escape_bytes, options.shown_sources)),
        profile=options.profile,
        mode=options.mode.value,
        dry_run=options.dry_run,
        status=JobStatus.PENDING,
        created_at=str(known["created_at"]) if known.get("status") == JobStatus.PENDING else now,
        started_at=now,
    )
    return Job(summary, options, store.settings, store, stop.folder, stop, observer, started=time.monotonic())


def failed_summary(job: Job, summary: JobSummary, fault: Fault) -> JobSummary:
    """Return the summary of a job that a fault ended before it merged anything: every row counts as failed."""
    status = JobStatus.CANCELED if isinstance(fault, Canceled) else JobStatus.FAILED
    nothing_merged = replace(summary, inserted=0, updated=0, unchanged=0, failed=summary.total)
    return fill_times(job, replace(nothing_merged, status=status, fault=fault_record(fault)))


def fill_times(job: Job, summary: JobSummary, *, locked_at: float | None = None) -> JobSummary:
    """Return the summary of a job that ends now, which took the write lock at `locked_at` of the monotonic clock."""
    now = time.monotonic()
    seconds = round(now - job.started, 3)
    return replace(
        summary,
        finished_at=utc_now(),
        duration_seconds=seconds,
        rows_per_second=round(summary.total / seconds) if seconds and summary.total else None,
        lock_seconds=summary.lock_seconds if locked_at is None else round(now - locked_at, 3),
    )


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
