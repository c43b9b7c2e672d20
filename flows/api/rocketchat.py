"""Rocket.Chat's calls for imports of users; its shapes of operations are in `flows.report.vendors.rocketchat`.

A connection has one current operation: users are staged by any number of calls and imported later.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from flows.api.connections import connection_of
from flows.api.guard.access import allowed
from flows.api.guard.tokens import Token
from flows.api.jobs import JobService
from flows.api.problems import Problem
from flows.report.vendors import JobView, Json, rocketchat
from flows.store.requests.request import JobRequest
from flows.store.requests.staging import one_operation
from schemas.faults import JobFault
from schemas.job import RUNNING, JobStatus

FACE = "rocketchat"
OPTIONS = {
    "mode": "insert",
    "profile": "rocketchat",
    "hash_passwords": True,
    "again": True,
}  # existing users are skipped
BEFORE_IMPORTING = (JobStatus.PENDING, JobStatus.LOADING, JobStatus.READY)
INVALID = "[error-import-operation-invalid]"

OPERATION: Json = {
    "_id": "0b1f9d52-4c3e-4a4c-9d0e-6a2f6f3c5f11",
    "type": "api",
    "importerKey": "api",
    "ts": "2026-01-01T00:00:00.000000Z",
    "status": "importer_user_selection",
    "valid": True,
    "user": "migration",
    "_updatedAt": "2026-01-01T00:00:00.000000Z",
    "count": {"total": 2, "users": 2},
}
USERS = {
    "type": "object",
    "required": ["users"],
    "properties": {"users": {"type": "array", "items": {"type": "object", "required": ["emails", "importIds"]}}},
}

Importer = Annotated[Token, Depends(allowed("run-import"))]

router = APIRouter(prefix="/api/v1", tags=["Rocket.Chat"])


def _answers(example: Json) -> dict[int | str, dict[str, object]]:
    examples: dict[int, Json] = {
        200: example,
        401: {"status": "error", "message": "You must be logged in to do this."},
        403: {"success": False, "error": "User does not have the permissions … [error-unauthorized]"},
    }
    return {
        status: {"description": "", "content": {"application/json": {"example": found}}}
        for status, found in examples.items()
    }


@router.post(
    "/import.new", summary="Create an operation", responses=_answers({"operation": OPERATION, "success": True})
)
def create_operation(request: Request, token: Importer) -> JSONResponse:
    """Create an operation that users can be added to; what was staged before, and not run, is discarded."""
    jobs: JobService = request.app.state.jobs
    connection = connection_of(request, token)
    with one_operation(jobs.settings):
        jobs.clear_staged(connection=connection)
        with jobs.begin(
            face=FACE, token=token, connection=connection, options=OPTIONS, details={"is_staging": True}
        ) as draft:
            draft.stage()
        return _current(request, token)


@router.post(
    "/import.addUsers",
    summary="Add users to the operation",
    responses=_answers({"success": True}),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": USERS}}}},
)
async def add_users(request: Request, token: Importer) -> JSONResponse:
    """Stage users; all of them or, if one lacks an address or an import id, none."""
    body = await request.body()
    await run_in_threadpool(_add_users, request, token, body)
    return JSONResponse({"success": True})


@router.post("/import.run", summary="Import the staged users", responses=_answers({"success": True}))
def run_operation(request: Request, token: Importer) -> JSONResponse:
    """Import what is staged; answers at once."""
    jobs: JobService = request.app.state.jobs
    operation = jobs.staged(connection=connection_of(request, token))
    if operation is None or not operation.is_staged or not jobs.sent_files(operation.job_id):
        raise Problem(400, "not_ready", f"the operation is not ready to import {INVALID}")
    with _refusing_what_has_begun():
        jobs.run_staged(operation.job_id, token=token)
    return JSONResponse({"success": True})


@router.get(
    "/import.status",
    summary="Get the status of the operation",
    responses=_answers({"state": "ready", "operation": OPERATION, "success": True}),
)
def get_status(request: Request, token: Importer) -> JSONResponse:
    """Return the state of the current operation, `none` if there was never one."""
    operation = _operation(request, token)
    return JSONResponse({**(operation or cast("Mapping[str, Json]", rocketchat.missing(""))), "success": True})


@router.get(
    "/getCurrentImportOperation",
    summary="Get the operation",
    responses=_answers({"operation": OPERATION, "success": True}),
)
def get_operation(request: Request, token: Importer) -> JSONResponse:
    """Return the current operation."""
    return _current(request, token)


@router.post("/import.clear", summary="Discard what is staged", responses=_answers({"success": True}))
def clear_operation(request: Request, token: Importer) -> JSONResponse:
    """Discard the staged users, and of an operation that has ended those that were refused; then there is none."""
    jobs: JobService = request.app.state.jobs
    connection = connection_of(request, token)
    with one_operation(jobs.settings):
        operation = jobs.staged(connection=connection)
        if operation and not jobs.clear_staged(connection=connection):
            job = jobs.find(operation.job_id, token=token)
            if job.is_running:
                raise _running()
            try:
                jobs.purge(job)
            except JobFault:
                raise _running() from None
    return JSONResponse({"success": True})


@router.post("/import.cancel", summary="Cancel the operation", responses=_answers({"success": True}))
def cancel_operation(request: Request, token: Importer) -> JSONResponse:
    """Stop the operation; none of its users is imported."""
    jobs: JobService = request.app.state.jobs
    operation = jobs.staged(connection=connection_of(request, token))
    if operation is None:
        raise _no_operation()
    jobs.cancel(jobs.find(operation.job_id, token=token))
    return JSONResponse({"success": True})


def _add_users(request: Request, token: Token, body: bytes) -> None:
    jobs: JobService = request.app.state.jobs
    users = _parse_users(body)
    operation = jobs.staged(connection=connection_of(request, token))
    if operation is None or not operation.is_staged:
        raise _no_operation()
    lines = "".join(json.dumps(user, ensure_ascii=False) + "\n" for user in users)
    with (
        _refusing_what_has_begun(),
        jobs.add_to_staged(operation.job_id, token=token, records=len(users)) as file,
    ):
        file.write(lines.encode("utf-8", "surrogatepass"))


def _running() -> Problem:
    return Problem(400, "running", f"the operation is running; cancel it first {INVALID}")


def _no_operation() -> Problem:
    return Problem(400, "invalid_operation", f"there is no operation that takes users; call import.new {INVALID}")


@contextmanager
def _refusing_what_has_begun() -> Iterator[None]:
    """Raise `Problem` (400) if another call has run or removed the operation meanwhile."""
    try:
        yield
    except (Problem, JobFault, FileNotFoundError):
        raise _no_operation() from None


def _parse_users(body: bytes) -> list[Mapping[str, object]]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "invalid_json", "the body must be JSON [error-invalid-params]") from None
    users = document.get("users") if isinstance(document, dict) else None
    if not isinstance(users, list) or not users or not all(isinstance(user, dict) for user in users):
        raise Problem(400, "invalid_params", "users must be an array of at least one object [error-invalid-params]")
    if not all(_has_text(user.get("emails")) and _has_text(user.get("importIds")) for user in users):
        raise Problem(400, "missing_data", "Users are missing required data.")
    return users


def _has_text(values: object) -> bool:
    return isinstance(values, list) and any(isinstance(value, str) and value.strip() for value in values)


def _current(request: Request, token: Token) -> JSONResponse:
    operation = _operation(request, token) or {"operation": None}
    return JSONResponse({"operation": operation["operation"], "success": True})


def _operation(request: Request, token: Token) -> dict[str, Json] | None:
    """Return the state and the operation; None if there is none."""
    jobs: JobService = request.app.state.jobs
    found = jobs.staged(connection=connection_of(request, token))
    if found is None:
        return None
    try:
        view = jobs.view(jobs.find(found.job_id, token=token))
    except Problem:  # another call has just removed it
        return None
    shown = dict(cast("Mapping[str, Json]", rocketchat.job(view)))
    state, step, count = str(shown["state"]), "", _counts(found, view)
    if found.is_staged:
        is_ready = bool(jobs.sent_files(found.job_id))
        state, step = ("ready", "importer_user_selection") if is_ready else ("new", "importer_new")
    elif view.summary.status in BEFORE_IMPORTING:  # `loading` is for files that a server of theirs reads
        state, step = "importing", "importer_importing_started"
    operation = {**cast("Mapping[str, Json]", shown["operation"]), "user": found.requested_by, "count": count}
    operation |= {"status": step} if step else {}
    return {"state": state, "operation": {name: value for name, value in operation.items() if value != {}}}


def _counts(found: JobRequest, view: JobView) -> dict[str, Json]:
    """Return the counts of an operation: none as long as it has no users, and no results before it runs."""
    records = cast("int", found.details.get("records", 0))
    if found.is_staged:
        return {"total": records, "users": records} if records else {}
    total = records if view.summary.status in RUNNING else view.processed
    return {"total": total, "users": total, "completed": view.imported, "error": view.summary.failed}
