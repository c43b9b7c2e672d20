"""Plan a job: find what each staged row would do, keep that in the job folder, compare it with the job's thresholds.

The queries are those of `transforms.plan`; carrying the plan out belongs in `flows.pipeline.merge`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from flows.pipeline.job import Job
from flows.pipeline.lifecycle import in_worker_thread
from flows.pipeline.load import Loaded
from flows.pipeline.plan_file import find_changed_outcomes, write_plan
from flows.pipeline.refusals import stage_errors, stage_refused
from flows.readers.header import SUGGEST
from flows.settings import format_command
from flows.store.database import view_parts
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder
from flows.store.private_files import private_umask
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault
from schemas.fields import TRIMMED
from schemas.frames import RECORDS, STAGED_ERRORS
from schemas.job import JobStatus, JobSummary, OnError, RowOutcome
from schemas.options import JobOptions
from schemas.rules.user import STAGED
from transforms.plan import Query, count_outcomes, count_partitions, create_macros, plan_queries
from transforms.statements import relation, run

LARGE = ("updates", "plan")  # as many rows as are staged: kept as Parquet, not in memory
SHOWN_RECORDS = 10  # of those that a fault names
ROW_GROUP_BYTES = 16 << 20  # that a thread holds before it writes them
HINT_OF_CHANGES = "look at the changes with --dry-run --plan FILE, correct the file or allow more; nothing was merged"


@dataclass(frozen=True)
class Planned:
    """What the rows would do, and the version of the database for which that holds."""

    summary: JobSummary
    fault: Fault | None  # why the plan may not be merged
    version: tuple[int, ...]


@in_worker_thread
def make_plan(job: Job, loaded: Loaded) -> Planned:
    """Plan the job against the users as they are now; other processes may read meanwhile."""
    reading = job.store_for_records(loaded.mean_bytes).reading(spill=job.folder.path)
    with reading as connection, job.stop.interruptible(connection):
        planned = plan_on(connection, job, loaded)
    job.enter_phase(JobStatus.READY)
    return planned


def plan_on(connection: duckdb.DuckDBPyConnection, job: Job, loaded: Loaded) -> Planned:
    """Plan the job on an open connection; replaces an earlier plan of the job."""
    view_parts(connection, "staged", job.folder.parts("accepted"), empty=STAGED)
    view_parts(connection, "originals", job.folder.parts("originals"), empty=RECORDS)
    view_parts(connection, "trimmed", job.folder.parts("trimmed"), empty=TRIMMED)
    create_macros(connection)
    options = job.options
    queries = plan_queries(
        mode=options.mode,
        policy=options.merge_policy,
        connection_id=options.connection,
        plan_id=job.plan_id,
        partitions=_count_partitions(job, loaded),
    )
    for query in queries:
        job.begin_step(query.name)
        _keep_result(connection, query, job.folder)
    job.begin_step("stage what is refused")
    errors = stage_errors(connection, job, loaded.content)
    refused = stage_refused(connection, job, known_names=loaded.known_names)
    stale = None
    if job.applies:
        job.begin_step("compare with the dry run")
        changed = find_changed_outcomes(connection, job)
        stale = _find_stale(changed, job)
        errors.stage(changed.sort("record", maintain_order=True))
    if options.plan:
        job.begin_step("write the plan")
        write_plan(connection, job.folder, Path(options.plan))
    outcomes, warnings = count_outcomes(connection), connection.table("differences").shape[0]
    summary = _planned_summary(
        loaded.summary, outcomes=outcomes, errors=errors.by_code, warnings=warnings, refused=refused
    )
    ((users,),) = run(connection, "users_of_connection", connection=options.connection)
    fault = (
        stale
        or exceeded_threshold(options, summary, users=int(str(users)), database=job.store.path)
        or _find_nothing_accepted(job, loaded.summary)
    )
    return Planned(summary, fault, job.store.version())


def _count_partitions(job: Job, loaded: Loaded) -> int:
    accepted = loaded.summary.total - loaded.summary.failed
    return count_partitions(accepted, memory_bytes=job.settings.for_records(loaded.mean_bytes).memory_bytes)


def open_plan(connection: duckdb.DuckDBPyConnection, folder: JobFolder) -> None:
    """Create views of all that is staged and planned, and the macros to carry it out."""
    create_macros(connection)
    view_parts(connection, "staged", folder.parts("accepted"), empty=STAGED)
    view_parts(connection, "job_errors", folder.parts("errors"), empty=STAGED_ERRORS)
    view_parts(connection, "job_rejected", folder.parts("rejected"), empty=RECORDS)
    for name in LARGE:
        view_parts(connection, name, [folder.path / f"{name}.parquet"], empty=STAGED)


def _keep_result(connection: duckdb.DuckDBPyConnection, query: Query, folder: JobFolder) -> None:
    """Keep the result of a query under its name: a large one as Parquet in the job folder, any other in memory."""
    if query.name not in LARGE:
        query.store(connection)
        return
    fault_point(f"folder: write {query.name}")
    path = folder.path / f"{query.name}.parquet"
    result = relation(connection, query.name, **query.values)
    with private_umask():
        result.write_parquet(str(path), compression="lz4", row_group_size_bytes=ROW_GROUP_BYTES)
    view_parts(connection, query.name, [path], empty=STAGED)


def _planned_summary(
    loaded: JobSummary, *, outcomes: Mapping[RowOutcome, int], errors: Counter[str], warnings: int, refused: int
) -> JobSummary:
    """Return the summary that the job has if the plan is merged; status and times are those of the accepted job."""
    return replace(
        loaded,
        inserted=outcomes[RowOutcome.INSERT],
        updated=outcomes[RowOutcome.UPDATE],
        unchanged=outcomes[RowOutcome.UNCHANGED],
        failed=loaded.failed + refused,
        warnings=loaded.warnings + warnings,
        errors_by_code=dict(sorted((Counter(loaded.errors_by_code) + errors).items())),
    )


def exceeded_threshold(options: JobOptions, summary: JobSummary, *, users: int, database: Path) -> JobFault | None:
    """Return the fault of a plan that exceeds a threshold; `users` is the number of users of the connection."""
    counted = summary.inserted + summary.updated + summary.unchanged + summary.failed
    if counted != summary.total:
        hint = "please report this; nothing was merged"
        return JobFault(ErrorCode.NOT_CONSERVED, f"{summary.total:,} rows came in, {counted:,} are accounted for", hint)
    too_many_errors = _describe_excess_errors(options, summary)
    if too_many_errors:
        errors = format_command("jobs", "errors", summary.job_id, database=database)
        hint = f"see the errors with `{errors}`, correct the file or allow more; nothing was merged"
        return JobFault(ErrorCode.TOO_MANY_ERRORS, too_many_errors, hint)
    if summary.updated > options.max_updates_rate * users:
        share, allowed = f"{summary.updated / users:.1%}", f"{options.max_updates_rate:.1%}"
        changed = f"the job would change {share} of the {users:,} users of connection {summary.connection}"
        return JobFault(ErrorCode.TOO_MANY_CHANGES, f"{changed}, more than the {allowed} allowed", HINT_OF_CHANGES)
    return None


def _find_stale(changed: pl.DataFrame, job: Job) -> JobFault | None:
    """Return the fault of a plan that is not that of the dry run any more."""
    if not changed.height:
        return None
    records = ", ".join(map(str, changed["record"][:SHOWN_RECORDS])) + (
        " and others" if changed.height > SHOWN_RECORDS else ""
    )
    would = "1 row" if changed.height == 1 else f"{changed.height:,} rows"
    message = f"users have changed since dry run {job.applies}: {would} would do something else: record {records}"
    errors = format_command("jobs", "errors", job.id, database=job.store.path)
    return JobFault(ErrorCode.PLAN_STALE, message, f"see `{errors}`, and make a new dry run; nothing was merged")


def _find_nothing_accepted(job: Job, loaded: JobSummary) -> JobFault | None:
    """Return the fault of a job if every row breaks a rule; a row that conflicts with a user does not break one."""
    if not loaded.total or loaded.failed < loaded.total:
        return None
    message = f"none of the {loaded.total:,} rows was accepted" if loaded.total > 1 else "the only row was refused"
    rejects = format_command("jobs", "rejects", job.id, "-o", "FILE", database=job.store.path)
    hint = f"`{rejects}` writes the rows with their errors; correct them and import FILE"
    if ErrorCode.UNKNOWN_FIELD in loaded.errors_by_code:
        hint += f"; if the file is another system's, {SUGGEST} writes a mapping for it"
    return JobFault(ErrorCode.NOTHING_ACCEPTED, message, hint)


def _describe_excess_errors(options: JobOptions, summary: JobSummary) -> str | None:
    refused = f"{summary.failed:,} of {summary.total:,} rows were refused"
    if summary.failed and options.on_error is OnError.FAIL:
        return f"{refused}, and the job allows none"
    if options.max_errors is not None and summary.failed > options.max_errors:
        return f"{refused}, more than the {options.max_errors:,} allowed"
    if summary.failed > options.max_error_rate * summary.total:
        share = f"{summary.failed / summary.total:.1%} of the rows were refused"
        return f"{share}, more than the {options.max_error_rate:.1%} allowed"
    return None
