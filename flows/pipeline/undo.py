"""Undo: the users that a job changed are put back as they were, except those that have changed since; a job itself.

What is put back and what is kept is found by joins (`transforms/sql/changes_to_undo.sql` and its neighbours). How an
undo counts in the job tables is in `schemas.undo`.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from flows.pipeline.job import Job, Silent, finished, utc_now
from flows.pipeline.lifecycle import faults_recorded, in_worker, running_job
from flows.pipeline.merge import apply_changes, mismatch
from flows.pipeline.stop import Stop
from flows.pipeline.verify import verify_undo
from flows.settings import Settings
from flows.store.database import Store, transaction
from flows.store.fault_points import fault_point
from flows.store.jobs import find_job, finish_job
from flows.store.live_jobs import sweep
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import DONE, UNDO, JobStatus, JobSummary
from schemas.options import JobOptions
from schemas.undo import KeptUser, UndoSummary, undo_summary
from transforms.statements import Value, materialise, run, run_mapped

PLAN = ("changes_to_undo", "kept_users", "reversals")


@dataclass(frozen=True)
class _Counts:
    """How many users an undo puts back, of them takes out and puts in, and how many it keeps."""

    reversed: int
    taken_out: int
    put_in: int
    kept: int


def undo(undone_id: str, *, dry_run: bool, settings: Settings, job_id: str) -> UndoSummary:
    """The account of the undo; of an earlier one where it has put everything back already.

    Raises:
        JobFault: there is no such job, or it cannot be undone.
        DatabaseFault: the database cannot be opened.
        Canceled: somebody stopped it before it began.

    """
    stop = Stop.of(settings, job_id=job_id)
    store = Store(settings, waiting=stop.check)
    store.must_exist()
    store.prepare()
    sweep(store)
    undone = find_job(store, undone_id)
    earlier = _complete_undo(store, undone)
    summary = earlier or _run(_job(undone, dry_run=dry_run, store=store, stop=stop, job_id=job_id))
    return undo_summary(summary, kept_users(Store(settings), summary.job_id))


def kept_users(store: Store, job_id: str) -> tuple[KeptUser, ...]:
    """The users that an undo kept, one per reason."""
    with store.reading() as connection:
        rows = run(connection, "kept_users_of_job", job_id=job_id)
    return tuple(KeptUser(user_id=str(user_id), code=str(code), message=str(text)) for user_id, code, text in rows)


def _complete_undo(store: Store, undone: JobSummary) -> JobSummary | None:
    """The undo after which nothing of the job is left to put back, if there is one.

    Raises:
        JobFault: the job cannot be undone.

    """
    if undone.dry_run or not (undone.status in DONE or undone.inserted or undone.updated):
        raise _not_undoable(f"job {undone.job_id} has merged nothing", "see `python -m flows.jobs status JOB`")
    with store.reading() as connection:
        ((undone_by, is_same_digest, remaining),) = run(connection, "undoable", job_id=undone.job_id)
    if undone_by is not None and not remaining:
        return find_job(store, str(undone_by))
    if not is_same_digest:
        hint = "undo it with the version of DuckDB that ran it"
        raise _not_undoable(f"this version of DuckDB cannot tell which users job {undone.job_id} left", hint)
    return None


def _not_undoable(message: str, hint: str) -> JobFault:
    return JobFault(ErrorCode.NOT_UNDOABLE, message, hint)


def _job(undone: JobSummary, *, dry_run: bool, store: Store, stop: Stop, job_id: str) -> Job:
    settings = store.settings
    options = JobOptions(sources=(undone.job_id,), connection=undone.connection, dry_run=dry_run)
    now = utc_now()
    summary = JobSummary(
        job_id=job_id,
        external_id=undone.external_id,
        connection=undone.connection,
        sources=options.sources,
        profile=undone.profile,
        mode=UNDO,
        dry_run=dry_run,
        status=JobStatus.PENDING,
        created_at=now,
        started_at=now,
    )
    return Job(summary, options, settings, store, stop.folder, stop, Silent(), started=time.monotonic())


def _run(job: Job) -> JobSummary:
    """Record the job, put the users back, record how it ended."""
    with running_job(job, kind=UNDO):
        with faults_recorded(job) as ended:
            ended.append(in_worker(lambda: _undo(job), stop=job.stop))
        return ended[-1]


def _undo(job: Job) -> JobSummary:
    """Plan and put back in one transaction with the job's record; a dry run only records what it would do."""
    job.enter(JobStatus.IMPORTING)
    values: Mapping[str, Value] = {
        "job_id": job.id,
        "undone": job.options.sources[0],
        "connection": job.options.connection,
        "now": utc_now(),
    }
    with job.store.writing(spill=job.folder.path) as connection:
        locked = time.monotonic()
        with job.stop.interrupting(connection), transaction(connection):
            counts = _plan(connection, job, values)
            if not job.options.dry_run:
                _put_back(connection, job, counts, values)
            summary = _record(connection, job, counts, values, locked=locked)
            job.step("commit")
        fault_point("read back")  # the job is done: nobody can stop it any more
        verify_undo(connection, job, summary, put_in=counts.put_in)
    fault_point("report")
    job.folder.write_status(summary.to_dict())
    return summary


def _plan(connection: duckdb.DuckDBPyConnection, job: Job, values: Mapping[str, Value]) -> _Counts:
    """Leave the tables `changes_to_undo`, `kept_users` and `reversals`; how many users they hold."""
    for name in PLAN:
        job.step(name)
        materialise(connection, name, **values)
    (counts,) = run_mapped(connection, "reversal_counts")
    return _Counts(**{name: int(str(count)) for name, count in counts.items()})


def _put_back(connection: duckdb.DuckDBPyConnection, job: Job, counts: _Counts, values: Mapping[str, Value]) -> None:
    """Change the users table as planned and prove that it is so."""
    acts = (
        ("record_reversals", counts.reversed),
        ("delete_reversed_users", counts.taken_out),
        ("insert_restored_users", counts.put_in),
    )
    apply_changes(connection, job, acts, values, bytes_before="bytes_before_reversals", broken_keys="broken_reversals")


def _record(
    connection: duckdb.DuckDBPyConnection, job: Job, counts: _Counts, values: Mapping[str, Value], *, locked: float
) -> JobSummary:
    """Write the kept users, the end of the job and which jobs are undone now into the caller's transaction."""
    for name in ("record_kept_errors", "record_kept_users"):
        job.step(name)
        run(connection, name, **values)
    codes = Counter(str(code) for (code,) in connection.execute("select code from kept_users").fetchall())
    summary = replace(
        job.summary,
        status=JobStatus.COMPLETED_WITH_ERRORS if counts.kept else JobStatus.COMPLETED,
        total=counts.reversed + counts.kept,
        updated=counts.reversed,
        failed=counts.kept,
        errors_by_code=dict(sorted(codes.items())),
    )
    ended = finished(job, summary, locked=locked)
    job.step("finish_job")
    if not finish_job(connection, ended):
        raise mismatch("the job's own row is gone, or says that it has ended")
    _mark_undone(connection, job.options.sources[0])
    return ended


def _mark_undone(connection: duckdb.DuckDBPyConnection, undone: str) -> None:
    """Note on the undone job that it is; where it was an undo itself, its own job is in force again, and so on."""
    run(connection, "set_undone", job_id=undone)
    for (earlier,) in run(connection, "undone_job", job_id=undone):
        _mark_undone(connection, str(earlier))
