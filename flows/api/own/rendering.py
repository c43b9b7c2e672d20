"""Pages as HTML: templates that escape every value, the token of their forms, headers that allow nothing foreign."""

import hashlib
import hmac
from collections.abc import Sequence
from functools import cache
from typing import Annotated, cast
from urllib.parse import urlencode

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from flows.api.access import COOKIE, require_same_origin
from flows.api.problems import Problem, forbidden

POLICY = (
    "default-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
)
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field


def render(template: str, request: Request, *, status: int = 200, **values: object) -> Response:
    """Return a page; it knows the token of the call, if there is one, and that of its forms."""
    token = request.state._state.get("token")  # noqa: SLF001 - absent without a token
    text = _environment().get_template(template).render(token=token, form_token=form_token_of(request), **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY})


def redirect(path: str) -> Response:
    """Return the answer to a form, which shows another page."""
    return RedirectResponse(path, 303)


def form_token_of(request: Request) -> str:
    """Return what every form of a browser that is signed in has, and no other site can know."""
    return hmac.new(request.cookies.get(COOKIE, "").encode(), b"form", hashlib.sha256).hexdigest()


def require_form_token(request: Request, given: str) -> None:
    """Raise `Problem` (403) unless a form came from a page of this server."""
    require_same_origin(request)
    if not hmac.compare_digest(given.encode(), form_token_of(request).encode()):
        raise forbidden("the form is not one of this page, or of an earlier sign-in; open the page again")


def _of_form(request: Request, given: Annotated[str, Form(alias=FORM_TOKEN)] = "") -> None:
    require_form_token(request, given)


checked_form = Depends(_of_form)


def show_refusal(request: Request, problem: Problem) -> Response:
    """Return a page that says why a call was refused; without a valid token, the page to sign in."""
    if problem.status == 401:
        response = redirect("/sign-in")
        response.delete_cookie(COOKIE)
        return response
    response = render("problem.html", request, status=problem.status, problem=problem)
    response.headers.update(problem.headers or {})
    return response


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flows.api.own"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "moment": _moment, "words": _words, "query": _query}
    return environment


def _number(value: object) -> str:
    return f"{cast('int', value):,}"


def _moment(value: str) -> str:
    """Return a time of a summary for people."""
    return f"{value[:19].replace('T', ' ')} UTC"


def _words(value: str) -> str:
    return value.replace("_", " ")


def _query(values: Sequence[tuple[str, object]]) -> str:
    return urlencode([(name, str(value)) for name, value in values if value not in (None, "", 0)])
