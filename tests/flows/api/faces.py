"""A server in this process for tests of the faces, its tokens, and waiting for jobs."""

import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.testclient import TestClient

from flows.api.app import ServerSettings, create_app
from flows.api.tokens import Scope, TokenFile
from flows.settings import Settings
from flows.store.requests.queue import dispatching, queued_jobs

T = TypeVar("T")
SECONDS = 60.0
BOTH: tuple[Scope, ...] = ("create:users", "read:users")


@contextmanager
def serving(settings: Settings, **server: Any) -> Iterator[TestClient]:
    """Run the server in this process."""
    with TestClient(create_app(settings, ServerSettings(**server)), raise_server_exceptions=False) as client:
        yield client


@contextmanager
def serving_without_starting(settings: Settings, **server: Any) -> Iterator[TestClient]:
    """Run the server while another has the queue, so that every job waits."""
    with dispatching(settings) as is_acquired, serving(settings, **server) as client:
        assert is_acquired
        yield client


def add_token(
    client: TestClient, *, scopes: Collection[Scope] = BOTH, connections: Collection[str] | None = None
) -> str:
    """Return a new token of the server."""
    assert isinstance(client.app, FastAPI)
    tokens: TokenFile = client.app.state.tokens
    return tokens.add(f"token-{uuid.uuid4()}", scopes=scopes, connections=connections, expires_at=None)


def wait_for(find: Callable[[], T | None]) -> T:
    """Return what the function finds as soon as it finds something."""
    deadline = time.monotonic() + SECONDS
    while (found := find()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def requested(settings: Settings) -> list[str]:
    """Return whatever is left of requests: the names of folders of jobs and of drafts, and the queue."""
    folders = settings.jobs_folder.glob("*-*-*-*-*") if settings.jobs_folder.exists() else ()
    return sorted({*(path.name for path in folders), *queued_jobs(settings)})
