"""Jobs in the database: their rows, errors and refused records, and the earlier job that a new one repeats.

Jobs whose process is gone are the concern of `flows.store.job_status`.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import duckdb

from flows.readers.sources import absolute_name
from flows.settings import format_command
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import DONE, FaultRecord, JobStatus, JobSummary
from schemas.options import FileOptions, JobOptions, option_of
from transforms.statements import Value, changed_rows, run, run_mapped


def record_phase(store: Store, *, job_id: str, status: JobStatus) -> None:
    """Record the phase that a job has reached, unless the database is busy: the job's folder has it as well."""
    impatient = Store(replace(store.settings, wait_seconds=0))
    with suppress(DatabaseFault), impatient.transaction() as connection:
        run(connection, "set_job_status", job_id=job_id, status=status.value)


@dataclass(frozen=True)
class Content:
    """The content of a job's sources: its hash, the files as they were named, and the first record number of each."""

    hash: str | None = None
    files: tuple[str, ...] = ()
    first_records: tuple[int, ...] = ()


NO_CONTENT = Content()


def finish_job(connection: duckdb.DuckDBPyConnection, summary: JobSummary, *, content: Content = NO_CONTENT) -> bool:
    """Record the end of an attempt inside the caller's transaction; return false if it has ended already."""
    files = [*map(absolute_name, content.files)]
    columns = {"content_hash": content.hash, "files": files, "first_records": content.first_records}
    result = run(connection, "finish_job", **columns_of(summary), **columns)
    return changed_rows(result) == 1


def record_end(store: Store, folder: JobFolder, summary: JobSummary) -> JobSummary:
    """Record the end of a job that a fault stopped, and return the recorded end: another one if it had committed.

    If the database is busy or the disk is full, the next start records it from the folder.
    """
    code = summary.fault["code"] if summary.fault else None
    if code == ErrorCode.DISK_FULL:
        folder.remove_merge_files()
    with suppress(OSError):
        folder.write_status(summary.to_dict())
    usual = store.settings.wait_seconds  # but not a second time, and shortly if a user waits for the end
    limits = {ErrorCode.DATABASE_BUSY.value: 0.0, ErrorCode.CANCELED.value: 0.5}
    waited = Store(replace(store.settings, wait_seconds=min(usual, limits.get(code or "", usual))))
    with suppress(DatabaseFault), waited.transaction() as connection:
        if not finish_job(connection, summary):
            recorded = run_mapped(connection, "job", job_id=summary.job_id)
            return build_summary(recorded[0]) if recorded else summary
    return summary


def overwrite_end(store: Store, folder: JobFolder, summary: JobSummary) -> JobSummary:
    """Replace the end that a job committed, because the tables do not agree with it."""
    with suppress(OSError):
        folder.write_status(summary.to_dict())
    with suppress(DatabaseFault), Store(store.settings).transaction() as connection:
        run(connection, "set_job_status", job_id=summary.job_id, status=JobStatus.IMPORTING.value)
        finish_job(connection, summary)
    return summary


def remove_job(store: Store, summary: JobSummary) -> None:
    """Remove the row of a job that could not begin. If it was attempted before, it is again as that attempt ended."""
    with store.transaction() as connection:
        _remove_job(connection, summary)


def record_repeat(store: Store, summary: JobSummary, *, earlier: str) -> None:
    """Remove the row of a job that repeats an earlier one, and record its id and external id with that one."""
    values = {"job_id": summary.job_id, "external_id": summary.external_id, "earlier": earlier}
    with store.transaction() as connection:
        run(connection, "record_repeat", **values)
        _remove_job(connection, summary)


def _remove_job(connection: duckdb.DuckDBPyConnection, summary: JobSummary) -> None:
    for statement in ("remove_job", "restore_attempt", "remove_restored_attempt"):
        run(connection, statement, job_id=summary.job_id, started_at=summary.started_at)


def find_job(store: Store, job_id: str) -> JobSummary:
    """Return the summary of a job, or raise `JobFault` (`JOB_NOT_FOUND`)."""
    return build_summary(get_job_row(store, job_id))


def get_job_row(store: Store, job_id: str) -> Mapping[str, object]:
    """Return the job's row of `import_jobs`, or raise `JobFault` (`JOB_NOT_FOUND`)."""
    with store.reading() as connection:
        rows = run_mapped(connection, "job", job_id=job_id)
    if not rows:
        raise missing_job(store, job_id)
    return rows[0]


def missing_job(store: Store, name: str) -> JobFault:
    """Return the fault of a job that does not exist."""
    hint = f"see `{format_command('jobs', 'list', database=store.path)}`"
    return JobFault(ErrorCode.JOB_NOT_FOUND, f"there is no job {name}", hint)


def find_same_import(store: Store, options: JobOptions, *, content: Callable[[], str]) -> JobSummary | None:
    """Return the completed job of the same content and options; None if there is none or `again` is set."""
    if options.again or options.dry_run:
        return None
    values: Mapping[str, Value] = {"connection": options.connection, "options": identity(options)}
    with store.reading() as connection:
        if run(connection, "same_options", **values) == [(0,)]:
            return None
    content_hash = content()  # reads all bytes of all sources, so the database is not kept open meanwhile
    with store.reading() as connection:
        found = run_mapped(connection, "same_import", **values, content_hash=content_hash)
    return find_job(store, str(found[0]["job_id"])) if found else None


def find_holder(store: Store, options: JobOptions, *, job_id: str, content: Callable[[], str]) -> JobSummary | None:
    """Return the import of the same content and options that has the unique external id; None if none has it.
    Raise `JobFault` (`EXTERNAL_ID_REUSED`) if another import has it, or this one is to be repeated."""
    if not options.unique_external_id or options.dry_run:
        return None
    with store.reading() as connection:
        rows = run_mapped(connection, "holders_of_external_id", external_id=options.external_id, job_id=job_id)
    if not rows:
        return None
    holder, job = build_summary(rows[0]), f"the external id {options.external_id} is that of job {rows[0]['job_id']}"
    if holder.status not in DONE:
        hint = f"wait for it: `{format_command('jobs', 'wait', holder.job_id, database=store.path)}`"
        raise JobFault(ErrorCode.EXTERNAL_ID_REUSED, f"{job}, which has not ended", hint)
    is_same = (holder.connection, rows[0]["options"]) == (options.connection, identity(options))
    if options.again or not is_same or rows[0]["content_hash"] != content():
        reason = "which has imported the same" if options.again else "which has imported something else"
        hint = "use another external id, or leave out --unique-external-id"
        raise JobFault(ErrorCode.EXTERNAL_ID_REUSED, f"{job}, {reason}; nothing was merged", hint)
    return holder


def find_errors(store: Store, job_id: str) -> list[Mapping[str, object]]:
    """Return every error and warning of a job's records, by record."""
    find_job(store, job_id)
    with store.reading() as connection:
        return run_mapped(connection, "errors_of_job", job_id=job_id)


def find_rejected(store: Store, job_id: str) -> list[Mapping[str, object]]:
    """Return every refused record of a job, secrets redacted, by record."""
    with store.reading() as connection:
        return run_mapped(connection, "rejected_of_job", job_id=job_id)


CONVERTED = ("sources", "status", "errors_by_code", "fault", "created_at", "started_at", "finished_at")


def build_summary(row: Mapping[str, object]) -> JobSummary:
    """Return the summary of a row of `import_jobs`."""
    fault: FaultRecord | None = None
    if row["fault_code"]:
        fault = {"code": str(row["fault_code"]), "message": str(row["fault_message"]), "hint": str(row["fault_hint"])}
    return JobSummary(
        **{name: row[name] for name in JobSummary.__dataclass_fields__ if name in row and name not in CONVERTED},  # type: ignore[arg-type] # the columns are the fields
        sources=tuple(cast(list[str], row["sources"])),
        status=JobStatus(str(row["status"])),
        errors_by_code=json.loads(str(row["errors_by_code"])),
        fault=fault,
        created_at=_iso(row["created_at"]) or "",
        started_at=_iso(row["started_at"]),
        finished_at=_iso(row["finished_at"]),
    )


def columns_of(summary: JobSummary) -> dict[str, Value]:
    """Return the summary as values for the columns of `import_jobs`."""
    fault = summary.fault or {}
    return {
        **cast(dict[str, Value], summary.to_dict()),
        "status": summary.status.value,
        "errors_by_code": json.dumps(dict(summary.errors_by_code)),
        "fault_code": fault.get("code"),
        "fault_message": fault.get("message"),
        "fault_hint": fault.get("hint"),
    }


def identity(options: JobOptions) -> str:
    """Return, as JSON, the options that differ from the default: equal for jobs that make the same of their sources.

    So it does not change when a later version adds an option.
    """
    counting = {name for name, field in JobOptions.model_fields.items() if option_of(field).is_identity}
    return _dump(options, counting)


def other_options(options: JobOptions) -> str:
    """Return, as JSON, the thresholds, the time limit and the notices of a job that differ from the default."""
    others = {name for name, field in FileOptions.model_fields.items() if not option_of(field).is_identity}
    return _dump(options, others)


def options_of(row: Mapping[str, object], *, sources: tuple[str, ...]) -> JobOptions:
    """Return the options of an import of other sources as the job of the row imported its own."""
    given = json.loads(str(row["options"])) | json.loads(str(row["other_options"]))
    return JobOptions.model_validate({**given, "sources": sources})


def _dump(options: JobOptions, names: set[str]) -> str:
    return json.dumps(options.model_dump(mode="json", include=names, exclude_defaults=True), sort_keys=True)


def _iso(moment: object) -> str | None:
    if not isinstance(moment, datetime):
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
