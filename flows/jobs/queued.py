"""Runs of the flow `import-users` that wait in Prefect, or that a worker has just taken: jobs that no folder has yet.

Only where `PREFECT_API_URL` is set. An API that is slow, silent or strange is asked for nothing more.
"""

import base64
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flows.report.deadline import call_within
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary, fault_record
from schemas.source_names import without_secrets

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 2.0
MOST_RUNS = 200
FLOW = "import-users"
WAITING = ("SCHEDULED", "PENDING", "PAUSED")
TAKEN = ("RUNNING", "CANCELLING")
CANCELED = ("CANCELLED", "CANCELLING")
ENDED = {"CANCELLED": JobStatus.CANCELED, "FAILED": JobStatus.FAILED, "CRASHED": JobStatus.FAILED}


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A job as its run in Prefect describes it."""

    summary: JobSummary
    run_id: str
    is_waiting: bool  # for its time, a slot or a worker; else a worker has it
    starts_at: datetime | None  # None: as soon as it can


def find_queued(database: "Path", *, job_id: str = "") -> list[QueuedJob] | None:
    """Return the runs that wait or run, of jobs of this database or of the worker's own; with `job_id` also the run of
    that id where it ended before its job began. None if there is no Prefect or it does not answer."""
    if not os.environ.get("PREFECT_API_URL"):
        return None
    states = {"state": {"type": {"any_": [*WAITING, *TAKEN]}}}
    wanted = {"operator": "or_", "id": {"any_": [job_id]}, **states} if job_id else states
    query = {"flows": {"name": {"any_": [FLOW]}}, "flow_runs": wanted, "limit": MOST_RUNS}
    with suppress(Exception):  # whatever it answers
        found = [_queued_job(run) for run in call_prefect("POST", "flow_runs/filter", query) if _is_of(run, database)]
        return [job for job in found if job is not None]
    return None


def cancel_run(run_id: str) -> bool:
    """Cancel a run in Prefect, and return whether it agreed."""
    with suppress(Exception):
        state = {"type": "CANCELLING", "name": "Cancelling"}
        return call_prefect("POST", f"flow_runs/{run_id}/set_state", {"state": state})["state"]["type"] in CANCELED
    return False


def call_prefect(method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
    """Return what Prefect's REST API answers; raise whatever fails, `TimeoutError` after some seconds."""
    import httpx

    headers = {}
    if password := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {base64.b64encode(password.encode()).decode()}"
    elif key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    url = f"{os.environ['PREFECT_API_URL'].rstrip('/')}/{path}"
    answer = call_within(SECONDS, partial(httpx.request, method, url, json=body, headers=headers, timeout=SECONDS))
    return answer.raise_for_status().json()


def _is_of(run: Mapping[str, Any], database: "Path") -> bool:
    """Return whether the run names this database, or leaves it to the worker."""
    named = run["parameters"].get("database")
    return not named or os.path.realpath(named) == str(database)


def _queued_job(run: Mapping[str, Any]) -> QueuedJob | None:
    """Return the job of a run; None if the run has completed."""
    form, state = run["parameters"], run["state_type"]
    if state not in (*WAITING, *TAKEN, *ENDED):
        return None
    summary = JobSummary(
        job_id=form.get("job_id") or run["id"],
        external_id=form.get("external_id") or None,
        connection=form.get("connection", "default"),
        sources=tuple(map(without_secrets, map(str, form.get("sources", ())))),
        profile=form.get("profile", "auto"),
        mode=form.get("mode", "insert"),
        dry_run=bool(form.get("dry_run")),
        status=ENDED.get(state, JobStatus.PENDING),
        fault=fault_record(fault) if (fault := fault_of(state)) else None,
        created_at=run["created"],
    )
    starts_at = datetime.fromisoformat(run["expected_start_time"]) if run.get("auto_scheduled") else None
    is_later = starts_at is not None and starts_at > datetime.now(UTC)
    return QueuedJob(
        summary=summary, run_id=run["id"], is_waiting=state in WAITING, starts_at=starts_at if is_later else None
    )


def fault_of(state: str) -> JobFault | None:
    """Return the fault of a job whose run has ended in that state before the job began; None if it has not ended."""
    hint = "see the page of the run in Prefect"
    if state == "CANCELLED":
        return JobFault(ErrorCode.CANCELED, "the run was cancelled before its job began", hint)
    return JobFault(ErrorCode.JOB_LOST, "the run ended before its job began", hint) if state in ENDED else None
