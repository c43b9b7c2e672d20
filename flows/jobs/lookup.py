"""Find the job that JOB names on a command line: in the database, the job folders and the queue of Prefect.

What a name can mean is in `flows.store.job_status`.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flows.import_users.cli import Common, usable_environment
from flows.jobs.queued import QueuedJob, cancel_run, find_queued
from flows.report.command_line import UsageError
from flows.report.printing import confirm
from flows.report.targets import NoticeSettings
from flows.store.database import Store
from flows.store.job_folder import JOB_ID
from flows.store.job_status import (
    AmbiguousJobError,
    JobFilter,
    KnownJob,
    end_lost_jobs,
    find_job_named,
    find_jobs,
    find_running_job,
    impatient,
    request_cancel,
)
from schemas.codes import ErrorCode
from schemas.faults import Canceled, DatabaseFault, Fault, JobFault
from schemas.job import JobSummary


def find_job(common: Common, name: str) -> KnownJob:
    """Return the job, without waiting for a busy database where a folder or the queue knows it.
    Raise `Fault` if there is none or the database is needed and busy, `UsageError` if several are meant."""
    store = impatient(Store(common.settings))
    if running := find_running_job(store, name):
        return running
    _end_lost_jobs(store)
    is_id = bool(JOB_ID.fullmatch(name))
    try:
        try:
            return find_job_named(store, name, queued=() if is_id else _summaries(find_queued(store.path)))
        except Fault:
            if not is_id or not (queued := find_queued(store.path, job_id=name)):
                raise
            return find_job_named(store, name, queued=_summaries(queued))
    except AmbiguousJobError as error:
        raise UsageError(str(error)) from None


def find_job_id(common: Common, name: str) -> str:
    """Return the id of the job for a command that needs the database and waits for it."""
    common.find_store()
    try:
        return find_job(common, name).summary.job_id
    except DatabaseFault as fault:
        if fault.code is not ErrorCode.DATABASE_BUSY:
            raise
    try:
        return find_job_named(common.find_store(), name).summary.job_id
    except AmbiguousJobError as error:
        raise UsageError(str(error)) from None


def list_jobs(common: Common, wanted: JobFilter) -> tuple[list[KnownJob], DatabaseFault | None]:
    """Return the wanted jobs, newest first, also those that wait in Prefect; with the fault of a busy database."""
    store = impatient(Store(common.settings))
    _end_lost_jobs(store)
    waiting = [job for job in find_queued(store.path) or () if job.is_waiting and job.starts_at is None]
    return find_jobs(store, wanted, queued=_summaries(waiting))


def confirm_job(common: Common, name: str, *, act: str, yes: bool) -> KnownJob:
    """Return the job; unless its whole id was given, show it and ask first. Raise `Canceled` if the answer is no, and
    `UsageError` where nobody can be asked."""
    job = find_job(common, name)
    summary = job.summary
    if name == summary.job_id:
        return job
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"{name!r} is job {summary.job_id}; name it by its whole id, or add --yes")
    sys.stderr.write(f"{describe(job)}\n")
    if not yes and not confirm(f"{act} job {summary.job_id}?"):
        raise Canceled(ErrorCode.CANCELED, "nothing was done")
    return job


def cancel_job(common: Common, job: KnownJob) -> str:
    """Stop a job wherever it is, and return a sentence for the user."""
    store, job_id = Store(common.settings), job.summary.job_id
    if request_cancel(store, job_id):
        return f"job {job_id} was requested to stop"
    if not job.is_running:
        return f"job {job_id} has already ended: {job.summary.status.value}"
    runs = [queued.run_id for queued in find_queued(store.path) or () if queued.summary.job_id == job_id]
    if any(map(cancel_run, runs)):
        return f"job {job_id} was canceled in Prefect before it began"
    hint = "see the page of its run in Prefect, or try again"
    raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, f"job {job_id} waits in Prefect, which did not cancel it", hint)


def describe(job: KnownJob) -> str:
    """Return what a job is and how it ended, as one line."""
    summary = job.summary
    what = f"{format_mode(summary)} into {summary.connection}: {name_files(job)}"
    return f"job {summary.job_id} of {summary.created_at[:19]}, {what}; {describe_end(job)}"


def describe_end(job: KnownJob) -> str:
    """Return how a job ended, or how far it is."""
    return describe_progress(job) if job.is_running else job.summary.sentence


def describe_progress(job: KnownJob) -> str:
    """Return the phase of a running job, and how far it is."""
    done = job.progress
    parts = [f"{done['percent']:g} %, {done['rows']:,} rows"] if done.get("percent") is not None else []
    parts += [f"{done['seconds_left']:.0f} s left"] if done.get("seconds_left") is not None else []
    return ": ".join([job.summary.status.value, *filter(None, [", ".join(parts)])])


def name_files(job: KnownJob) -> str:
    """Return the names of the job's files, or sources, in short."""
    first, *more = [Path(path).name or path for path in job.files or job.summary.sources] or [""]
    return f"{first} and {len(more):,} more" if more else first


def format_mode(summary: JobSummary) -> str:
    """Return the mode of a job, and whether it was a dry run."""
    return f"{summary.mode} (dry run)" if summary.dry_run else summary.mode


def _end_lost_jobs(store: Store) -> None:
    """Record the jobs whose process is gone, unless the database is busy, and send their notices."""
    lost: list[JobSummary] = []
    with suppress(DatabaseFault):  # they are shown as lost nevertheless
        lost = end_lost_jobs(store)
    if lost:
        from flows.report.notices import end_of, notify

        with usable_environment():
            notices = NoticeSettings.from_environment(os.environ)
        for summary in lost:
            sys.stderr.writelines(f"{failure}\n" for failure in notify(end_of(summary, database=store.path), notices))


def _summaries(queued: Sequence[QueuedJob] | None) -> list[JobSummary]:
    return [job.summary for job in queued or ()]
