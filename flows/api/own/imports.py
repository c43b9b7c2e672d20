"""The server's own calls, at `/v1`: what the command line does with imports, with the same options and summaries."""

from collections.abc import Mapping
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from flows.api.guard.access import allowed
from flows.api.guard.tokens import Token
from flows.api.jobs import JobService
from flows.api.liferay import default_connection
from flows.api.own import actions
from flows.api.own.bodies import FACE, FILES, MOST_CHARACTERS_OF_KEY, options_schema, receive_import, submit
from flows.api.own.events import END, Board, Watch
from flows.api.own.results import MEDIA_TYPES, open_rejects, plan_of, read_errors
from flows.api.own.shown import EXAMPLE, show_job
from flows.api.problems import Problem
from flows.api.uploads import answer_file, answer_from_disk
from flows.jobs.arguments import parse_moment
from flows.store.job_status import JobFilter, KnownJob
from schemas.job import JobStatus

MOST_PAGE = 10_000
PENDING = {**EXAMPLE, "status": "pending", "total": 0, "inserted": 0, "updated": 0, "failed": 0, "errors_by_code": {}}
ERROR = {
    "source": "users.csv",
    "record": 3,
    "line": 4,
    "key": "ada@",
    "code": "FORMAT",
    "path": "email",
    "message": "must be an e-mail address",
    "severity": "error",
    "meaning": "a value does not have the form of its field: of an e-mail address, a URI, a date, …",
}
PLANNED = '{"record":1,"line":2,"outcome":"update","user_id":"u-1","matched_by":"email","changes":[],"codes":[]}\n'
FAULTS = {
    400: ("INVALID_OPTION", "mode: Input should be 'insert', 'upsert' or 'update'"),
    401: ("UNAUTHORIZED", "a valid token is required"),
    403: ("FORBIDDEN", "the token lacks the scope create:users"),
    404: ("RESOURCE_NOT_FOUND", "there is no such job"),
    409: ("EXTERNAL_ID_REUSED", "the Idempotency-Key is that of another import; nothing was requested"),
    410: ("REJECTS_PURGED", "the refused records are no longer kept"),
    503: ("UNAVAILABLE", "the database is busy; ask again"),
}


def _answers(*faults: int, **examples: object) -> dict[int | str, dict[str, object]]:
    """Return the responses of a call for its description: `ok`, `accepted` and faults by status, with examples."""
    shown: dict[int, object] = {{"ok": 200, "accepted": 202}[name]: example for name, example in examples.items()}
    for status in (401, 403, *faults):
        code, message = FAULTS[status]
        shown[status] = {"fault": {"code": code, "message": message, "hint": ""}}
    return {
        status: {"description": "", "content": {"application/json": {"example": example}}}
        for status, example in shown.items()
    }


class Page(BaseModel):
    """Which part of a list is wanted."""

    page: int = Field(default=0, ge=0, le=10**9, description="Counted from 0.")
    limit: int = Field(default=50, ge=1, le=MOST_PAGE, description="Of a page.")


class ListQuery(Page):
    """Which jobs are wanted."""

    status: list[JobStatus] = Field(default=[], description="In one of these states.")
    connection: str | None = None
    since: str | None = Field(default=None, description="A date or time in UTC, or an age such as 24h or 7d.")
    external_id: str | None = None


class ErrorQuery(Page):
    """Which errors are wanted."""

    limit: int = Field(default=1000, ge=1, le=MOST_PAGE, description="Of a page.")
    code: str | None = Field(default=None, description="Only errors with this code.")


class PlanQuery(BaseModel):
    """Which part of a plan is wanted; all of it without."""

    page: int | None = Field(default=None, ge=0, le=10**9, description="Counted from 0; without it, all of the plan.")
    limit: int = Field(default=1000, ge=1, le=10**6, description="Records of a page, also those that are no users.")


Creator = Annotated[Token, Depends(allowed("create:users"))]
Reader = Annotated[Token, Depends(allowed("read:users"))]
router = APIRouter(prefix="/v1", tags=["Ours"])


def _service(request: Request) -> JobService:
    return cast("JobService", request.app.state.jobs)


Jobs = Annotated[JobService, Depends(_service)]
JobId = Annotated[str, Path(alias="id", description="The id of the job.")]


def _read(jobs: Jobs, token: Reader, job_id: JobId) -> KnownJob:
    return jobs.find_whole(job_id, token=token)


def _change(jobs: Jobs, token: Creator, job_id: JobId) -> KnownJob:
    return jobs.find(job_id, token=token)


ReadJob = Annotated[KnownJob, Depends(_read)]
ChangedJob = Annotated[KnownJob, Depends(_change)]
FORM = {
    "type": "object",
    "required": [FILES[0]],
    "properties": {
        FILES[0]: {"type": "string", "format": "binary", "description": "A file of users; repeat it for several."},
        "options": {"type": "string", "description": "The options, as JSON.", "example": '{"mode": "upsert"}'},
    },
}
SOURCES = {"type": "array", "items": {"type": "string"}, "example": ["/srv/imports/users.csv"], "minItems": 1}
BODY = {"type": "object", "required": ["sources"], "properties": {"sources": SOURCES, "options": options_schema()}}
BODIES = {"multipart/form-data": {"schema": FORM}, "application/json": {"schema": BODY}}


@router.post(
    "/imports",
    status_code=202,
    summary="Create an import",
    responses=_answers(400, 409, accepted=PENDING),
    openapi_extra={"requestBody": {"required": True, "content": BODIES}},
)
async def create_import(
    request: Request,
    token: Creator,
    jobs: Jobs,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", min_length=1, max_length=MOST_CHARACTERS_OF_KEY, description="An external id."),
    ] = None,
) -> Response:
    """Record an import of files that are sent, or of paths and URLs within `IMPORT_ROOTS`, and answer before it runs.
    A call that is repeated with its `Idempotency-Key` is answered with the same import."""
    with jobs.begin(face=FACE, token=token, connection=default_connection(token), options={}) as draft:
        asked = await receive_import(request, draft)
        if not (asked.sources or draft.files):
            raise Problem(400, "required_field", "sources: name at least one path or URL")
        job, is_new = await run_in_threadpool(submit, jobs, draft, token, asked=asked, key=key)
    return _accepted(job, status=202 if is_new else 200)


@router.get(
    "/imports",
    summary="List imports",
    responses=_answers(400, ok={"imports": [EXAMPLE], "page": 0, "limit": 50, "has_more": False}),
)
def list_imports(token: Reader, jobs: Jobs, query: Annotated[ListQuery, Query()]) -> Mapping[str, object]:
    """Return the jobs that the token may see, newest first, undos too."""
    try:
        since = parse_moment(query.since) if query.since else None
    except ValueError as error:
        raise Problem(400, "invalid_field", f"since: {error}") from None
    wanted = JobFilter(
        statuses=tuple(query.status),
        connection=query.connection,
        since=since,
        external_id=query.external_id,
        limit=(query.page + 1) * query.limit + 1,
    )
    first = query.page * query.limit
    found = jobs.list(token=token, wanted=wanted)[first:]
    shown = [show_job(job) for job in found[: query.limit]]
    return {"imports": shown, "page": query.page, "limit": query.limit, "has_more": len(found) > query.limit}


@router.get("/imports/{id}", summary="Get an import", responses=_answers(404, ok=EXAMPLE))
def get_import(job: ReadJob) -> Mapping[str, object]:
    """Return the summary of a job, and its progress while it runs."""
    return show_job(job)


@router.get(
    "/imports/{id}/errors",
    summary="Get the errors of an import",
    responses=_answers(404, 503, ok={"errors": [ERROR], "page": 0, "limit": 1000, "has_more": False}),
)
def get_errors(jobs: Jobs, job: ReadJob, query: Annotated[ErrorQuery, Query()]) -> Mapping[str, object]:
    """Return the errors and warnings of records, by record, without secrets."""
    found, has_more = read_errors(jobs, job, code=query.code, page=query.page, limit=query.limit)
    return {"errors": found, "page": query.page, "limit": query.limit, "has_more": has_more}


@router.get(
    "/imports/{id}/rejects",
    summary="Download the refused records",
    responses={**_answers(404, 409, 410, 503), 204: {"description": "No refused records"}},
)
def get_rejects(
    jobs: Jobs,
    job: ChangedJob,
    form: Annotated[Literal["csv", "ndjson", "json", "parquet"] | None, Query(alias="format")] = None,
) -> Response:
    """Return the refused records as a file to correct and send again, with their secrets and what is wrong with each;
    in the format of the first source unless another is wanted."""
    return answer_rejects(jobs, job, form=form)


def answer_rejects(jobs: JobService, job: KnownJob, *, form: str | None) -> Response:
    """Return the refused records of a job as a download."""
    file, written, records = open_rejects(jobs, job, form=form)
    if not records:
        file.close()
        return Response(status_code=204)
    response = answer_file(file, media_type=MEDIA_TYPES[written])
    name = f"rejects-{job.summary.job_id[:8]}.{written}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@router.get(
    "/imports/{id}/plan",
    summary="Get the plan of an import",
    responses={
        **_answers(404, 409, 410),
        200: {"description": "", "content": {"application/x-ndjson": {"example": PLANNED}}},
    },
)
def get_plan(jobs: Jobs, job: ReadJob, query: Annotated[PlanQuery, Query()]) -> Response:
    """Return what each record does, or in a dry run would do, as lines of JSON: its outcome, the user, the fields that
    change, secrets only as changed."""
    if query.page is None:
        return answer_from_disk(plan_of(jobs, job), media_type="application/x-ndjson")
    after = query.page * query.limit
    return answer_from_disk(
        plan_of(jobs, job, after=after, upto=after + query.limit), media_type="application/x-ndjson"
    )


@router.post(
    "/imports/{id}/cancel",
    summary="Cancel an import",
    responses=_answers(404, ok={"job_id": EXAMPLE["job_id"], "message": "the job was requested to stop"}),
)
def cancel_import(jobs: Jobs, job: ChangedJob) -> Mapping[str, object]:
    """Stop a job; nothing of it is merged."""
    return {"job_id": job.summary.job_id, "message": jobs.cancel(job)}


@router.post(
    "/imports/{id}/undo", status_code=202, summary="Undo an import", responses=_answers(404, 409, 503, accepted=PENDING)
)
def undo_import(
    jobs: Jobs,
    job: ChangedJob,
    token: Creator,
    dry_run: Annotated[bool, Query(description="Only count what would be reverted and kept.")] = False,
) -> Response:
    """Request that the users that a job changed are put back, and answer with the undo, a job of its own: its `updated`
    are users that were reverted, its `failed` those that were kept because of later changes, and its errors say why."""
    undone, is_new = actions.undo(jobs, job, token=token, dry_run=dry_run)
    return _accepted(undone, status=202 if is_new else 200)


@router.post(
    "/imports/{id}/apply",
    status_code=202,
    summary="Apply a dry run",
    responses=_answers(404, 409, 410, 503, accepted=PENDING),
)
def apply_import(jobs: Jobs, job: ChangedJob, token: Creator) -> Response:
    """Request that the plan of a dry run is carried out exactly as it shows, and answer with the import that does so.
    It fails with `PLAN_STALE`, and its errors name the records, if any would do something else by then."""
    applied, is_new = actions.apply(jobs, job, token=token)
    return _accepted(applied, status=202 if is_new else 200)


@router.get(
    "/imports/{id}/events",
    summary="Follow an import",
    responses={**_answers(404), 200: {"description": "", "content": {"text/event-stream": {}}}},
)
async def follow_import(
    request: Request, jobs: Jobs, job: ReadJob, token: Reader, last_event_id: Annotated[str, Header()] = ""
) -> Response:
    """Send the progress of a job as server-sent events, until it has ended: `phase`, `progress` and `end`, each with
    the whole current state."""
    if last_event_id == END:  # tells a browser not to come back
        return Response(status_code=204)
    if not hasattr(request.app.state, "board"):
        request.app.state.board = Board(jobs)
    watch = Watch(request.app.state.board, job.summary.job_id, token, request.app.state.tokens.has)
    events = watch.events(last_id=last_event_id)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _accepted(job: KnownJob, *, status: int) -> Response:
    location = {"Location": f"/v1/imports/{job.summary.job_id}"}
    return JSONResponse(show_job(job), status, location)
