"""The connection of a call whose system has none: what the call names, else that of its token."""

from fastapi import Request

from flows.api.tokens import Token

HEADER = "x-connection"


def connection_of(request: Request, token: Token) -> str:
    """Return the connection that a call names by the header `X-Connection` or in its query; else the only one of its
    token, else `default`."""
    named = request.headers.get(HEADER) or request.query_params.get("connection")
    if named:
        return named
    return min(token.connections) if token.connections and len(token.connections) == 1 else "default"
