"""Undo a job: put its users back as they were, except those that have changed since. An undo is a job itself.

Which users are reverted and which are kept is found by joins (`changes_to_undo.sql` and its neighbours). How the
counts of an undo map to those of a job is in `schemas.undo`.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import duckdb

from flows.pipeline.job import Job, Observer, Values, accept_job, fill_times, utc_now
from flows.pipeline.lifecycle import in_worker_thread, recording_faults, report_end, running_job
from flows.pipeline.merge import apply_changes, record_end
from flows.pipeline.stop import Stop
from flows.pipeline.verify import read_counts, verify_undo
from flows.settings import Settings, format_command
from flows.store.database import Store, transaction
from flows.store.fault_points import fault_point
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import find_job
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import DONE, UNDO, JobStatus, JobSummary
from schemas.options import JobOptions
from schemas.undo import KeptUser, UndoSummary, undo_summary
from transforms.statements import materialise, run


def undo(undone_id: str, *, dry_run: bool, settings: Settings, job_id: str) -> UndoSummary:
    """Undo a job and return the summary; that of an earlier undo where it has put everything back already.

    Raise `JobFault` if there is no such job or it cannot be undone, `DatabaseFault` if the database cannot be opened,
    and `Canceled` if the undo was stopped before it began.
    """
    stop = Stop.for_job(settings, job_id=job_id)
    store = Store(settings, on_retry=stop.check)
    store.require_database()
    store.prepare()
    end_lost_jobs(store)
    undone = find_job(store, undone_id)
    summary = find_complete_undo(store, undone)
    if summary is None:
        job = _accept_undo(undone, dry_run=dry_run, store=store, stop=stop, job_id=job_id)
        with running_job(job, kind=UNDO) as begun:
            summary = begun if begun.status in DONE else _put_back(replace(job, summary=begun))
    return undo_summary(summary, kept_users(Store(settings), summary.job_id))


def kept_users(store: Store, job_id: str) -> tuple[KeptUser, ...]:
    """Return the users that an undo kept, once per reason."""
    with store.reading() as connection:
        rows = run(connection, "kept_users_of_job", job_id=job_id)
    return tuple(KeptUser(user_id=str(user_id), code=str(code), message=str(text)) for user_id, code, text in rows)


def find_complete_undo(store: Store, undone: JobSummary) -> JobSummary | None:
    """Return the undo that left nothing of the job to revert, if any; raise `JobFault` if it cannot be undone."""
    if undone.dry_run or not (undone.status in DONE or undone.inserted or undone.updated):
        hint = f"see `{format_command('jobs', 'status', undone.job_id, database=store.path)}`"
        raise JobFault(ErrorCode.NOT_UNDOABLE, f"job {undone.job_id} has merged nothing", hint)
    with store.reading() as connection:
        ((undone_by, is_same_digest, remaining),) = run(connection, "undoable", job_id=undone.job_id)
    if undone_by is not None and not remaining:
        return find_job(store, str(undone_by))
    if not is_same_digest:
        message = f"this version of DuckDB cannot tell which users job {undone.job_id} left"
        raise JobFault(ErrorCode.NOT_UNDOABLE, message, "undo it with the version of DuckDB that ran it")
    return None


def _accept_undo(undone: JobSummary, *, dry_run: bool, store: Store, stop: Stop, job_id: str) -> Job:
    """Return the job that undoes another; its only source is the id of that job."""
    name, connection = undone.external_id, undone.connection
    options = JobOptions(sources=(undone.job_id,), connection=connection, external_id=name, dry_run=dry_run)
    job = accept_job(options, store=store, stop=stop, observer=Observer(), job_id=job_id)
    return replace(job, summary=replace(job.summary, mode=UNDO, profile=undone.profile))


@recording_faults
@in_worker_thread
def _put_back(job: Job) -> JobSummary:
    """Plan the undo, put the users back and record the job in one transaction; of a dry run only record the job."""
    job.enter_phase(JobStatus.IMPORTING)
    values: Values = {**job.key, "undone": job.options.sources[0], "now": utc_now()}
    with job.store.writing(spill=job.folder.path) as connection:
        locked_at = time.monotonic()
        with job.stop.interruptible(connection), transaction(connection):
            counts = _plan(connection, job, values)
            if not job.options.dry_run:
                _change_users(connection, job, counts, values)
            summary = _record(connection, job, counts, values, locked_at=locked_at)
            job.begin_step("commit")
        fault_point("read back")  # committed: from here on the undo cannot be stopped
        verify_undo(connection, job, summary, put_in=counts["put_in"])
    return report_end(job, summary)


def _plan(connection: duckdb.DuckDBPyConnection, job: Job, values: Values) -> Mapping[str, int]:
    """Create the tables of the plan, and count the users to revert (of these, to delete and insert) and to keep."""
    for name in ("changes_to_undo", "kept_users", "reversals"):
        job.begin_step(name)
        materialise(connection, name, **values)
    return read_counts(connection, "reversal_counts", values)


def _change_users(connection: duckdb.DuckDBPyConnection, job: Job, counts: Mapping[str, int], values: Values) -> None:
    changes = {
        "record_reversals": counts["reversed"],
        "delete_reversed_users": counts["taken_out"],
        "insert_restored_users": counts["put_in"],
    }
    apply_changes(
        connection, job, changes, values, bytes_before="bytes_before_reversals", broken_keys="broken_reversals"
    )


def _record(
    connection: duckdb.DuckDBPyConnection, job: Job, counts: Mapping[str, int], values: Values, *, locked_at: float
) -> JobSummary:
    """Record the kept users, the end of the job and which jobs are undone now in the caller's transaction."""
    for name in ("record_kept_errors", "record_kept_users"):
        job.begin_step(name)
        run(connection, name, **values)
    codes = Counter(str(code) for (code,) in connection.execute("select code from kept_users").fetchall())
    summary = replace(
        job.summary,
        status=JobStatus.COMPLETED_WITH_ERRORS if counts["kept"] else JobStatus.COMPLETED,
        total=counts["reversed"] + counts["kept"],
        updated=counts["reversed"],
        failed=counts["kept"],
        errors_by_code=dict(sorted(codes.items())),
    )
    summary = fill_times(job, summary, locked_at=locked_at)
    record_end(connection, job, summary)
    _mark_undone(connection, job.options.sources[0])
    return summary


def _mark_undone(connection: duckdb.DuckDBPyConnection, undone: str) -> None:
    """Mark a job as undone; where it is an undo itself, the job that it undid is in force again, and so on."""
    run(connection, "set_undone", job_id=undone)
    for (earlier,) in run(connection, "undone_job", job_id=undone):
        _mark_undone(connection, str(earlier))
