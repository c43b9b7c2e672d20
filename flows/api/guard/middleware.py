"""Around every call: bounds of size and time for its body, headers of security, and a line in the access log.

Written for ASGI itself: middleware that buffers would hold whole uploads in memory.
"""

import asyncio
import json
import logging
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPMethod
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request

from flows.api.problems import Problem, too_large

if TYPE_CHECKING:
    from flows.api.app import ServerSettings
    from flows.api.metrics import Metrics

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
log = logging.getLogger("user_import.access")
METHODS = frozenset(HTTPMethod)  # any other word is counted and logged as one, however many clients invent
CLIENT_GONE = 499  # as nginx logs it
UPLOADS = ("/api/v2/jobs/users-imports", "/v1/imports", "/upload", "/o/headless-", "/v2/users/batch")
MIN_BYTES_PER_SECOND = 500  # of a body, after its first seconds
SLOW_AFTER_SECONDS = 30.0
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer, browsers send the forms of the pages with Origin: null
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
)


@dataclass(frozen=True)
class Bounds:
    """Refuses bodies that are too large or too slow."""

    app: Application
    server: "ServerSettings"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on with a bounded body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.server, _most_bytes(scope, self.server))
        stated = dict(scope["headers"]).get(b"content-length", b"")
        if body.most is not None and stated.isdigit() and int(stated) > body.most:
            body.problem = too_large(body.most)
        await self.app(scope, body.receive, send)


@dataclass
class _Body:
    """The body of a call, as it comes."""

    source: Receive
    server: "ServerSettings"
    most: int | None
    problem: Problem | None = None
    bytes: int = 0
    waited: float = 0.0

    async def receive(self) -> Message:
        """Return the next piece; raise `Problem`: 413 if it is too much, 408 if it comes too slowly."""
        if self.problem:
            raise self.problem
        began = time.monotonic()
        try:
            message = await asyncio.wait_for(self.source(), self.server.body_seconds if not self._is_over else None)
        except TimeoutError:
            raise self._slow() from None
        self.waited += time.monotonic() - began
        self.bytes += len(message.get("body", b""))
        self._is_over = message["type"] != "http.request" or not message.get("more_body", False)
        if self.most is not None and self.bytes > self.most:
            self.problem = too_large(self.most)
            raise self.problem
        if not self._is_over and self.waited > SLOW_AFTER_SECONDS and self.bytes < MIN_BYTES_PER_SECOND * self.waited:
            raise self._slow()
        return message

    _is_over: bool = False

    def _slow(self) -> Problem:
        self.problem = Problem(408, "request_timeout", "the body came too slowly", {"Connection": "close"})
        return self.problem


@dataclass(frozen=True)
class AccessLog:
    """Writes a line for each call, counts it, sets the headers that every response has, and answers unforeseen errors,
    which Starlette's own handler would do outside of all this."""

    app: Application
    metrics: "Metrics"
    answer: Callable[[Request, Problem], Application]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on and log how it was answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        call = _Call(receive, send)
        scope.setdefault("state", {})["request_id"] = call.id
        try:
            await self.app(scope, call.receive, call.send)
        except ClientDisconnect:
            call.status = call.status or CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - the edge of the server
            report_error(error, request_id=call.id)
            if not call.status:  # else the connection is closed within its response
                problem = Problem(500, "server_error", "the server could not answer; see its log")
                await self.answer(Request(scope), problem)(scope, call.receive, call.send)
        finally:
            self._log(scope, call)

    def _log(self, scope: Scope, call: "_Call") -> None:
        route = getattr(scope.get("route"), "path", "unknown")  # a path may hold what is private
        method = scope["method"] if scope["method"] in METHODS else "other"
        seconds = time.monotonic() - call.began
        self.metrics.count(method=method, route=route, status=call.status, seconds=seconds, received=call.received)
        token = Request(scope).state._state.get("token")  # noqa: SLF001 - absent without a token
        line = {
            "time": _now(),
            "method": method,
            "route": route,
            "status": call.status,
            "milliseconds": round(seconds * 1000, 1),
            "received_bytes": call.received,
            "sent_bytes": call.sent,
            "token": token.name if token else None,
            "request_id": call.id,
        }
        log.info(json.dumps(line))


@dataclass
class _Call:
    """What is counted of a call."""

    source: Receive
    sink: Send
    status: int = 0
    received: int = 0
    sent: int = 0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    began: float = field(default_factory=time.monotonic)

    async def receive(self) -> Message:
        """Count the next piece of the body."""
        message = await self.source()
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        """Add the headers, count the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            present = {name.lower() for name, _ in message["headers"]}
            added = [header for header in HEADERS if header[0] not in present]
            message["headers"] = [*message["headers"], *added, (b"x-request-id", self.id.encode())]
        self.sent += len(message.get("body", b""))
        await self.sink(message)


def report_error(error: BaseException, **about: str) -> None:
    """Log the kinds of an error and of its causes, and where each was raised; never a text, which may hold a user's
    data."""
    chain = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    raised = [{"error": type(e).__name__, "traceback": traceback.format_tb(e.__traceback__)} for e in chain]
    log.error(json.dumps({"time": _now(), **about, "raised": raised}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _most_bytes(scope: Scope, server: "ServerSettings") -> int | None:
    is_upload = scope["method"] in ("POST", "PUT") and scope["path"].startswith(UPLOADS)
    return server.max_upload_bytes if is_upload else server.max_body_bytes
