"""The calls of Auth0's Management API for imports of users; its shapes of jobs are in `flows.report.vendors.auth0`."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, BinaryIO, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from flows.api.access import allowed
from flows.api.jobs import Draft, JobService
from flows.api.problems import Problem, not_found, too_many_requests
from flows.api.tokens import Token
from flows.api.uploads import SentForm, answer_from_disk, receive_form, write_array
from flows.report.vendors import JobView, Json, auth0
from flows.store.job_status import KnownJob
from schemas.connection import ConnectionSettings
from schemas.job import DONE, RUNNING, JobStatus

FACE = "auth0"
USERS = "users"
FIELDS = ("connection_id", "upsert", "external_id", "send_completion_email")
NOT_UPSERTABLE = {"blocked": "keep", "phone_verified": "keep"}  # in Auth0; keys and hashes have such defaults anyway
WAIT_SECONDS = 5  # before a client asks again for one of the active jobs
EXPIRED_AFTER, REMOVED_AFTER = timedelta(hours=2), timedelta(hours=24)  # where Auth0's retention is wanted
STRATEGY = "auth0"  # of a database connection
APPLICATION = "user-import"  # the one that every connection is enabled for

REFUSALS = {
    401: {"statusCode": 401, "error": "Unauthorized", "message": "a valid token is required"},
    403: {"statusCode": 403, "error": "Forbidden", "message": "the token does not allow this"},
    404: {"statusCode": 404, "error": "Not Found", "message": "there is no such job"},
    429: {
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": "There are 2 active import users jobs, please wait until some of them are finished and try again",
    },
}
JOB = {
    "status": "pending",
    "type": "users_import",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "id": "0b1f9d52-4c3e-4a4c-9d0e-6a2f6f3c5f11",
    "connection_id": "default",
}
FORM = {
    "type": "object",
    "required": [USERS, "connection_id"],
    "properties": {
        USERS: {"type": "string", "format": "binary", "description": "A file of users, of any size and format."},
        "connection_id": {"type": "string", "example": "default"},
        "upsert": {"type": "boolean", "default": False},
        "external_id": {"type": "string", "maxLength": 255},
        "send_completion_email": {"type": "boolean", "default": True},
    },
}

CONNECTION = {"id": "default", "name": "default", "strategy": STRATEGY, "enabled_clients": [APPLICATION]}

Creator = Annotated[Token, Depends(allowed("create:users"))]
Reader = Annotated[Token, Depends(allowed("create:users", "read:users"))]  # Auth0 lets both read jobs


def _answers(status: int, example: Json, *refusals: int) -> dict[int | str, dict[str, object]]:
    examples = {status: example, **{refusal: REFUSALS[refusal] for refusal in (401, 403, *refusals)}}
    return {
        status: {"description": "", "content": {"application/json": {"example": example}}}
        for status, example in examples.items()
    }


class FieldQuery(BaseModel):
    """Which fields of a connection are wanted."""

    fields: str | None = Field(default=None, description="Their names, separated by commas.")
    include_fields: bool = Field(default=True, description="Whether these are wanted, rather than the others.")

    def select(self, found: Iterable[Mapping[str, Json]]) -> list[dict[str, Json]]:
        """Return the connections with the wanted fields."""
        names = {name.strip() for name in self.fields.split(",")} if self.fields else None
        return [
            {name: value for name, value in one.items() if names is None or (name in names) == self.include_fields}
            for one in found
        ]


class ConnectionQuery(FieldQuery):
    """Which connections are wanted, and in which form."""

    name: str | None = None
    per_page: int = Field(default=50, ge=1, le=100)
    page: int = Field(default=0, ge=0, le=10**9)
    take: int | None = Field(default=None, ge=1, le=100)
    from_: str = Field(default="", alias="from")
    include_totals: bool = False


router = APIRouter(prefix="/api/v2", tags=["Auth0"])


@router.post(
    "/jobs/users-imports",
    status_code=202,
    summary="Create an import of users",
    response_class=JSONResponse,
    responses=_answers(202, {**JOB, "upsert": False, "send_completion_email": True}, 429),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}},
)
async def create_users_import(request: Request, token: Creator) -> Response:
    """Record the job and answer with it before it runs. The parts of the form may be in any order."""
    jobs: JobService = request.app.state.jobs
    any_connection = min(token.connections or {"default"})  # until the part with its id has come
    with jobs.begin(face=FACE, token=token, connection=any_connection, options={"again": True}) as draft:

        def open_users(name: str, fields: Mapping[str, str]) -> AbstractContextManager[BinaryIO]:
            if connection := fields.get("connection_id"):
                draft.update(connection=connection)
                _require_free(request, connection)  # before the file is sent; what counts comes after it
            return draft.add_file(name or "users.json")

        sent = await receive_form(request, open_users, files=(USERS,))
        job = await run_in_threadpool(_submit, request, draft, sent, token)
    pending = JobView(summary=replace(job.summary, status=JobStatus.PENDING))
    mail = {"send_completion_email": _flag(sent, "send_completion_email", default=True)}
    return JSONResponse({**cast("Mapping[str, Json]", auth0.job(pending)), **mail}, status_code=202)


@router.get(
    "/jobs/{job_id}",
    summary="Get a job",
    responses=_answers(
        200, {**JOB, "status": "completed", "summary": {"failed": 1, "updated": 0, "inserted": 2, "total": 3}}, 404
    ),
)
def get_job(job_id: str, request: Request, token: Reader) -> JSONResponse:
    """Return the job: its progress while it runs, its counts and where its errors are once it has ended."""
    view = _view(request, job_id, token)
    job = dict(cast("Mapping[str, Json]", auth0.job(view)))
    if job["status"] == "completed":
        job["location"] = str(request.url_for("get_job_errors", job_id=job_id))
    return JSONResponse(job)


@router.get(
    "/jobs/{job_id}/errors",
    summary="Get the errors of a job",
    responses={
        **_answers(
            200,
            [{"user": {"email": "test@"}, "errors": [{"code": "FORMAT", "message": "must be …", "path": "email"}]}],
            404,
        ),
        204: {"description": "No errors"},
    },
)
def get_job_errors(job_id: str, request: Request, token: Reader) -> Response:
    """Return the refused users with their errors, secrets as `*****`; why the job failed if it did; nothing if none."""
    jobs: JobService = request.app.state.jobs
    view = _view(request, job_id, token)
    if view.summary.status in (JobStatus.FAILED, JobStatus.CANCELED):
        return JSONResponse(auth0.errors(view))
    if view.summary.status in RUNNING or not view.summary.failed:
        return Response(status_code=204)
    pages = jobs.refused_pages(jobs.find(job_id, token=token))
    return answer_from_disk(
        write_array(user for page in pages for user in _errors(page)), media_type="application/json"
    )


@router.get(
    "/connections",
    summary="List connections",
    responses=_answers(200, [CONNECTION]),
)
def list_connections(request: Request, token: Reader, query: Annotated[ConnectionQuery, Query()]) -> JSONResponse:
    """Return the connections that the token may use, in the form that the call asks for: an array; with
    `include_totals` a page with totals; with `take` a page with the beginning of the next."""
    strategies = [value for key, value in request.query_params.multi_items() if key.startswith("strategy")]
    found = _connections(request, token) if STRATEGY in (strategies or [STRATEGY]) else []
    found = [one for one in found if query.name in (None, one["name"])]
    if query.take is not None or query.from_:
        rest = [one for one in found if str(one["id"]) > query.from_]
        shown = rest[: query.take or query.per_page]
        following = {"next": shown[-1]["id"]} if len(rest) > len(shown) else {}
        return JSONResponse({"connections": query.select(shown), **following})
    start = query.page * query.per_page
    listed = query.select(found[start : start + query.per_page])
    totals = {"start": start, "limit": query.per_page, "length": len(listed), "total": len(found)}
    return JSONResponse({**totals, "connections": listed} if query.include_totals else listed)


@router.get("/connections/{connection_id}", summary="Get a connection", responses=_answers(200, CONNECTION, 404))
def get_connection(
    connection_id: str, request: Request, token: Reader, query: Annotated[FieldQuery, Query()]
) -> JSONResponse:
    """Return a connection."""
    found = [one for one in _connections(request, token) if one["id"] == connection_id]
    if not found:
        raise not_found("there is no such connection")
    return JSONResponse(query.select(found)[0])


@router.get("/connections/{connection_id}/clients", summary="List the applications of a connection")
def list_clients(connection_id: str, request: Request, token: Reader) -> JSONResponse:
    """Return the one application that every connection is enabled for."""
    get_connection(connection_id, request, token, FieldQuery())
    return JSONResponse({"clients": [{"client_id": APPLICATION}]})


def _submit(request: Request, draft: Draft, sent: SentForm, token: Token) -> KnownJob:
    """Submit the job of a form, unless that would be one too many of the connection."""
    jobs: JobService = request.app.state.jobs
    unknown = [name for name in sent.fields if name not in FIELDS]
    if unknown:
        raise Problem(400, "invalid_body", f"{unknown[0]} isn't a known field; known are {', '.join((USERS, *FIELDS))}")
    connection = sent.fields.get("connection_id", "")
    if not sent.file_bytes.get(USERS):
        raise Problem(400, "invalid_body", f"{USERS} must be a file that is not empty")
    if not connection:
        raise Problem(400, "invalid_body", "connection_id must be the id of a connection")
    options: dict[str, object] = {"no_mail": not _flag(sent, "send_completion_email", default=True)}
    if external_id := sent.fields.get("external_id"):  # auth0-cli sends an empty one
        options["external_id"] = external_id
    if _flag(sent, "upsert", default=False):
        options |= {"mode": "upsert", "policy": NOT_UPSERTABLE}
    draft.update(connection=connection, options=options)
    if not _is_known(request, connection, token):
        raise Problem(400, "invalid_body", f"there is no connection {connection}")
    with jobs.one_at_a_time(FACE):
        _require_free(request, connection)
        return draft.submit()


def _require_free(request: Request, connection: str) -> None:
    """Raise `Problem` (429) if as many jobs of the connection are active as may be."""
    limit: int = request.app.state.server.auth0_active_jobs or request.app.state.settings.jobs_per_connection
    active = request.app.state.jobs.active(connection=connection, face=FACE)
    if active >= limit:
        message = (
            f"There are {active} active import users jobs, please wait until some of them are finished and try again"
        )
        problem = too_many_requests(message, seconds=WAIT_SECONDS)
        reset = str(int(time.time()) + WAIT_SECONDS)
        limits = {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
        problem.headers = {**(problem.headers or {}), **limits}
        raise problem


def _flag(sent: SentForm, name: str, *, default: bool) -> bool:
    text = sent.fields.get(name, str(default)).lower()
    if text not in ("true", "false"):
        raise Problem(400, "invalid_body", f"{name} must be true or false")
    return text == "true"


def _view(request: Request, job_id: str, token: Token) -> JobView:
    """Return a job, past Auth0's times expired or removed where its retention is wanted."""
    jobs: JobService = request.app.state.jobs
    view = jobs.view(jobs.find(job_id, token=token))
    if not request.app.state.server.auth0_retention:
        return view
    age = datetime.now(UTC) - datetime.fromisoformat(view.summary.created_at)
    if age > REMOVED_AFTER and view.summary.status not in RUNNING:
        raise not_found()
    return replace(view, expired=view.expired or (age > EXPIRED_AFTER and view.summary.status in DONE))


def _errors(page: JobView) -> Sequence[Json]:
    return cast("Sequence[Json]", auth0.errors(page))


def _is_known(request: Request, connection: str, token: Token) -> bool:
    """Return whether there is a connection; while a merge holds the database, leave it to the job to say so."""
    try:
        return connection == "default" or connection in {one["id"] for one in _connections(request, token)}
    except Problem:
        return True


def _connections(request: Request, token: Token) -> list[dict[str, Json]]:
    """Return the connections that the token may use, as Auth0 shows them, by id."""
    jobs: JobService = request.app.state.jobs
    return sorted((_connection(one) for one in jobs.connections(token=token)), key=lambda one: str(one["id"]))


def _connection(settings: ConnectionSettings) -> dict[str, Json]:
    lengths = {"min": settings.username_min_length, "max": settings.username_max_length}
    is_username_required = settings.username_required or settings.required == "username"
    return {
        "id": settings.connection,
        "name": settings.connection,
        "display_name": settings.connection,
        "strategy": STRATEGY,
        "options": {"requires_username": is_username_required, "validation": {"username": lengths}},
        "realms": [settings.connection],
        "is_domain_connection": False,
        "enabled_clients": [APPLICATION],
    }
