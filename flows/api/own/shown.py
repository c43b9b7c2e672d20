"""What the server shows of a job: its summary as everywhere, its progress, and no path of this machine."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePath

from flows.store.job_status import KnownJob
from schemas.job import FaultRecord
from schemas.source_names import hide_url_secrets, is_url, without_secrets

PATH = re.compile(r"(?<![\w:/.])/(?:[^\s/'\"`,;]+/)+(?=[^\s/])")  # the folders of an absolute path
EXAMPLE: Mapping[str, object] = {
    "job_id": "0b1f9d52-4c3e-4a4c-9d0e-6a2f6f3c5f11",
    "external_id": "crm-7",
    "connection": "default",
    "sources": ["users.csv"],
    "profile": "auth0",
    "mode": "upsert",
    "dry_run": False,
    "status": "completed_with_errors",
    "total": 15,
    "inserted": 10,
    "updated": 2,
    "unchanged": 0,
    "failed": 3,
    "warnings": 0,
    "not_users": 0,
    "blank_lines": 0,
    "errors_by_code": {"FORMAT": 2, "DUPLICATED_USER": 1},
    "fault": None,
    "created_at": "2026-01-01T00:00:00.000000Z",
    "started_at": "2026-01-01T00:00:01.000000Z",
    "finished_at": "2026-01-01T00:00:02.000000Z",
    "duration_seconds": 0.41,
    "rows_per_second": 36,
    "lock_seconds": 0.02,
    "files": ["users.csv"],
    "other_external_ids": [],
    "undone_by_job": None,
    "attempts": 1,
    "kind": "import",
    "is_purged": False,
}


def show_job(job: KnownJob) -> dict[str, object]:
    """Return a job as JSON values, its sources by the names of their files."""
    return {**without_folders(job).to_dict(), "kind": job.kind, "is_purged": job.is_purged}


def without_folders(job: KnownJob) -> KnownJob:
    """Return the job with files named without their folders, also in its fault."""
    summary = job.summary
    fault = summary.fault and _show_fault(summary.fault, (*summary.sources, *job.files))
    shown = replace(summary, sources=tuple(map(name_file, summary.sources)), fault=fault)
    return replace(job, summary=shown, files=tuple(map(name_file, job.files)))


def name_file(source: str) -> str:
    """Return the name of a source's file; a URL without what can be secret."""
    return without_secrets(source) if is_url(source) else PurePath(source).name or source


def hide_folders(text: str, names: Iterable[str] = ()) -> str:
    """Return a text in which these files, and whatever else is an absolute path, are named without their folders."""
    for name in sorted(names, key=len, reverse=True):
        if not is_url(name):
            text = text.replace(name, name_file(name))
    return PATH.sub("", hide_url_secrets(text))


def _show_fault(fault: FaultRecord, names: Iterable[str]) -> FaultRecord:
    """Return the fault without paths; a hint that is a command of this machine is left out."""
    hint = "" if "`" in fault["hint"] else hide_folders(fault["hint"], names)
    return {"code": fault["code"], "message": hide_folders(fault["message"], names), "hint": hint}
