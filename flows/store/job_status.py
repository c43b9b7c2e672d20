"""The current status of jobs: those whose process is gone are ended first, so that none is reported as running."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flows.store.database import Store
from flows.store.job_folder import JobFolder, folders_in
from flows.store.jobs import build_summary, find_job, finish_job
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import RUNNING, JobStatus, JobSummary, fault_record
from transforms.statements import run, run_mapped

LOST = JobFault(ErrorCode.JOB_LOST, "the process that ran the job is gone; nothing was merged", "run it again")


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
    Return the jobs that this call found to be lost: each is returned once, whoever looks for them."""
    folders = {folder.path.name: folder for folder in folders_in(store.settings.jobs_folder)}
    with store.reading() as connection:
        running = run_mapped(connection, "running_jobs")
        known = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=[*folders])}
    for job_id in folders.keys() - known:
        if folders[job_id].belongs_to(store.path):
            folders[job_id].remove_if_unknown(partial(_is_known, store, job_id))
    lost: list[JobSummary] = []
    for row in running:
        summary = build_summary(row)
        folder = JobFolder(store.settings.jobs_folder / summary.job_id)
        if not folder.is_running:
            ended = _final_summary(summary, folder)
            with store.transaction() as connection:
                is_first = finish_job(connection, ended)
            if is_first and ended.fault == fault_record(LOST):
                lost.append(ended)
    return lost


def _is_known(store: Store, job_id: str) -> bool:
    with store.reading() as connection:
        return bool(run(connection, "known_jobs", job_ids=[job_id]))


def _final_summary(summary: JobSummary, folder: JobFolder) -> JobSummary:
    """Return how a job ended whose process is gone: as its folder says, else as lost."""
    status = folder.read_status()
    lost = replace(summary, status=JobStatus.FAILED, fault=fault_record(LOST))
    if status.get("job_id") != summary.job_id:
        return lost
    try:
        known = {key: value for key, value in status.items() if key in JobSummary.__dataclass_fields__}
        return JobSummary(**{**known, "status": JobStatus(str(status["status"]))})  # type: ignore[arg-type] # written by to_dict
    except (TypeError, ValueError):  # by another version of this program
        return lost
