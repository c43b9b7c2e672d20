"""What the database keeps of jobs: accepted, in a phase, ended, swept; and the earlier job that a new one repeats."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from typing import cast

import duckdb

from flows.job_folder import JobFolder
from flows.store import Store
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import RUNNING, FaultRecord, JobOptions, JobStatus, JobSummary, fault_record
from transforms.statements import Value, run, run_mapped

PACKAGE = "flows"
# options that say how a job is run, not what it would make of its sources
NOT_IDENTITY = (
    "sources",
    "external_id",
    "again",
    "dry_run",
    "plan",
    "on_error",
    "max_error_rate",
    "max_errors",
    "max_updates_rate",
)
LOST = JobFault(
    ErrorCode.JOB_LOST,
    "the process that ran the job is gone; nothing was merged",
    "run it again",
)


def insert_job(store: Store, summary: JobSummary, *, options: JobOptions, kind: str = "import") -> None:
    """Add the row of an accepted job."""
    with store.transaction() as connection:
        run(connection, "insert_job", package=PACKAGE, **_columns(summary), kind=kind, options=_identity(options))


def record_phase(store: Store, *, job_id: str, status: JobStatus) -> None:
    """Note the phase that a job has reached; left out when the database is busy, for the job's folder has it too."""
    patient = Store(replace(store.settings, wait_seconds=0))
    with suppress(DatabaseFault), patient.transaction() as connection:
        run(connection, "set_job_status", package=PACKAGE, job_id=job_id, status=status.value)


def finish_job(connection: duckdb.DuckDBPyConnection, summary: JobSummary, *, content_hash: str | None = None) -> None:
    """Write the end of a job, inside the caller's transaction."""
    run(connection, "finish_job", package=PACKAGE, **_columns(summary), content_hash=content_hash)


def record_end(store: Store, folder: JobFolder, summary: JobSummary) -> None:
    """Write the end of a job that merged nothing; where the database is busy the next start does it from the folder."""
    folder.write_status(summary.to_dict())
    with suppress(DatabaseFault), store.transaction() as connection:
        finish_job(connection, summary)


def remove_job(store: Store, *, job_id: str) -> None:
    """Forget a job that turned out to repeat another."""
    with store.transaction() as connection:
        run(connection, "remove_job", package=PACKAGE, job_id=job_id)


def sweep(store: Store) -> None:
    """Write the end of every job whose process is gone: as its folder says, or as lost."""
    with store.reading() as connection:
        running = run_mapped(connection, "running_jobs", package=PACKAGE)
    for row in running:
        summary = summary_from(row)
        folder = JobFolder(store.settings.jobs_folder / summary.job_id)
        if not folder.is_running:
            with store.transaction() as connection:
                finish_job(connection, _last_word(summary, folder))


def find_job(store: Store, job_id: str) -> JobSummary:
    """The summary of a job.

    Raises:
        JobFault: `JOB_NOT_FOUND`.

    """
    with store.reading() as connection:
        rows = run_mapped(connection, "job", package=PACKAGE, job_id=job_id)
    if not rows:
        raise JobFault(ErrorCode.JOB_NOT_FOUND, f"there is no job {job_id}", "see `python -m flows.jobs list`")
    return summary_from(rows[0])


def find_same_import(store: Store, options: JobOptions, *, content: Callable[[], str]) -> JobSummary | None:
    """The completed job that has imported the same sources with the same options, unless one more is asked for."""
    if options.again or options.dry_run:
        return None
    values: Mapping[str, Value] = {"connection": options.connection, "options": _identity(options)}
    with store.reading() as connection:
        if run(connection, "same_size", package=PACKAGE, **values) == [(0,)]:
            return None
        found = run_mapped(connection, "same_import", package=PACKAGE, **values, content_hash=content())
    return find_job(store, str(found[0]["job_id"])) if found else None


def summary_from(row: Mapping[str, object]) -> JobSummary:
    """The summary that a row of `import_jobs` holds."""
    fault: FaultRecord | None = None
    if row["fault_code"]:
        fault = {"code": str(row["fault_code"]), "message": str(row["fault_message"]), "hint": str(row["fault_hint"])}
    return JobSummary(
        **{name: row[name] for name in JobSummary.__dataclass_fields__ if name in row and name not in _CONVERTED},  # type: ignore[arg-type] # the columns are the fields
        sources=tuple(cast(list[str], row["sources"])),
        status=JobStatus(str(row["status"])),
        errors_by_code=json.loads(str(row["errors_by_code"])),
        fault=fault,
        created_at=_iso(row["created_at"]) or "",
        started_at=_iso(row["started_at"]),
        finished_at=_iso(row["finished_at"]),
    )


_CONVERTED = ("sources", "status", "errors_by_code", "fault", "created_at", "started_at", "finished_at")


def _last_word(summary: JobSummary, folder: JobFolder) -> JobSummary:
    """How a job ended whose process is gone."""
    said = folder.read_status()
    if said.get("job_id") == summary.job_id:
        known = {key: value for key, value in said.items() if key in JobSummary.__dataclass_fields__}
        return JobSummary(**{**known, "status": JobStatus(str(said["status"]))})  # type: ignore[arg-type] # written by to_dict
    return replace(summary, status=JobStatus.FAILED, fault=fault_record(LOST))


def _columns(summary: JobSummary) -> dict[str, Value]:
    """The summary as values of the columns of `import_jobs`."""
    fault = summary.fault or {}
    return {
        **cast(dict[str, Value], summary.to_dict()),
        "status": summary.status.value,
        "errors_by_code": json.dumps(dict(summary.errors_by_code)),
        "fault_code": fault.get("code"),
        "fault_message": fault.get("message"),
        "fault_hint": fault.get("hint"),
    }


def _identity(options: JobOptions) -> str:
    """What makes two jobs of the same sources the same, as JSON."""
    return json.dumps({key: value for key, value in asdict(options).items() if key not in NOT_IDENTITY})


def _iso(moment: object) -> str | None:
    if not isinstance(moment, datetime):
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def list_recorded(store: Store, *, limit: int, connection_id: str | None = None) -> list[JobSummary]:
    """The latest jobs, newest first."""
    with store.reading() as connection:
        rows = run_mapped(connection, "jobs", package=PACKAGE, connection=connection_id, limit=limit)
    return [summary_from(row) for row in rows]


def live_status(store: Store, job_id: str) -> tuple[JobSummary, Mapping[str, object]]:
    """A job's summary, and while it runs how far it is: status, percent, rows, seconds_left."""
    sweep(store)
    summary = find_job(store, job_id)
    if summary.status not in RUNNING:
        return summary, {}
    live = JobFolder(store.settings.jobs_folder / job_id).read_status()
    return replace(summary, status=JobStatus(str(live.get("status", summary.status)))), live


def errors_of_job(store: Store, job_id: str) -> list[Mapping[str, object]]:
    """Every fault and warning of a job's rows, by record."""
    find_job(store, job_id)
    with store.reading() as connection:
        return run_mapped(connection, "errors_of_job", package=PACKAGE, job_id=job_id)


def request_cancel(store: Store, job_id: str) -> str:
    """Ask a running job to stop; a sentence on what that means."""
    summary, _ = live_status(store, job_id)
    if summary.status not in RUNNING:
        return f"job {job_id} has already ended: {summary.status.value}"
    JobFolder(store.settings.jobs_folder / job_id).request_cancel()
    return f"job {job_id} was asked to stop"
