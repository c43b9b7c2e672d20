"""Who may call what: the token of a call, its scopes and its connections. The tokens themselves are in `tokens`."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from flows.api.problems import forbidden, not_found, unauthorized
from flows.api.tokens import Scope, Token


def token_of(request: Request) -> Token:
    """Return the valid token of a call: `Authorization: Bearer` or `Basic`, or `X-Auth-Token` with `X-User-Id`.
    Raise `Problem` (401) if it is missing, unknown, revoked or expired."""
    token = request.app.state.tokens.find(_presented(request))
    if token is None:
        raise unauthorized
    return token


def allowed(scope: Scope) -> Callable[[Request], Token]:
    """Return the dependency of a call that needs a scope; it returns the token."""

    def require(token: Annotated[Token, Depends(token_of)]) -> Token:
        if scope not in token.scopes:
            raise forbidden()
        return token

    return require
