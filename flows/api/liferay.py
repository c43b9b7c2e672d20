"""The calls of Liferay's batch engine for user accounts, in its shapes, which are in `flows.report.vendors.liferay`.

A task has a number as its id; the id of its job follows from the number.
"""

import json
import os
import secrets
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool

from flows.api.guard.access import allowed
from flows.api.guard.tokens import Token
from flows.api.jobs import Draft, JobService
from flows.api.problems import Problem, not_found
from flows.api.uploads import answer_file, answer_from_disk, receive_file, receive_form, temporary_file, write_array
from flows.report.vendors import JobView, Json, liferay
from flows.store.job_status import JobFilter, KnownJob
from schemas.job import Mode, OnError

FACE = "liferay"
USER_ACCOUNT = "com.liferay.headless.admin.user.dto.v1_0.UserAccount"
NUMBERS = uuid.uuid5(uuid.NAMESPACE_URL, "user-import:liferay")  # the namespace of jobs by the numbers of their tasks
MOST_NUMBER = 10**15  # JSON keeps every digit of it
FILE = "file"  # the part of a form
FILE_NAMES = {
    "application/json": "users.json",
    "application/x-ndjson": "users.ndjson",
    "text/csv": "users.csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "users.xlsx",
    "application/zip": "users.zip",
    "multipart/form-data": "",
}
NOT_SUPPORTED = {
    "callbackURL": "set IMPORT_WEBHOOK_URL or notify targets for this server: a task calls no URL that a call names",
    "fieldNameMapping": "send the fields under Liferay's names, or give the connection a mapping file",
    "batchRestrictFields": "leave the fields out of the body",
}
MODES = {"INSERT": "insert", "UPSERT": "upsert"}
TASK = {
    "id": 317242089418,
    "externalReferenceCode": "crm-7",
    "className": USER_ACCOUNT,
    "contentType": "JSON",
    "operation": "CREATE",
    "importStrategy": "ON_ERROR_CONTINUE",
    "executeStatus": "COMPLETED",
    "processedItemsCount": 2,
    "totalItemsCount": 2,
    "failedItems": [{"item": '{"emailAddress": "ada@"}', "itemIndex": 2, "message": "FORMAT at email: must be …"}],
}
REFUSALS: dict[int | str, dict[str, object]] = {
    401: {
        "content": {"application/json": {"example": {"status": "UNAUTHORIZED", "title": "a valid token is required"}}}
    },
    403: {
        "content": {"application/json": {"example": {"status": "FORBIDDEN", "title": "the token does not allow this"}}}
    },
}
RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {"application/json": {"example": TASK}}},
    404: {"content": {"application/json": {"example": {"status": "NOT_FOUND", "title": "there is no such task"}}}},
    **REFUSALS,
}
CREATED: dict[int | str, dict[str, object]] = {202: {"content": {"application/json": {"example": TASK}}}, **REFUSALS}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"example": [{"emailAddress": "ada@example.com", "alternateName": "ada"}]},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {FILE: {"type": "string", "format": "binary"}}}
            },
        },
    }
}

Creator = Annotated[Token, Depends(allowed("create:users"))]
Reader = Annotated[Token, Depends(allowed("create:users", "read:users"))]


class TaskQuery(BaseModel):
    """What the query of a new task can say."""

    model_config = ConfigDict(alias_generator=to_camel)

    create_strategy: Literal["INSERT", "UPSERT"] = "INSERT"
    update_strategy: Literal["UPDATE", "PARTIAL_UPDATE"] = Field(
        "PARTIAL_UPDATE", description="Either way, fields that an item does not have stay as they are."
    )
    import_strategy: Literal["ON_ERROR_FAIL", "ON_ERROR_CONTINUE"] = "ON_ERROR_FAIL"
    external_reference_code: str | None = None
    connection: str | None = Field(
        default=None, description="Where the token may use several: which. Also X-Connection."
    )


router = APIRouter(prefix="/o", tags=["Liferay"])
ACCOUNTS = "/headless-admin-user/v1.0/user-accounts/batch"
TASKS = "/headless-batch-engine/v1.0/import-task"
OF_CLASS = f"{TASKS}/{USER_ACCOUNT}"
Wanted = Annotated[TaskQuery, Query()]


@router.post(ACCOUNTS, status_code=202, summary="Create users", responses=CREATED, openapi_extra=BODY)
@router.post(OF_CLASS, status_code=202, summary="Create users", responses=CREATED, openapi_extra=BODY)
async def create_users(request: Request, token: Creator, query: Wanted) -> Response:
    """Import user accounts: an array of JSON, lines, a table or a form with a file."""
    return await _create_task(request, token, query, mode=MODES[query.create_strategy])


@router.put(ACCOUNTS, status_code=202, summary="Update users", responses=CREATED, openapi_extra=BODY)
@router.put(OF_CLASS, status_code=202, summary="Update users", responses=CREATED, openapi_extra=BODY)
async def update_users(request: Request, token: Creator, query: Wanted) -> Response:
    """Update user accounts that exist."""
    return await _create_task(request, token, query, mode=Mode.UPDATE)


def find_task(request: Request, token: Reader, number: str) -> KnownJob:
    """Return the job of a task by its number."""
    jobs: JobService = request.app.state.jobs
    return jobs.find(_job_id_of(number), token=token)


def find_named_task(request: Request, token: Reader, erc: str) -> KnownJob:
    """Return the job of a task by its external reference code, the newest that has it; one without has its job's id."""
    jobs: JobService = request.app.state.jobs
    named = jobs.list(token=token, wanted=JobFilter(external_id=erc))
    job = next((one for one in named if _number_of(request, one)), None) or jobs.find(erc, token=token)
    if not _number_of(request, job):
        raise not_found("there is no such task")
    return job


def _add_reading(path: str, find: Callable[..., KnownJob]) -> None:
    """Add the calls that read a task that is found in one way."""
    task = Annotated[KnownJob, Depends(find)]
    creator = [Depends(allowed("create:users"))]

    @router.get(path, summary="Get a task", responses=RESPONSES)
    def get_task(request: Request, job: task) -> Response:
        """Return the task, with its failed items once it has ended: only the first if it stops at an error."""
        jobs: JobService = request.app.state.jobs
        shown: dict[str, object] = {**liferay.job(jobs.view(job)), "id": _number_of(request, job)}
        items = (item for page in _pages(jobs, job) for item in liferay.failed_items(page))
        most = 1 if shown["importStrategy"] == "ON_ERROR_FAIL" else None
        return answer_from_disk(_with_items(shown, islice(items, most)), media_type="application/json")

    @router.get(path + "/failed-items/report", summary="Get a task's failed items as CSV")
    def get_report(request: Request, job: task) -> Response:
        """Return every failed item as CSV, with its position and message."""
        return answer_from_disk(liferay.report_lines(_pages(request.app.state.jobs, job)), media_type="text/csv")

    @router.get(path + "/content", summary="Get what was sent", dependencies=creator)
    def get_content(request: Request, job: task) -> Response:
        """Return what was sent, secrets included, as a ZIP file, once the task has ended and until retention."""
        jobs: JobService = request.app.state.jobs
        files = [] if job.is_running else jobs.sent_files(job.summary.job_id)
        if not files:
            raise not_found("the task has not ended, or its content is no longer kept")
        with ExitStack() as stack:
            content = stack.enter_context(temporary_file())
            with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in files:
                    archive.write(file, file.name)
            content.seek(0, os.SEEK_END)
            stack.pop_all()
        return answer_file(content, media_type="application/zip")


_add_reading(TASKS + "/by-external-reference-code/{erc}", find_named_task)
_add_reading(TASKS + "/{number}", find_task)


async def _create_task(request: Request, token: Token, query: TaskQuery, *, mode: str) -> Response:
    """Record a task and answer with it before it runs."""
    if refused := next((name for name in NOT_SUPPORTED if name in request.query_params), None):
        raise Problem(400, "invalid_parameter", f"{refused} cannot be used: {NOT_SUPPORTED[refused]}")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in FILE_NAMES:
        raise Problem(415, "unsupported_media_type", f"the Content-Type must be one of {', '.join(FILE_NAMES)}")
    number = str(1 + secrets.randbelow(MOST_NUMBER))
    jobs: JobService = request.app.state.jobs
    with jobs.begin(
        face=FACE,
        token=token,
        connection=query.connection or request.headers.get("x-connection") or default_connection(token),
        options={
            "mode": mode,
            "on_error": OnError.FAIL if query.import_strategy == "ON_ERROR_FAIL" else OnError.CONTINUE,
            "external_id": query.external_reference_code or None,
            "profile": "liferay",
            "hash_passwords": True,  # Liferay sets the passwords of a file
            "again": True,
        },
        job_id=_job_id_of(number),
        details={"number": number},
    ) as draft:
        if not await _receive(request, draft, FILE_NAMES[content_type]):
            raise Problem(400, "invalid_body", "the body must have users")
        job = await run_in_threadpool(draft.submit)
    task = {**liferay.job(jobs.view(job)), "id": int(number), "executeStatus": "INITIAL"}
    return JSONResponse(task, status_code=202)


async def _receive(request: Request, draft: Draft, name: str) -> int:
    """Write the body, or the file of a form, to a file of the draft, and return the number of bytes."""

    def open_file(sent_name: str, _fields: Mapping[str, str]) -> AbstractContextManager[BinaryIO]:
        return draft.add_file(sent_name or "users.json")

    if not name:
        return (await receive_form(request, open_file, files=(FILE,))).file_bytes.get(FILE, 0)
    with draft.add_file(name) as file:
        return await receive_file(request, file)


def default_connection(token: Token) -> str:
    """Return the connection of a call that names none: the token's only one, else the default one."""
    return min(token.connections) if token.connections and len(token.connections) == 1 else "default"


def _job_id_of(number: str) -> str:
    return str(uuid.uuid5(NUMBERS, number))


def _number_of(request: Request, job: KnownJob) -> int | None:
    """Return the number of the task of a job; None if it is the job of another face."""
    sent = request.app.state.jobs.request_of(job.summary.job_id)
    number = sent and sent.face == FACE and sent.details.get("number")
    return int(str(number)) if number else None


def _pages(jobs: JobService, job: KnownJob) -> Iterator[JobView]:
    if not job.is_running and job.summary.failed:
        yield from jobs.refused_pages(job)


def _with_items(task: Mapping[str, object], items: Iterable[Json]) -> Iterator[str]:
    """Yield a task as JSON, in pieces, with these failed items."""
    yield json.dumps({name: value for name, value in task.items() if name != "failedItems"})[:-1] + ', "failedItems": '
    yield from write_array(items)
    yield "}"
