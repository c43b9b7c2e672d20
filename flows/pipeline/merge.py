"""The second and third stage: staged rows to a plan, and the plan to the users table in one transaction."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from flows.pipeline.job import Job, ended_with, finished, utc_now
from flows.pipeline.load import Loaded
from flows.pipeline.plan_file import write_plan
from flows.pipeline.thresholds import exceeded_threshold
from flows.pipeline.verify import merged_counts, verify_merge
from flows.store.database import Store, transaction, view_parts
from flows.store.errors import require_space
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder
from flows.store.jobs import finish_job
from schemas.codes import ErrorCode, Severity
from schemas.faults import Fault, JobFault
from schemas.frames import ERRORS, RECORDS
from schemas.job import JobStatus, JobSummary, RowOutcome
from schemas.rules.user import STAGED
from transforms.plan import Keep, count_outcomes, plan
from transforms.rejects.redact import redact
from transforms.statements import Value, changed_rows, materialise, relation, run, statement

PLAN_NUMBER = 99999  # parts of the plan come after all parts of the load
PLANNED = ("updates", "plan")
BYTES_AT_ONCE = 16 << 20  # of rows that a thread holds before it writes them


@dataclass(frozen=True)
class Planned:
    """What the rows would do, and the version of the database that it was found on."""

    summary: JobSummary
    fault: Fault | None  # why it must not be carried out
    version: tuple[int, ...]


def make_plan(job: Job, loaded: Loaded) -> Planned:
    """Find duplicates, conflicts and outcomes; stage them; hold the job to its limits."""
    reading = _store(job, loaded).reading(spill=job.folder.path)
    with reading as connection, job.stop.interrupting(connection):
        planned = _plan_on(connection, job, loaded)
    job.enter(JobStatus.READY)
    return planned


def merge(job: Job, loaded: Loaded, planned: Planned) -> JobSummary:
    """Carry the plan out in one transaction with the job's record; a dry run only records it."""
    if planned.fault is None and not job.options.dry_run:
        job.step("look at the free space")
        require_space(job.folder.path, staged=job.folder.merge_bytes)
        job.enter(JobStatus.IMPORTING)
    with _store(job, loaded).writing(spill=job.folder.path) as connection:
        locked = time.monotonic()
        with job.stop.interrupting(connection), transaction(connection):
            if job.store.version() != planned.version and planned.fault is None:
                planned = _plan_on(connection, job, loaded)  # somebody has written since
            _open_parts(connection, job)
            if planned.fault is None and not job.options.dry_run:
                _merge_users(connection, job, planned.summary)
            key_sum = merged_counts(connection, job)["key_sum"]
            summary = _record(connection, job, planned, loaded=loaded, locked=locked)
        fault_point("read back")  # the job is done: nobody can stop it any more
        verify_merge(connection, job, summary, key_sum=key_sum)
    fault_point("report")
    job.folder.write_status(summary.to_dict())
    return summary


def _store(job: Job, loaded: Loaded) -> Store:
    """The job's store, with the memory that its records need."""
    return replace(job.store, settings=job.settings.for_records(loaded.mean_bytes))


def _plan_on(connection: duckdb.DuckDBPyConnection, job: Job, loaded: Loaded) -> Planned:
    """Plan on an open connection, stage the plan as Parquet and hold it to the job's limits."""
    view_parts(connection, "staged", job.folder.parts("accepted"), empty=STAGED)
    view_parts(connection, "originals", job.folder.parts("originals"), empty=RECORDS)
    options = job.options
    plan(
        connection,
        mode=options.mode,
        policy=options.policy,
        connection_id=options.connection,
        step=job.step,
        keep=_keep_in(job.folder),
    )
    errors: pl.DataFrame = connection.sql(statement("planned_errors")).pl().cast(ERRORS)
    job.folder.write_part("errors", PLAN_NUMBER, errors)
    refused = _stage_refused(connection, job)
    if options.plan:
        job.step("write the plan")
        write_plan(connection, job.folder, Path(options.plan))
    summary = _planned_summary(job, loaded, outcomes=count_outcomes(connection), errors=errors, refused=refused)
    ((users,),) = run(connection, "users_of_connection", connection=options.connection)
    return Planned(summary, exceeded_threshold(options, summary, users=int(str(users))), job.store.version())


def _keep_in(folder: JobFolder) -> Keep:
    """Keep what the merge will need as Parquet in the job's folder, all else in memory."""

    def keep(connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> None:
        if name not in PLANNED:
            materialise(connection, name, **values)
            return
        fault_point(f"folder: write {name}")
        found = relation(connection, name, **values)
        found.write_parquet(str(_part(folder, name)), compression="lz4", row_group_size_bytes=BYTES_AT_ONCE)
        view_parts(connection, name, [_part(folder, name)], empty=STAGED)

    return keep


def _part(folder: JobFolder, name: str) -> Path:
    return folder.path / f"{name}.parquet"


def _stage_refused(connection: duckdb.DuckDBPyConnection, job: Job) -> int:
    """Stage the records that the plan refuses, as they are and redacted; how many there are."""
    refused: pl.DataFrame = connection.sql(statement("refused_records")).pl().cast(RECORDS)
    job.folder.write_part("refused", PLAN_NUMBER, refused)
    shown = redact(refused, engine=connection) if refused.height else refused
    job.folder.write_part("rejected", PLAN_NUMBER, shown)
    return refused.height


def _planned_summary(
    job: Job, loaded: Loaded, *, outcomes: Mapping[RowOutcome, int], errors: pl.DataFrame, refused: int
) -> JobSummary:
    counted = Counter(errors.filter(severity=Severity.ERROR.value)["code"].to_list())
    return replace(
        job.summary,
        profile=loaded.profile,
        total=loaded.total,
        inserted=outcomes[RowOutcome.INSERT],
        updated=outcomes[RowOutcome.UPDATE],
        unchanged=outcomes[RowOutcome.UNCHANGED],
        failed=loaded.refused + refused,
        warnings=loaded.warnings + errors.filter(severity=Severity.WARNING.value).height,
        errors_by_code=dict(sorted((Counter(loaded.errors_by_code) + counted).items())),
    )


def _open_parts(connection: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Views of everything staged."""
    view_parts(connection, "staged", job.folder.parts("accepted"), empty=STAGED)
    view_parts(connection, "job_errors", job.folder.parts("errors"), empty=ERRORS)
    view_parts(connection, "job_rejected", job.folder.parts("rejected"), empty=RECORDS)
    for name in PLANNED:
        view_parts(connection, name, [_part(job.folder, name)], empty=STAGED)


def _merge_users(connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary) -> None:
    """Change the users table as planned and prove that it is so."""
    acts = (
        ("delete_changed_users", summary.updated),
        ("insert_changed_users", summary.updated),
        ("record_updates", summary.updated),
        ("insert_new_users", summary.inserted),
        ("record_inserts", summary.inserted),
    )
    values: dict[str, Value] = {
        "connection": job.options.connection,
        "job_id": job.id,
        "now": utc_now(),
        "metadata": job.options.metadata,
    }
    apply_changes(connection, job, acts, values, bytes_before="bytes_before_updates", broken_keys="broken_keys")


def _record(
    connection: duckdb.DuckDBPyConnection, job: Job, planned: Planned, *, loaded: Loaded, locked: float
) -> JobSummary:
    """Write the errors, the refused records and the end of the job into the caller's transaction."""
    for name in ("record_errors", "record_rejected"):
        job.step(name)
        run(connection, name, job_id=job.id)
    status = JobStatus.COMPLETED_WITH_ERRORS if planned.summary.failed else JobStatus.COMPLETED
    ended = finished(job, replace(planned.summary, status=status), locked=locked)
    if planned.fault is not None:
        ended = ended_with(planned.fault, job=job, summary=planned.summary)
    job.step("finish_job")
    if not finish_job(connection, ended, content=loaded.content):
        raise mismatch("the job's own row is gone, or says that it has ended")
    job.step("commit")
    return ended


# to find a dictionary for texts takes the engine time that grows faster than they do: 1 ms for one of 10 kB
LONG_BYTES = 4096
WITHOUT_DICTIONARIES = "set disabled_compression_methods = 'dict_fsst'"


def apply_changes(
    connection: duckdb.DuckDBPyConnection,
    job: Job,
    acts: Sequence[tuple[str, int]],
    values: Mapping[str, Value],
    *,
    bytes_before: str,
    broken_keys: str,
) -> None:
    """Run the acts, each a statement and the rows that it has to touch, inside the caller's transaction.

    `bytes_before` and `broken_keys` name two queries: how long the objects are, on average, in the rows that the log is
    to keep, and which keys more than one user would hold.

    Raises:
        JobFault: `NOT_CONSERVED`, an act did something else, or a key is not unique any more.

    """
    if not any(rows for _, rows in acts):
        return
    ((mean_bytes,),) = run(connection, bytes_before, **values)
    if float(str(mean_bytes or 0)) > LONG_BYTES:
        connection.execute(WITHOUT_DICTIONARIES)
    for name, rows in acts:
        job.step(name)
        if rows and changed_rows(run(connection, name, **values)) != rows:
            raise mismatch(f"{name} did not touch the {rows} rows that it had to")
    job.step(broken_keys)
    broken = run(connection, broken_keys, **values)
    if broken:
        raise mismatch(f"{len(broken)} keys would be held by more than one user")


def mismatch(message: str) -> JobFault:
    """The fault of a transaction that would not do what was planned."""
    return JobFault(ErrorCode.NOT_CONSERVED, message, "nothing was changed; please report this")
