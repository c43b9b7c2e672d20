"""What a call can be refused with, and how each face writes it: one line per face in `FACES`.

A router raises a `Problem`; so do the checks of tokens, sizes and rates. Nothing here knows what a call does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException

from flows.report.vendors import Json


class Problem(HTTPException):
    """A refused call: the HTTP status, a stable snake-case code, a sentence and headers of the response.

    An exception of Starlette's, for FastAPI makes a 400 of any other that the reading of a body raises.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Describe the call that was refused."""
        super().__init__(status, message, dict(headers or {}))
        self.status, self.code, self.message = status, code, message


def unauthorized(message: str = "a valid token is required") -> Problem:
    """Return the problem of a call without a valid token."""
    return Problem(401, "unauthorized", message)


def forbidden(message: str = "the token does not allow this") -> Problem:
    """Return the problem of a token without the scope of the call."""
    return Problem(403, "forbidden", message)


def not_found(message: str = "there is no such job") -> Problem:
    """Return the problem of a job that is not there, or that the token may not see."""
    return Problem(404, "resource_not_found", message)


def too_large(most_bytes: int) -> Problem:
    """Return the problem of a body above the limit."""
    return Problem(413, "too_large", f"the body must have at most {most_bytes:,} bytes")


def too_many_requests(message: str, *, seconds: int) -> Problem:
    """Return the problem of a call above a limit, which may be repeated after some seconds."""
    return Problem(429, "too_many_requests", message, {"Retry-After": str(seconds)})


def unavailable(message: str, *, seconds: int = 2) -> Problem:
    """Return the problem of a busy database, which has to be asked again after some seconds."""
    return Problem(503, "unavailable", message, {"Retry-After": str(seconds)})


def _write_auth0(problem: Problem) -> Json:
    error = "Payload Too Large" if problem.status == 413 else HTTPStatus(problem.status).phrase  # as Auth0 calls it
    return {"statusCode": problem.status, "error": error, "message": problem.message, "errorCode": problem.code}


def _write_fullstory(problem: Problem) -> Json:
    return {"message": problem.message, "code": problem.code}


def _write_rocketchat(problem: Problem) -> Json:
    if problem.status == 401:
        return {"status": "error", "message": "You must be logged in to do this."}
    reason = "User does not have the permissions required for this action [error-unauthorized]"
    return {"success": False, "error": reason if problem.status == 403 else problem.message}


def _write_liferay(problem: Problem) -> Json:
    return {"status": HTTPStatus(problem.status).name, "title": problem.message}


def _write_own(problem: Problem) -> Json:
    return {"fault": {"code": problem.code.upper(), "message": problem.message, "hint": ""}}


@dataclass(frozen=True)
class Face:
    """A system that clients take this server for: where its calls are, and how it writes a problem."""

    name: str
    prefixes: tuple[str, ...]
    write: Callable[[Problem], Json]


FACES = (
    Face("auth0", ("/api/v2/",), _write_auth0),
    Face("fullstory", ("/v2/users/",), _write_fullstory),
    Face("rocketchat", ("/api/v1/",), _write_rocketchat),
    Face("liferay", ("/o/",), _write_liferay),
    Face("own", ("/",), _write_own),
)


def face_of(path: str) -> Face:
    """Return the face that a path belongs to."""
    return next(face for face in FACES if path.startswith(face.prefixes))
