"""The application: the routers of all faces, and how a refused call and a fault are answered."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from flows.api import auth0, fullstory, liferay, rocketchat
from flows.api.dispatch.dispatcher import Dispatcher
from flows.api.guard.access import allowed
from flows.api.guard.middleware import AccessLog, Bounds
from flows.api.guard.rates import Rates
from flows.api.guard.tokens import TokenFile
from flows.api.jobs import JobService
from flows.api.metrics import Metrics
from flows.api.own import imports, pages
from flows.api.problems import Problem, face_of, unavailable
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import Fault

logger = logging.getLogger("user_import.api")
STATUS_OF_FAULTS = {
    ErrorCode.JOB_NOT_FOUND: 404,
    ErrorCode.EXTERNAL_ID_REUSED: 409,
    ErrorCode.JOB_ID_REUSED: 409,
    ErrorCode.JOB_RUNNING: 409,
    ErrorCode.NOT_APPLICABLE: 409,
    ErrorCode.NOT_UNDOABLE: 409,
    ErrorCode.REJECTS_PURGED: 410,
    ErrorCode.STAGED_PURGED: 410,
    ErrorCode.DISK_FULL: 507,
    ErrorCode.DATABASE_BUSY: 503,
}


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """What a server allows its clients; each but the last is an option of `user-import serve`."""

    max_upload_bytes: int | None = None  # of a file of users
    max_body_bytes: int = 64 << 20  # of any other call
    body_seconds: float = 30.0  # without a byte of a body
    header_seconds: float = 15.0  # for the whole of the headers
    max_connections: int = 1000
    rate: float = 50.0  # calls per second of a token
    burst: int = 200  # calls of a token at once
    auth0_active_jobs: int | None = None  # None: as many as run at once
    auth0_retention: bool = False  # jobs expire after two hours, as Auth0's
    fullstory_active_jobs: int = 100
    max_users_per_batch: int | None = None  # of FullStory's call, which takes 50,000
    has_open_metrics: bool = True  # without a token


def create_app(settings: Settings, server: ServerSettings) -> FastAPI:
    """Return the application; its dispatcher runs as long as it does."""
    dispatcher = Dispatcher(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        dispatcher.start()
        yield
        dispatcher.stop()

    app = FastAPI(
        title="user-import",
        summary="Bulk import of users: the calls of Auth0, FullStory, Rocket.Chat and Liferay, and our own.",
        version="1",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages run scripts of a third party
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.server = server
    app.state.dispatcher = dispatcher
    app.state.jobs = JobService(settings, dispatcher)
    app.state.tokens = TokenFile.of(settings)
    app.state.rates = Rates(per_second=server.rate, burst=float(server.burst))
    app.state.metrics = Metrics(settings, ended=dispatcher.ended)
    for module in (auth0, fullstory, rocketchat, liferay, imports, pages):
        app.include_router(module.router)
    _add_operations(app, server)
    _add_handlers(app)
    app.add_middleware(cast("Any", Bounds), server=server)
    app.add_middleware(cast("Any", AccessLog), metrics=app.state.metrics, answer=answer)
    return app


def _add_operations(app: FastAPI, server: ServerSettings) -> None:
    @app.get("/healthz", tags=["operations"], summary="Whether the server works")
    def healthz() -> JSONResponse:
        is_alive = app.state.dispatcher.is_alive
        return JSONResponse({"status": "ok" if is_alive else "dispatcher down"}, 200 if is_alive else 503)

    @app.get(
        "/metrics",
        tags=["operations"],
        summary="Metrics as Prometheus reads them",
        response_class=PlainTextResponse,
        dependencies=[] if server.has_open_metrics else [Depends(allowed("read:users"))],
    )
    def metrics() -> Response:
        return Response(app.state.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_handlers(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    def refuse(request: Request, problem: Exception) -> Response:
        return answer(request, cast("Problem", problem))

    @app.exception_handler(Fault)
    def report(request: Request, fault: Exception) -> Response:
        return answer(request, problem_of(cast("Fault", fault)))

    @app.exception_handler(RequestValidationError)
    def explain(request: Request, error: Exception) -> Response:
        wrong = cast("RequestValidationError", error).errors()[0]
        place = ".".join(str(part) for part in wrong["loc"] if part not in ("body", "query", "path", "header"))
        return answer(request, Problem(400, "required_field" if wrong["type"] == "missing" else "invalid_field",
                                       f"{place or 'body'}: {wrong['msg']}"))  # fmt: skip

    @app.exception_handler(HTTPException)
    def miss(request: Request, error: Exception) -> Response:
        found = cast("HTTPException", error)
        codes = {404: "resource_not_found", 405: "method_not_allowed"}
        code = codes.get(found.status_code, "invalid_request")
        return answer(request, Problem(found.status_code, code, str(found.detail), found.headers or {}))


def answer(request: Request, problem: Problem) -> Response:
    """Return the response of a refused call, as its face writes it."""
    if pages.is_page(request):
        return pages.show_problem(request, problem)
    face = face_of(request.url.path)
    return JSONResponse(face.write(problem), problem.status, {**(problem.headers or {}), **_challenge(problem)})


def problem_of(fault: Fault) -> Problem:
    """Return what a call that a fault ended is answered; a fault of this machine is not described."""
    if fault.code is ErrorCode.DATABASE_BUSY:
        return unavailable("the database is busy; ask again")
    if status := STATUS_OF_FAULTS.get(fault.code):
        return Problem(status, fault.code.value.lower(), fault.message)
    logger.error("%s: %s", fault.code.value, fault.message)
    return Problem(500, "server_error", "the server could not answer; see its log")


def _challenge(problem: Problem) -> dict[str, str]:
    return {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
