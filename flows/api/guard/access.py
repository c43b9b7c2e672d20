"""Who may call what: the token of a call, its scope and its rate. Tokens are in `flows.api.guard.tokens`."""

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from flows.api.guard.tokens import Scope, Token
from flows.api.problems import forbidden, unauthorized

if TYPE_CHECKING:
    from flows.api.guard.rates import Rates

COOKIE = "token"


def token_of(request: Request) -> Token:
    """Return the valid token of a call: `Authorization: Bearer` or `Basic`, or `X-Auth-Token` with `X-User-Id`.
    Raise `Problem`: 401 if it is missing, unknown, revoked or expired, 429 for too many calls."""
    return valid_token(request, _presented(request))


def token_of_page(request: Request) -> Token:
    """Return the valid token of a page, which its cookie has; raise `Problem` as `token_of`, and 403 for a form that
    another site has sent."""
    if request.method not in ("GET", "HEAD"):
        require_same_origin(request)
    return valid_token(request, request.cookies.get(COOKIE, ""))


def require_same_origin(request: Request) -> None:
    """Raise `Problem` (403) for a request that another site has made the browser send."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_same = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if site not in (None, "same-origin", "none") or not is_same:
        raise forbidden("the form was sent by another site")


def allowed(*scopes: Scope, on_page: bool = False) -> Callable[..., Token]:
    """Return the dependency of a call that needs one of some scopes; it returns the token."""

    def require(token: Annotated[Token, Depends(token_of_page if on_page else token_of)]) -> Token:
        if token.scopes.isdisjoint(scopes):
            raise forbidden(f"the token lacks the scope {' or '.join(scopes)}")
        return token

    return require


def valid_token(request: Request, text: str) -> Token:
    """Return the valid token of that text; raise `Problem`: 401 if it is none, 429 for too many calls."""
    rates: Rates = request.app.state.rates
    address = request.client.host if request.client else ""
    token: Token | None = request.app.state.tokens.find(text) if text else None
    if token is None:
        if text:
            rates.take_failure(address)
        raise unauthorized()
    request.state.token = token
    rates.take(token.name)
    return token


def _presented(request: Request) -> str:
    """Return the text of the token that a call presents; empty if it has none."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    match kind.lower():
        case "bearer":
            return value.strip()
        case "basic":
            return _of_basic(value.strip())
        case _:
            return _of_rocketchat(request)


def _of_basic(value: str) -> str:
    """Return the token itself, as FullStory's clients send it, or a name or password that is one."""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return value
    return password or name


def _of_rocketchat(request: Request) -> str:
    """Return the token, also an unknown one, which counts as a failed sign-in; empty if it has another name."""
    text, name = request.headers.get("x-auth-token", ""), request.headers.get("x-user-id", "")
    token: Token | None = request.app.state.tokens.find(text) if text and name else None
    return text if name and (token is None or token.name == name) else ""
