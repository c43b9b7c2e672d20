"""Carry out a plan: change the users table and record the job in one transaction.

`apply_changes` and `record_end` are shared with `flows.pipeline.undo`; what is planned is in `flows.pipeline.plan`.
"""

import time
from collections.abc import Mapping
from dataclasses import replace

import duckdb

from flows.pipeline.job import Job, Values, failed_summary, fill_times, utc_now
from flows.pipeline.lifecycle import in_worker_thread
from flows.pipeline.load import Loaded
from flows.pipeline.plan import Planned, open_plan, plan_on
from flows.pipeline.verify import read_counts, verify_merge
from flows.store.database import transaction, vacuum_if_worthwhile
from flows.store.errors import require_space
from flows.store.fault_points import fault_point
from flows.store.jobs import NO_CONTENT, Content, finish_job
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary
from transforms.rules.validate import HASH_LEFT_OUT
from transforms.statements import changed_rows, run

LONG_BYTES = 4096


@in_worker_thread
def merge(job: Job, loaded: Loaded, planned: Planned) -> JobSummary:
    """Carry the plan out and record the job in one transaction; of a dry run or a refused plan only record the job.

    Raise `DatabaseFault` if the database is busy or the disk has too little space, and `BrokenCommit` if the tables do
    not hold what was planned after the commit.
    """
    if planned.fault is None and not job.options.dry_run:
        job.begin_step("check the free space")
        require_space(job.folder.path, staged=job.folder.merge_bytes)
        job.enter_phase(JobStatus.IMPORTING)
    with job.store_for_records(loaded.mean_bytes).writing(spill=job.folder.path) as connection:
        locked_at = time.monotonic()
        with job.stop.interruptible(connection), transaction(connection):
            if job.store.version() != planned.version and planned.fault is None:
                planned = plan_on(connection, job, loaded)  # another process has written since
            open_plan(connection, job.folder)
            if planned.fault is None and not job.options.dry_run:
                _merge_users(connection, job, planned.summary)
            key_sum = read_counts(connection, "merged_counts", job.key)["key_sum"]
            summary = _record(connection, job, planned, content=loaded.content, locked_at=locked_at)
            job.begin_step("commit")
        fault_point("read back")  # committed: from here on the job cannot be stopped
        verify_merge(connection, job, summary, key_sum=key_sum, refused=planned.summary.failed)
    return summary


def _merge_users(connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary) -> None:
    changes = {
        "delete_changed_users": summary.updated,
        "insert_changed_users": summary.updated,
        "record_updates": summary.updated,
        "insert_new_users": summary.inserted,
    }
    values: Values = {
        **job.key,
        "now": utc_now(),
        "policies": job.options.merge_policy.policies,
        "plan_id": job.plan_id,
    }
    queries = {"bytes_before": "bytes_before_updates", "unique_keys": "unique_keys", "broken_keys": "broken_keys"}
    apply_changes(connection, job, changes, values, **queries)


def _record(
    connection: duckdb.DuckDBPyConnection, job: Job, planned: Planned, *, content: Content, locked_at: float
) -> JobSummary:
    """Record the errors, the refused records and the end of the job in the caller's transaction."""
    for name in ("record_errors", "record_rejected"):
        job.begin_step(name)
        run(connection, name, **job.key, hash_left_out=HASH_LEFT_OUT)
    status = JobStatus.COMPLETED_WITH_ERRORS if planned.summary.failed else JobStatus.COMPLETED
    summary = fill_times(job, replace(planned.summary, status=status), locked_at=locked_at)
    if planned.fault is not None:
        summary = failed_summary(job, planned.summary, planned.fault)
    record_end(connection, job, summary, content=content)
    return summary


def apply_changes(
    connection: duckdb.DuckDBPyConnection,
    job: Job,
    changes: Mapping[str, int],
    values: Values,
    *,
    bytes_before: str,
    broken_keys: str,
    unique_keys: str | None = None,
) -> None:
    """Run statements, each given with the number of rows that it must change, in the caller's transaction.

    Three queries are given by name: the average length of the objects in the rows that are logged as they were before,
    the keys that more than one user would hold, and, if there is one, a quicker query whether none is. Raise `JobFault`
    (`NOT_CONSERVED`) if a statement changed another number of rows, or a key is not unique any more.
    """
    if not any(changes.values()):
        return
    vacuum_if_worthwhile(connection)
    ((mean_bytes,),) = run(connection, bytes_before, **values)
    # looking for a dictionary of texts takes DuckDB time that grows faster than they do: 1 ms for a text of 10 kB
    if float(str(mean_bytes or 0)) > LONG_BYTES:
        connection.execute("set disabled_compression_methods = 'dict_fsst'")
    for name, rows in changes.items():
        job.begin_step(name)
        if rows and changed_rows(run(connection, name, **values)) != rows:
            raise _not_as_planned(f"{name} did not change the {rows:,} rows that were planned")
    job.begin_step(broken_keys)
    if unique_keys and run(connection, unique_keys, **values) == [(True,)]:
        return
    broken = run(connection, broken_keys, **values)
    if broken:
        raise _not_as_planned(f"{len(broken):,} keys would be held by more than one user")


def record_end(
    connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary, *, content: Content = NO_CONTENT
) -> None:
    """Record the end of the job in the caller's transaction; raise `JobFault` (`NOT_CONSERVED`) if it has ended."""
    job.begin_step("finish_job")
    if not finish_job(connection, summary, content=content):
        raise _not_as_planned("the row of the job is missing, or has been ended by another process")


def _not_as_planned(message: str) -> JobFault:
    return JobFault(ErrorCode.NOT_CONSERVED, message, "nothing was changed; please report this")
