"""FullStory's calls for batches of users; its shapes of jobs are in `flows.report.vendors.fullstory`."""

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Annotated, BinaryIO, cast

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from flows.api.connections import connection_of
from flows.api.guard.access import allowed
from flows.api.guard.tokens import Token
from flows.api.jobs import Draft, JobService
from flows.api.problems import Problem, too_many_requests
from flows.api.uploads import receive_file
from flows.report.vendors import Json, fullstory
from flows.store.job_status import KnownJob

FACE = "fullstory"
OPTIONS = {"mode": "upsert", "profile": "fullstory", "format": "json", "again": True}  # there is no other mode
PARSED_BYTES = 64 << 20  # of a batch that is checked before it becomes a job
PARSING = threading.Lock()  # held while a batch is parsed: its text takes up to 300 MB
OBJECT = object()  # stands for one in a batch, which is not kept
PAGE = 1000  # users
WAIT_SECONDS = 5

JOB = {"id": "0b1f9d52-4c3e-4a4c-9d0e-6a2f6f3c5f11", "status": "PROCESSING", "created": "2026-01-01T00:00:00.000000Z"}
REFUSALS = {
    400: {"message": "requests is required", "code": "required_field"},
    401: {"message": "access is unauthorized", "code": "unauthorized"},
    403: {"message": "insufficient permissions", "code": "forbidden"},
    404: {"message": "there is no such job", "code": "resource_not_found"},
    429: {"message": "too many requests", "code": "too_many_requests"},
}

Creator = Annotated[Token, Depends(allowed("create:users"))]
Reader = Annotated[Token, Depends(allowed("create:users", "read:users"))]
PageToken = Annotated[str | None, Query(description="Where the page begins: `next_page_token` of the one before.")]

router = APIRouter(prefix="/v2/users/batch", tags=["FullStory"])


def _answers(example: Json, *refusals: int) -> dict[int | str, dict[str, object]]:
    examples = {200: example, **{status: REFUSALS[status] for status in (401, 403, *refusals)}}
    return {
        status: {"description": "", "content": {"application/json": {"example": found}}}
        for status, found in examples.items()
    }


BODY = {
    "type": "object",
    "required": ["requests"],
    "properties": {"requests": {"type": "array", "items": {"type": "object"}}},
}


@router.post(
    "",
    summary="Create a batch of users",
    responses=_answers({"job": JOB}, 400, 429),
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": BODY}}}},
)
async def create_batch(
    request: Request, token: Creator, idempotency_key: Annotated[str | None, Header(max_length=255)] = None
) -> JSONResponse:
    """Record the job and answer with it before it runs. The same `Idempotency-Key` answers with the same job."""
    jobs: JobService = request.app.state.jobs
    connection = connection_of(request, token)
    if not idempotency_key:  # whose job may be there already
        _require_free(request, connection)
    with jobs.begin(face=FACE, token=token, connection=connection, options=OPTIONS) as draft:
        with draft.add_file("batch.json") as file:
            await receive_file(request, file)
            digest = await run_in_threadpool(_check_batch, request, file)
        job = await run_in_threadpool(_submit, request, draft, digest, token, idempotency_key)
    batch = cast("Mapping[str, Mapping[str, Json]]", fullstory.job(jobs.view(job)))["job"]
    return JSONResponse({"job": {name: batch[name] for name in ("id", "status", "created")}})


@router.get("/{job_id}", summary="Get a batch", responses=_answers({"imports": 42, "errors": 2, "job": JOB}, 404))
def get_batch(job_id: str, request: Request, token: Reader) -> JSONResponse:
    """Return the job and its counts; `errors` only of one that has failed, as one with a refused user has."""
    jobs: JobService = request.app.state.jobs
    return JSONResponse(fullstory.job(jobs.view(jobs.find(job_id, token=token))))


@router.get(
    "/{job_id}/imports",
    summary="List the users of a batch that were imported",
    responses=_answers(
        {"results": [{"id": "3f…", "uid": "17", "email": "ada@example.com"}], "total_records": "1"}, 404
    ),
)
def list_imports(job_id: str, request: Request, token: Reader, page_token: PageToken = None) -> JSONResponse:
    """Return a page of the users that are in the table now, `id` being the one that they have here."""
    jobs: JobService = request.app.state.jobs
    job = _find_ended(jobs, job_id, token)
    found = jobs.imported(job, after=_parse(page_token), limit=PAGE + 1)
    rows = found[:PAGE]
    results = [
        {"id": row["user_id"], "uid": row["given_id"], "email": row["email"], "display_name": row["name"]}
        for row in rows
    ]
    shown = [{name: value for name, value in user.items() if value is not None} for user in results]
    following = {"next_page_token": str(rows[-1]["record"])} if len(found) > PAGE else {}
    return JSONResponse({"results": shown, "total_records": str(jobs.view(job).imported), **following})


@router.get(
    "/{job_id}/errors",
    summary="List the users of a batch that were refused",
    responses=_answers(
        {"results": [{"code": "format", "message": "email: …", "user": {"uid": "17"}}], "total_records": "1"}, 404
    ),
)
def list_errors(job_id: str, request: Request, token: Reader, page_token: PageToken = None) -> JSONResponse:
    """Return a page of the refused users, each with its first code and all messages, secrets as `*****`; the first
    error of a batch that failed as a whole is the reason, without a user."""
    jobs: JobService = request.app.state.jobs
    job = _find_ended(jobs, job_id, token)
    after = _parse(page_token)
    reason = fullstory.reason(jobs.view(job))
    refused: list[dict[str, Json]] = []
    while after < job.summary.total and not refused:  # a page is never empty before the last
        refused, after = fullstory.errors(jobs.refused(job, after=after, limit=PAGE)), after + PAGE
    following = {"next_page_token": str(after)} if after < job.summary.total else {}
    results = refused if page_token else [*reason, *refused]
    return JSONResponse({"results": results, "total_records": str(job.summary.failed or len(reason)), **following})


def _check_batch(request: Request, file: BinaryIO) -> str:
    """Return a hash of the body; raise `Problem` (400) for one that is not a batch, as far as it is small enough to be
    parsed: what is wrong with a larger one the job says."""
    most = request.app.state.server.max_users_per_batch
    if file.tell() <= PARSED_BYTES:
        with PARSING:
            users = _count_users(file)
        if most is not None and users > most:
            raise Problem(400, "invalid_field", f"requests must have at most {most:,} users, not {users:,}")
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # `BinaryIO` is buffered


def _count_users(file: BinaryIO) -> int:
    file.seek(0)
    try:
        document = json.load(file, object_hook=lambda found: found if "requests" in found else OBJECT)
    except (ValueError, RecursionError):
        raise Problem(400, "invalid_json", "the body must be JSON") from None
    users = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(users, list) or not users:
        raise Problem(400, "required_field", "requests is required: an array of at least one user")
    if not all(user is OBJECT or isinstance(user, dict) for user in users):
        raise Problem(400, "invalid_field", "requests must be an array of objects")
    return len(users)


def _submit(request: Request, draft: Draft, digest: str, token: Token, key: str | None) -> KnownJob:
    """Submit the batch, or return the job that the same key has submitted before."""
    jobs: JobService = request.app.state.jobs
    with jobs.one_at_a_time(FACE):
        if key:
            name = hashlib.sha256(f"{token.name}\n{key}".encode()).hexdigest()
            if earlier := jobs.find_request(face=FACE, key=name):
                if earlier.details["body"] != digest:
                    raise Problem(409, "idempotency_key_reused", "the key was used with another body")
                return jobs.find(earlier.job_id, token=token)
            draft.update(details={"key": name, "body": digest})
        _require_free(request, draft.connection)
        return draft.submit()


def _require_free(request: Request, connection: str) -> None:
    limit: int = request.app.state.server.fullstory_active_jobs
    if request.app.state.jobs.active(connection=connection, face=FACE) >= limit:
        raise too_many_requests(f"{limit} batches are in progress; wait until one has ended", seconds=WAIT_SECONDS)


def _find_ended(jobs: JobService, job_id: str, token: Token) -> KnownJob:
    job = jobs.find(job_id, token=token)
    if job.is_running:
        raise Problem(400, "job_processing", "the job is still processing; ask for its status first")
    return job


def _parse(page_token: str | None) -> int:
    if page_token and not (page_token.isascii() and page_token.isdigit() and len(page_token) < 19):
        raise Problem(400, "invalid_field", "page_token must be that of a page")
    return int(page_token or 0)
