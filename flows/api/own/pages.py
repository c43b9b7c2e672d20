"""The pages to look at: the list of jobs, and one job with its progress, counts, errors and what to do next."""

from contextlib import suppress
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from flows.api.access import allowed
from flows.api.jobs import JobService
from flows.api.own import forms
from flows.api.own.imports import answer_rejects
from flows.api.own.rendering import render, show_refusal
from flows.api.own.results import read_errors
from flows.api.own.shown import without_folders
from flows.api.problems import Problem, face_of
from flows.api.tokens import Token
from flows.jobs.arguments import parse_moment
from flows.report.planned_rows import read_planned_rows
from flows.store.job_status import JobFilter, KnownJob
from schemas.codes import ErrorCode
from schemas.job import DONE, UNDO, JobStatus

JOBS_PER_PAGE = 25
ERRORS_PER_PAGE = 50
PLANNED_ROWS = 20
MOST_PAGES = 10_000
OTHERS = ("/v1/", "/healthz", "/metrics", "/openapi.json")  # are for programs
PageNumber = Annotated[int, Query(ge=0, le=MOST_PAGES)]
Reader = Annotated[Token, Depends(allowed("read:users", on_page=True))]
Creator = Annotated[Token, Depends(allowed("create:users", on_page=True))]
router = APIRouter(include_in_schema=False)
router.include_router(forms.router)


def is_page(request: Request) -> bool:
    """Return whether a call is one of a browser for a page."""
    path = request.url.path
    return face_of(path).name == "own" and not path.startswith(OTHERS) and "html" in request.headers.get("accept", "")


def show_problem(request: Request, problem: Problem) -> Response:
    """Return the page of a refused call."""
    return show_refusal(request, problem)


class Filters(BaseModel):
    """Which jobs the list shows; empty for any."""

    status: str = ""
    connection: str = ""
    external_id: str = ""
    since: str = ""
    page: int = Field(default=0, ge=0, le=MOST_PAGES)

    def to_filter(self) -> JobFilter:
        """Return the filter of the jobs up to this page and one more; raise `Problem` (400) for what is none."""
        try:
            since = parse_moment(self.since) if self.since else None
        except ValueError as error:
            raise Problem(400, "invalid_field", f"Since: {error}") from None
        if self.status and self.status not in {*JobStatus}:
            raise Problem(400, "invalid_field", "Status: is not a state of a job")
        return JobFilter(
            statuses=(self.status,) if self.status else (),
            connection=self.connection or None,
            external_id=self.external_id or None,
            since=since,
            limit=(self.page + 1) * JOBS_PER_PAGE + 1,
        )


@router.get("/")
def list_jobs(request: Request, token: Reader, filters: Annotated[Filters, Query()]) -> Response:
    """Show the jobs that the token may see."""
    found = _jobs(request).list(token=token, wanted=filters.to_filter())[filters.page * JOBS_PER_PAGE :]
    return render(
        "jobs.html",
        request,
        jobs=[without_folders(job) for job in found[:JOBS_PER_PAGE]],
        filters=filters,
        query=[*filters.model_dump(exclude={"page"}).items()],
        statuses=[*JobStatus],
        page=filters.page,
        has_more=len(found) > JOBS_PER_PAGE,
    )


@router.get("/jobs/{job_id}")
def show_job(request: Request, job_id: str, token: Reader, code: str = "", page: PageNumber = 0) -> Response:
    """Show a job; the page loads itself again while the job runs."""
    jobs = _jobs(request)
    job = jobs.find_whole(job_id, token=token)
    errors, has_more, is_busy = _errors(jobs, job, code=code, page=page)
    return render(
        "job.html",
        request,
        job=without_folders(job),
        codes=_codes(job),
        errors=errors,
        has_more=has_more,
        is_busy=is_busy,
        planned=_planned(jobs, job),
        can=_possible(job) if "create:users" in token.scopes else {},
        code=code,
        page=page,
        query=[("code", code)],
    )


@router.get("/jobs/{job_id}/rejects")
def download_rejects(request: Request, job_id: str, _: Creator, token: Reader) -> Response:
    """Send the refused records to correct."""
    jobs = _jobs(request)
    return answer_rejects(jobs, jobs.find(job_id, token=token), form=None)


@router.get("/style.css")
def get_style() -> Response:
    """Return the looks of the pages."""
    text = files("flows.api.own").joinpath("templates", "style.css").read_bytes()
    return Response(text, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


def _jobs(request: Request) -> JobService:
    service: JobService = request.app.state.jobs
    return service


def _errors(jobs: JobService, job: KnownJob, *, code: str, page: int) -> tuple[list[dict[str, object]], bool, bool]:
    """Return a page of the errors of a job that has ended, whether there are more, and whether the database is busy."""
    if job.is_running:
        return [], False, False
    try:
        return *read_errors(jobs, job, code=code or None, page=page, limit=ERRORS_PER_PAGE), False
    except Problem:
        return [], False, True


def _codes(job: KnownJob) -> list[tuple[str, str, int]]:
    """Return the codes of a job's errors, with what they mean and how many there are, most first."""
    known = ErrorCode.__members__
    counted = sorted(job.summary.errors_by_code.items(), key=lambda item: (-item[1], item[0]))
    return [(code, known[code].sentence if code in known else "", count) for code, count in counted]


def _planned(jobs: JobService, job: KnownJob) -> list[object]:
    """Return the first rows of what a dry run would do."""
    if not (job.summary.dry_run and job.kind == "import" and job.summary.status in DONE):
        return []
    with suppress(OSError):  # purged meanwhile
        return [*read_planned_rows(jobs.settings, job.summary.job_id)[:PLANNED_ROWS]]
    return []


def _possible(job: KnownJob) -> dict[str, bool]:
    """Return what can be done with a job."""
    summary, is_done = job.summary, job.summary.status in DONE
    has_changed = bool(summary.inserted or summary.updated)
    return {
        "cancel": job.is_running,
        "correct": bool(summary.errors_by_code) and job.kind == "import" and not (job.is_running or job.is_purged),
        "undo": is_done and not summary.dry_run and has_changed and not job.undone_by,
        "confirm": is_done and summary.dry_run and job.kind == UNDO and bool(summary.updated),
        "apply": is_done and summary.dry_run and job.kind == "import" and has_changed and not job.is_purged,
    }
