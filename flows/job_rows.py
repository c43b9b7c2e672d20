"""A job's summary as a row of `import_jobs`, and back; what makes two jobs the same."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import cast

from schemas.job import FaultRecord, JobOptions, JobStatus, JobSummary
from transforms.statements import Value

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
CONVERTED = ("sources", "status", "errors_by_code", "fault", "created_at", "started_at", "finished_at")


def summary_from(row: Mapping[str, object]) -> JobSummary:
    """The summary that a row of `import_jobs` holds."""
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


def identity(options: JobOptions) -> str:
    """What makes two jobs of the same sources the same, as JSON: the options that are not as by default.

    So a job stays the same when a later version has one more option.
    """
    usual = asdict(JobOptions(sources=()))
    said = {key: value for key, value in asdict(options).items() if key not in NOT_IDENTITY and value != usual[key]}
    return json.dumps(said, sort_keys=True)


def _iso(moment: object) -> str | None:
    if not isinstance(moment, datetime):
        return None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
