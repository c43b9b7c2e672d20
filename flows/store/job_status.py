"""The current status of jobs and the beginning of their attempts: jobs whose process is gone are ended first, so that
none is reported as running."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from flows.store.database import Store
from flows.store.job_folder import JobFolder, folders_in
from flows.store.jobs import build_summary, columns_of, find_job, finish_job, identity
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import DONE, RUNNING, JobStatus, JobSummary, fault_record
from schemas.options import JobOptions
from transforms.statements import run, run_mapped

LOST = JobFault(ErrorCode.JOB_LOST, "the process that ran the job is gone; nothing was merged", "run it again")


def begin_attempt(
    store: Store, folder: JobFolder, summary: JobSummary, *, options: JobOptions, kind: str, flow_run_id: str | None
) -> JobSummary:
    """Insert the row of an accepted job, or begin the next attempt of one that has merged nothing, and return its
    summary; that of its end if it has merged, or was a dry run that has completed. The caller holds the lock of the
    job's folder. Raise `JobFault` (`JOB_ID_REUSED`) if the job has other sources or options."""
    settled = {"kind": kind, "options": identity(options), "on_error": options.on_error.value}
    columns = columns_of(summary) | settled | {"flow_run_id": flow_run_id}
    with store.transaction() as connection:
        rows = run_mapped(connection, "job", job_id=summary.job_id)
        if not rows:
            run(connection, "insert_job", **columns)
            return summary
        _require_same(rows[0], columns)
        earlier = build_summary(rows[0])
        if earlier.status in RUNNING:
            earlier = _final_summary(earlier, folder)
            finish_job(connection, earlier)
        if earlier.status in DONE or earlier.inserted or earlier.updated:
            return earlier
        for statement in ("record_attempt", "remove_errors_of_job", "remove_rejected_of_job", "begin_attempt"):
            run(connection, statement, **columns)
        folder.clear()
    return replace(summary, created_at=earlier.created_at)


SETTLED = ("kind", "connection", "sources", "mode", "dry_run", "on_error", "options")  # the same for all attempts


def _require_same(row: Mapping[str, object], columns: Mapping[str, object]) -> None:
    differing = [name for name in SETTLED if row[name] != columns[name]]
    if differing:
        message = f"there is a job {row['job_id']} already, with other {' and '.join(differing)}"
        hint = "choose another job id, or repeat the job as it was; see `python -m flows.jobs status JOB`"
        raise JobFault(ErrorCode.JOB_ID_REUSED, message, hint)


def find_jobs(store: Store, *, limit: int, connection_id: str | None = None) -> list[JobSummary]:
    """Return the latest jobs, newest first."""
    end_lost_jobs(store)
    with store.reading() as connection:
        rows = run_mapped(connection, "jobs", connection=connection_id, limit=limit)
    return [build_summary(row) for row in rows]


def get_live_status(store: Store, job_id: str) -> tuple[JobSummary, Mapping[str, object]]:
    """Return a job's summary and, while it runs, its progress: status, percent, rows, seconds_left."""
    end_lost_jobs(store)
    summary = find_job(store, job_id)
    if summary.status not in RUNNING:
        return summary, {}
    live = JobFolder(store.settings.jobs_folder / job_id).read_status()
    return replace(summary, status=JobStatus(str(live.get("status", summary.status)))), live


def request_cancel(store: Store, job_id: str) -> str:
    """Request that a running job stops, and return a sentence for the user.

    While the job's process lives the database is not opened: the job may be waiting for it.
    """
    for folder in folders_in(store.settings.jobs_folder):
        if folder.path.name == job_id and folder.is_running:
            folder.request_cancel()
            return f"job {job_id} was requested to stop"
    summary, _ = get_live_status(store, job_id)
    return f"job {job_id} has already ended: {summary.status.value}"


def end_lost_jobs(store: Store) -> list[JobSummary]:
    """Record the end of every job whose process is gone, and remove the folders of jobs that never began.
    Return the summaries of those that are lost: the caller has found them and notifies people of it."""
    folders = {folder.path.name: folder for folder in folders_in(store.settings.jobs_folder)}
    with store.reading() as connection:
        running = run_mapped(connection, "running_jobs")
        known = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=[*folders])}
    for job_id in folders.keys() - known:
        if folders[job_id].belongs_to(store.path):
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


def _final_summary(summary: JobSummary, folder: JobFolder) -> JobSummary:
    """Return how a job ended whose process is gone: as its folder says, else as lost."""
    status = folder.read_status()
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    lost = replace(summary, status=JobStatus.FAILED, fault=fault_record(LOST), finished_at=now)
    if status.get("job_id") != summary.job_id:
        return lost
    try:
        known = {key: value for key, value in status.items() if key in JobSummary.__dataclass_fields__}
        return JobSummary(**{**known, "status": JobStatus(str(status["status"]))})  # type: ignore[arg-type] # written by to_dict
    except (TypeError, ValueError):  # by another version of this program
        return lost
