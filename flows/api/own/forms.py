"""The forms of the pages: sign in and out, send a file, cancel, undo and apply a job.

Each is refused unless it comes from a page of this server: by its origin, and by a token of forms.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from flows.api.access import COOKIE, allowed, require_same_origin, valid_token
from flows.api.jobs import JobService
from flows.api.liferay import default_connection
from flows.api.own import actions
from flows.api.own.bodies import FACE, Asked, submit
from flows.api.own.rendering import FORM_TOKEN, checked_form, redirect, render, require_form_token
from flows.api.problems import Problem
from flows.api.tokens import Token
from flows.api.uploads import receive_form
from flows.store.job_status import KnownJob
from schemas.job import Mode
from schemas.options import profile_names

FLAGS = ("dry_run", "hash_passwords")
CHOICES = ("connection", "mode", "profile", "on_error", "unknown_fields", "external_id")
Creator = Annotated[Token, Depends(allowed("create:users", on_page=True))]
router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def ask_for_token(request: Request) -> Response:
    """Ask for a token."""
    return render("sign_in.html", request, failure="")


@router.post("/sign-in")
def sign_in(request: Request, text: Annotated[str, Form(alias="token", max_length=500)] = "") -> Response:
    """Keep the token in a cookie that scripts cannot read and other sites cannot use."""
    require_same_origin(request)
    try:
        valid_token(request, text.strip())
    except Problem as problem:
        failure = problem.message if problem.status != 401 else "This token is not known, or no longer valid."
        return render("sign_in.html", request, status=problem.status, failure=failure)
    response = redirect("/")
    is_secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, text.strip(), httponly=True, samesite="strict", secure=is_secure, path="/")
    return response


@router.post("/sign-out", dependencies=[checked_form])
def sign_out() -> Response:
    """Forget the token."""
    response = redirect("/sign-in")
    response.delete_cookie(COOKIE)
    return response


@router.get("/upload")
def ask_for_file(request: Request, token: Creator) -> Response:
    """Ask for a file and how to import it."""
    known: list[str] = sorted(token.connections or ())
    with suppress(Problem):  # the database is busy
        known = known or sorted(one.connection for one in _jobs(request).connections(token=token))
    return render(
        "upload.html",
        request,
        connection=default_connection(token),
        connections=known,
        modes=[*Mode],
        profiles=profile_names(),
    )


@router.post("/upload")
async def send_file(request: Request, token: Creator) -> Response:
    """Submit the import of a file; its form has the token of forms first, so that nothing is kept of another's."""
    jobs = _jobs(request)
    with jobs.begin(face=FACE, token=token, connection=default_connection(token), options={}) as draft:

        def open_file(name: str, fields: Mapping[str, str]) -> AbstractContextManager[BinaryIO]:
            require_form_token(request, fields.get(FORM_TOKEN, ""))
            return draft.add_file(name)

        sent = await receive_form(request, open_file, files=("file",))
        require_form_token(request, sent.fields.get(FORM_TOKEN, ""))
        if not sent.file_bytes.get("file"):
            raise Problem(400, "required_field", "choose a file that is not empty")
        options: dict[str, object] = {name: sent.fields[name] for name in CHOICES if sent.fields.get(name)}
        options |= {name: True for name in FLAGS if sent.fields.get(name)}
        job, _ = await run_in_threadpool(submit, jobs, draft, token, asked=Asked((), options), key=None)
    return _show(job)


@router.post("/jobs/{job_id}/cancel", dependencies=[checked_form])
def cancel(request: Request, job_id: str, token: Creator) -> Response:
    """Cancel a job."""
    job = _jobs(request).find(job_id, token=token)
    _jobs(request).cancel(job)
    return _show(job)


@router.post("/jobs/{job_id}/undo", dependencies=[checked_form])
def undo(
    request: Request, job_id: str, token: Creator, is_confirmed: Annotated[bool, Form(alias="confirm")] = False
) -> Response:
    """Show what an undo would do, as a job; once that is confirmed, undo."""
    job = _jobs(request).find(job_id, token=token)
    return _show(actions.undo(_jobs(request), job, token=token, dry_run=not is_confirmed)[0])


def _show(job: KnownJob) -> Response:
    return redirect(f"/jobs/{job.summary.job_id}")


def _jobs(request: Request) -> JobService:
    service: JobService = request.app.state.jobs
    return service
