"""The connection of a call whose system has none: what the call names, else that of its token."""

from fastapi import Request

from flows.api.guard.tokens import Token
from flows.api.problems import forbidden

HEADER = "x-connection"


def connection_of(request: Request, token: Token) -> str:
    """Return the connection that a call names by the header `X-Connection` or in its query; else the only one of its
    token, else `default`. Raise `Problem` (403) if the token may not use it."""
    only = min(token.connections) if token.connections and len(token.connections) == 1 else "default"
    connection = request.headers.get(HEADER) or request.query_params.get("connection") or only
    if not token.may_use(connection):
        raise forbidden(f"the token may not use the connection {connection}")
    return connection
