"""The current state of jobs: as their folders have those that run or are hidden by a busy database, else as the table;
the beginning of their attempts, and the end of those whose process is gone."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl

from flows.readers.sources import absolute_name
from flows.settings import format_command
from flows.store.database import Store, scratch
from flows.store.job_folder import JOB_ID, JobFolder, folders_in
from flows.store.jobs import build_summary, columns_of, finish_job, identity, missing_job, other_options
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import DONE, RUNNING, UNDO, JobStatus, JobSummary, fault_record
from schemas.options import JobOptions
from transforms.statements import run, run_mapped

LOST = JobFault(ErrorCode.JOB_LOST, "the process that ran the job is gone; nothing was merged", "run it again")
SHORT_SECONDS = 0.25  # for a busy database, where the folders of the jobs answer as well
PROGRESS = ("percent", "rows", "seconds_left")


class AmbiguousJobError(Exception):
    """A name that several jobs have, as one sentence."""


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs to list; None or nothing for any."""

    statuses: tuple[str, ...] = ()
    connection: str | None = None
    since: str | None = None  # a time as ISO 8601
    external_id: str | None = None
    file: str | None = None  # path or name of a source, or a pattern of one
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class KnownJob:
    """A job as it is known now, with what its summary does not have."""

    summary: JobSummary
    kind: str = "import"
    files: tuple[str, ...] = ()  # that were read
    other_external_ids: tuple[str, ...] = ()
    undone_by: str | None = None
    attempts: int = 1
    on_error: str = "continue"
    is_purged: bool = False
    progress: Mapping[str, object] = field(default_factory=dict)  # while it runs

    @property
    def is_running(self) -> bool:
        """Whether the job has not ended."""
        return self.summary.status in RUNNING

    def to_dict(self) -> dict[str, object]:
        """Return the job as JSON values: the summary, then what else is known."""
        more = {"files": list(self.files), "other_external_ids": list(self.other_external_ids)}
        return {
            **self.summary.to_dict(), **more, "undone_by_job": self.undone_by, "attempts": self.attempts,
            **self.progress,
        }  # fmt: skip


def impatient(store: Store) -> Store:
    """Return the store for a command that shows what the folders know rather than wait for the database."""
    return replace(
        store, settings=replace(store.settings, wait_seconds=min(store.settings.wait_seconds, SHORT_SECONDS))
    )


def find_jobs(
    store: Store, wanted: JobFilter, *, queued: Sequence[JobSummary] = ()
) -> tuple[list[KnownJob], DatabaseFault | None]:
    """Return the wanted jobs, newest first; those that have a folder where the database is busy, with that fault."""
    with _every_job(store, queued) as (connection, busy):
        absolute = absolute_name(wanted.file) if wanted.file else None
        rows = run_mapped(connection, "jobs", **wanted.__dict__, absolute_file=absolute)
    return [_known_job(row) for row in rows], busy


def find_job_named(store: Store, name: str, *, queued: Sequence[JobSummary] = ()) -> KnownJob:
    """Return the job with that id, external id or beginning of an id, or the `last` one, and how far it is.

    Raise `JobFault` (`JOB_NOT_FOUND`), `AmbiguousJobError` if several have the name, and `DatabaseFault` if the
    database is needed and busy.
    """
    if running := find_running_job(store, name):
        return running
    with _every_job(store, queued) as (connection, busy):
        found = [_known_job(row) for row in run_mapped(connection, "jobs_named", name=name)]
    if not found:
        raise busy or missing_job(store, name)
    if len(found) > 1:
        jobs = "".join(f"\n  {job.summary.job_id} {job.summary.created_at[:19]} {job.summary.status}" for job in found)
        raise AmbiguousJobError(f"{name!r} names {len(found):,} jobs; name one by its id:{jobs}")
    (job,) = found
    if not job.is_running:
        return job
    return replace(job, progress=_progress(JobFolder(store.settings.jobs_folder / job.summary.job_id)))


def find_running_job(store: Store, job_id: str) -> KnownJob | None:
    """Return the job with that id as its folder has it while it runs, which needs no database; else None."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    if JOB_ID.fullmatch(job_id) and folder.belongs_to(store.path) and (folder.is_running or folder.is_requested):
        summary = _read_summary(folder)
        if summary is not None and (_is_waiting(summary, folder) or (folder.is_running and summary.status in RUNNING)):
            return KnownJob(summary=summary, kind=_kind(summary), progress=_progress(folder))
    return None


def find_ended_job(store: Store, job_id: str) -> KnownJob | None:
    """Return the job with that id as its folder has it once it has ended, which needs no database; else None."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    if JOB_ID.fullmatch(job_id) and folder.belongs_to(store.path):
        summary = _read_summary(folder)
        if summary is not None and summary.status not in RUNNING:
            return KnownJob(summary=summary, kind=_kind(summary))
    return None


def request_cancel(store: Store, job_id: str) -> bool:
    """Request that a job stops and return true; false if no process runs it."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    if JOB_ID.fullmatch(job_id) and folder.is_running:
        folder.request_cancel()
        return True
    return False


def begin_attempt(
    store: Store, folder: JobFolder, summary: JobSummary, *, options: JobOptions, kind: str, flow_run_id: str | None
) -> JobSummary:
    """Insert the row of an accepted job, or begin the next attempt of one that has merged nothing, and return its
    summary; that of its end if it has merged, or was a dry run that has completed. The caller holds the lock of the
    job's folder. Raise `JobFault` (`JOB_ID_REUSED`) if the job has other sources or options, or was undone."""
    settled = {"kind": kind, "options": identity(options), "on_error": options.on_error.value}
    columns = columns_of(summary) | settled | {"flow_run_id": flow_run_id, "other_options": other_options(options)}
    with store.transaction() as connection:
        rows = run_mapped(connection, "job", job_id=summary.job_id)
        if not rows:
            run(connection, "insert_job", **columns)
            return summary
        _require_repeatable(rows[0], columns, database=store.path)
        earlier = build_summary(rows[0])
        if earlier.status in RUNNING:
            earlier = _final_summary(earlier, folder)
            finish_job(connection, earlier)
        if earlier.status in DONE or earlier.inserted or earlier.updated:
            return earlier
        for statement in ("record_attempt", "remove_errors_of_job", "remove_rejected_of_job", "begin_attempt"):
            run(connection, statement, **columns)
        folder.clear()
    summary = replace(summary, created_at=earlier.created_at)
    with suppress(OSError):
        folder.write_status(summary.to_dict())
    return summary


SETTLED = ("kind", "connection", "sources", "mode", "dry_run", "on_error", "options")  # the same for all attempts


def _require_repeatable(row: Mapping[str, object], columns: Mapping[str, object], *, database: Path) -> None:
    differing = [name for name in SETTLED if row[name] != columns[name]]
    if differing:
        message = f"there is a job {row['job_id']} already, with other {' and '.join(differing)}"
        status = format_command("jobs", "status", str(row["job_id"]), database=database)
        hint = f"choose another job id, or repeat the job as it was; see `{status}`"
        raise JobFault(ErrorCode.JOB_ID_REUSED, message, hint)
    if row["undone_by_job"]:
        message = f"job {row['job_id']} was undone by job {row['undone_by_job']}, and stays undone"
        raise JobFault(ErrorCode.JOB_ID_REUSED, message, "import its files as another job: start a new run")


def end_lost_jobs(store: Store) -> list[JobSummary]:
    """Record the end of every job whose process is gone, and remove the folders of jobs that never began.
    Return the summaries of those that are lost: the caller has found them and notifies people of it."""
    folders = {folder.path.name: folder for folder in folders_in(store.settings.jobs_folder)}
    with store.reading() as connection:
        running = run_mapped(connection, "running_jobs")
        known = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=[*folders])}
    for job_id in folders.keys() - known:
        if folders[job_id].belongs_to(store.path) and not folders[job_id].is_requested:
            folders[job_id].remove_if_unknown(partial(_is_known, store, job_id))
    ended: list[JobSummary] = []
    for summary in map(build_summary, running):
        folder = JobFolder(store.settings.jobs_folder / summary.job_id)
        if not folder.is_running:
            final = _final_summary(summary, folder)
            with store.transaction() as connection:
                ended += [final] if finish_job(connection, final) else []
    return [summary for summary in ended if summary.fault and summary.fault["code"] == ErrorCode.JOB_LOST]


def _is_known(store: Store, job_id: str) -> bool:
    with store.reading() as connection:
        return bool(run(connection, "known_jobs", job_ids=[job_id]))


@contextmanager
def _every_job(
    store: Store, queued: Sequence[JobSummary]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, DatabaseFault | None]]:
    """Open the database to read, with the view `every_job`; where it is busy, an empty table instead of it, and yield
    that fault. Raise `DatabaseFault` if it is missing or unreadable."""
    busy: DatabaseFault | None = None
    with ExitStack() as stack:
        try:
            if not queued:
                store.require_database()
            connection = stack.enter_context(store.reading())
        except DatabaseFault as fault:
            if fault.code is ErrorCode.DATABASE_BUSY:
                busy = fault
            elif not queued or store.path.exists():
                raise
            connection = stack.enter_context(closing(scratch(store.settings)))
            run(connection, "005_import_jobs")
        _add_live_jobs(connection, store, queued, is_hidden=busy is not None)
        yield connection, busy


def _add_live_jobs(
    connection: duckdb.DuckDBPyConnection, store: Store, queued: Sequence[JobSummary], *, is_hidden: bool
) -> None:
    """Create the view `every_job` from the table, the folders of running jobs, or of all if the table is hidden, and
    the queued jobs that neither has."""
    folders = {folder.path.name: folder for folder in folders_in(store.settings.jobs_folder)}
    queue = {summary.job_id: summary for summary in queued}
    known = {str(job_id) for (job_id,) in run(connection, "known_jobs", job_ids=[*folders, *queue])}
    live: dict[str, Mapping[str, object]] = {}
    for row in run_mapped(connection, "running_jobs"):
        summary = build_summary(row)
        now = _current_summary(summary, JobFolder(store.settings.jobs_folder / summary.job_id))
        live[now.job_id] = _row(now, **{name: row[name] for name in ("kind", "attempts", "sequence") if name in row})
    for job_id, folder in folders.items():
        is_wanted = is_hidden or folder.is_requested or folder.is_running
        if job_id not in known and is_wanted and folder.belongs_to(store.path):
            staged = _read_summary(folder)
            if staged is not None:
                live[job_id] = _row(staged if _is_waiting(staged, folder) else _current_summary(staged, folder))
    live |= {job_id: _row(summary) for job_id, summary in queue.items() if job_id not in known | live.keys()}
    run(connection, "live_jobs")
    if live:
        connection.register("live_rows", pl.DataFrame([*live.values()], infer_schema_length=None).to_arrow())
        run(connection, "add_live_jobs")
    run(connection, "every_job")


def _row(summary: JobSummary, **more: object) -> Mapping[str, object]:
    """Return the columns of a job as the table has them."""
    columns = {name: value for name, value in columns_of(summary).items() if name != "fault"}
    return {"kind": _kind(summary), **columns, **more}


def _kind(summary: JobSummary) -> str:
    return UNDO if summary.mode == UNDO else "import"


def _known_job(row: Mapping[str, object]) -> KnownJob:
    return KnownJob(
        summary=build_summary(row),
        kind=str(row["kind"]),
        files=tuple(cast("list[str]", row["files"] or ())),
        other_external_ids=tuple(cast("list[str]", row["other_external_ids"] or ())),
        undone_by=cast("str | None", row["undone_by_job"]),
        attempts=cast("int", row.get("attempts") or 1),
        on_error=str(row["on_error"] or "continue"),
        is_purged=row["purged_at"] is not None,
    )


def _current_summary(summary: JobSummary, folder: JobFolder) -> JobSummary:
    """Return the summary of a job that has not ended in the table: as its folder has it, or as lost."""
    if folder.is_running:
        return _read_summary(folder) or summary
    return _final_summary(summary, folder)


def _is_waiting(summary: JobSummary, folder: JobFolder) -> bool:
    """Return whether the job was requested and no process has begun it."""
    return summary.status is JobStatus.PENDING and folder.is_requested


def _final_summary(summary: JobSummary, folder: JobFolder) -> JobSummary:
    """Return how a job ended whose process is gone: as its folder says, else as lost."""
    ended = _read_summary(folder)
    if ended is None or ended.status in RUNNING:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        rows = cast("int", _progress(folder).get("rows", 0))
        lost = replace(summary, status=JobStatus.FAILED, fault=fault_record(LOST), finished_at=now)
        return replace(lost, total=rows, failed=rows)
    return ended


def _read_summary(folder: JobFolder) -> JobSummary | None:
    """Return the summary in a job's folder; None if there is none, or one of another version of this program."""
    status = folder.read_status()
    known: dict[str, Any] = {key: value for key, value in status.items() if key in JobSummary.__dataclass_fields__}
    with suppress(KeyError, TypeError, ValueError):
        if known["job_id"] == folder.path.name:
            return JobSummary(**{**known, "status": JobStatus(known["status"]), "sources": tuple(known["sources"])})
    return None


def _progress(folder: JobFolder) -> Mapping[str, object]:
    return {name: value for name, value in folder.read_status().items() if name in PROGRESS}
