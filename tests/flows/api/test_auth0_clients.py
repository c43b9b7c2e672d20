"""Auth0's own clients, unmodified, against a server with TLS: `auth0-python`, `node-auth0`, and what `auth0-cli` calls.

`auth0-cli` is in none of the registries that tests use; its calls are made as its source makes them
(`internal/cli/users.go` and `management/job.go` of `go-auth0`).
"""

import json
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

from flows.api.guard.tokens import Scope, TokenFile
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.requests.queue import dispatching
from schemas.connection import ConnectionSettings
from tests.flows.api.conftest import running_server
from tests.flows.api.faces import BOTH, wait_for
from tests.flows.api.node import needs_node, run_script
from tests.flows.importing import read_users

pytestmark = pytest.mark.slow

ADA, WRONG = {"email": "ada@example.com"}, {"email": "no address"}


Certificate = tuple[Path, Path]


@dataclass(frozen=True)
class TlsServer:
    """Where the server is, whom to trust for it, and its tokens."""

    domain: str
    authority: Path
    tokens: TokenFile

    def add_token(self, *scopes: Scope) -> str:
        """Return a new token, with both scopes of imports unless others are given."""
        name = f"token-{len(self.tokens.list())}"
        return self.tokens.add(name, scopes=scopes or BOTH, connections=None, expires_at=None)


@contextmanager
def serving_with_tls(store: Store, certificate: Certificate) -> Iterator[TlsServer]:
    cert, key = certificate
    options = ("--tls-cert", str(cert), "--tls-key", str(key), "--max-upload", "4MB")
    with running_server(store.path, *options) as running:
        yield TlsServer(f"localhost:{running.port}", cert, TokenFile.of(store.settings))


@pytest.fixture
def server(store: Store, certificate: Certificate) -> Iterator[TlsServer]:
    with serving_with_tls(store, certificate) as server:
        yield server


@pytest.fixture
def waiting(store: Store, certificate: Certificate) -> Iterator[TlsServer]:
    """A server whose jobs do not begin."""
    with dispatching(store.settings), serving_with_tls(store, certificate) as server:
        yield server


def http_of(server: TlsServer) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=str(server.authority)), timeout=30)


def python_client(server: TlsServer, token: str | None = None) -> ManagementClient:
    return ManagementClient(domain=server.domain, token=token or server.add_token(), httpx_client=http_of(server))


def wait_until_ended(client: ManagementClient, job_id: str) -> Any:
    def find() -> Any:
        job = client.jobs.get(job_id)
        return None if job.status in ("pending", "processing") else job

    return wait_for(find)


def create(client: ManagementClient, users: object, **more: Any) -> Any:
    text = users if isinstance(users, str) else json.dumps(users)
    return client.jobs.users_imports.create(
        users=("users.json", text, "application/json"),
        connection_id=more.pop("connection_id", "default"),
        request_options={"max_retries": 0},
        **more,
    )


def status_of(error: pytest.ExceptionInfo[ApiError]) -> int | None:
    return error.value.status_code


def test_auth0_python_imports_polls_and_reads_errors(server: TlsServer, store: Store) -> None:
    client = python_client(server)
    created = create(client, [ADA, WRONG], external_id="crm-7", upsert=False, send_completion_email=False)
    assert (created.status, created.type, created.connection_id) == ("pending", "users_import", "default")
    assert created.external_id == "crm-7"
    job = wait_until_ended(client, created.id)
    assert (job.status, job.percentage_done, job.time_left_seconds) == ("completed", 100, 0)
    assert job.summary.model_dump(exclude_none=True) == {"failed": 1, "updated": 0, "inserted": 1, "total": 2}
    assert job.external_id == "crm-7"
    (refused,) = client.jobs.errors.get(created.id)
    assert refused.user == {"email": "no address"}
    assert [(error.code, error.path) for error in refused.errors] == [("FORMAT", "email")]
    assert len(read_users(store.settings)) == 1


def test_auth0_python_upserts_and_sees_no_errors(server: TlsServer, store: Store) -> None:
    client = python_client(server)
    wait_until_ended(client, create(client, [ADA]).id)
    created = create(client, [ADA | {"given_name": "Ada"}], upsert=True)
    job = wait_until_ended(client, created.id)
    assert job.summary.updated == 1
    assert client.jobs.errors.get(created.id) is None
    assert read_users(store.settings)[0]["given_name"] == "Ada"


def test_auth0_python_sees_why_a_broken_file_failed(server: TlsServer) -> None:
    client = python_client(server)
    created = create(client, "[{")
    assert wait_until_ended(client, created.id).status == "failed"
    generic: Any = client.jobs.errors.get(created.id)
    assert (generic.status, generic.id) == ("failed", created.id)
    assert generic.status_details


def test_auth0_python_raises_its_own_errors(waiting: TlsServer) -> None:
    client = python_client(waiting)
    with pytest.raises(ApiError) as unknown:
        client.jobs.get(str(uuid.uuid4()))
    assert status_of(unknown) == 404
    with pytest.raises(ApiError) as unauthorized:
        create(python_client(waiting, "uit_wrong"), [ADA])
    assert status_of(unauthorized) == 401
    with pytest.raises(ApiError) as forbidden:
        create(python_client(waiting, waiting.add_token("read:users")), [ADA])
    assert status_of(forbidden) == 403
    with pytest.raises(ApiError) as wrong:
        create(client, [ADA], connection_id="nowhere")
    assert status_of(wrong) == 400
    with pytest.raises(ApiError) as large:
        create(client, f"[{' ' * 5_000_000}]")
    assert status_of(large) == 413
    for _ in range(2):
        create(client, [ADA])
    with pytest.raises(ApiError) as third:
        create(client, [ADA])
    assert status_of(third) == 429
    assert third.value.body["message"].startswith("There are 2 active import users jobs")


def test_auth0_python_lists_connections_page_by_page(waiting: TlsServer, store: Store) -> None:
    for name in ("a", "b"):
        add_connection(store, ConnectionSettings(connection=name))
    client = python_client(waiting)
    assert [one.id for one in client.connections.list(strategy="auth0", take=2)] == ["a", "b", "default"]
    assert [one.id for one in client.connections.list(name="b")] == ["b"]
    assert client.connections.get("default").strategy == "auth0"


@needs_node
def test_node_auth0_does_the_same(server: TlsServer, store: Store, tmp_path: Path) -> None:
    environment = {
        "DOMAIN": server.domain,
        "TOKEN": server.add_token(),
        "READ_TOKEN": server.add_token("read:users"),
        "NODE_EXTRA_CA_CERTS": str(server.authority),
    }
    seen = run_script("node_auth0.mjs", tmp_path, package="auth0@7", environment=environment)
    assert seen == {
        "created": ["pending", "users_import", "default", "crm-7"],
        "completed": ["completed", {"failed": 1, "updated": 0, "inserted": 1, "total": 2}],
        "errors": [["no address", "FORMAT", "email"]],
        "upserted": {"failed": 0, "updated": 1, "inserted": 0, "total": 1},
        "without_errors": None,
        "broken": ["failed", True],
        "connections": ["default"],
        "unknown": 404,
        "unauthorized": 401,
        "forbidden": 403,
        "wrong_connection": 400,
        "too_large": 413,
        "too_many": 429,
    }
    assert [user["given_name"] for user in read_users(store.settings)] == ["Ada"]


def test_the_calls_of_auth0_cli_list_find_and_import(server: TlsServer, store: Store) -> None:
    with http_of(server) as http:
        http.base_url = httpx.URL(f"https://{server.domain}/api/v2/")
        http.headers["Authorization"] = f"Bearer {server.add_token()}"
        strategies = {"strategy[0]": "auth0", "strategy[1]": "email", "strategy[2]": "sms"}
        defaults = {"include_totals": "true", "per_page": "100"}
        listed = http.get("connections", params=strategies | defaults).json()["connections"]
        names = [one["name"] for one in listed if one["enabled_clients"]]
        named = http.get("connections", params={"name": names[0]} | defaults | {"per_page": "50"}).json()
        connection_id = named["connections"][0]["id"]
        boundary = "f3c0e6a1b2"
        fields = {"connection_id": connection_id, "upsert": "false", "external_id": "", "send_completion_email": "true"}
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
        users = 'Content-Disposition: form-data; name="users"; filename="users.json"\r\nContent-Type: application/json'
        parts.append(f"{users}\r\n\r\n{json.dumps([ADA])}")
        body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        job = http.post("jobs/users-imports", content=body, headers=kind).json()
        ended = wait_for(lambda: _ended(http.get(f"jobs/{job['id']}").json()))  # `auth0 api jobs/…`
    assert ended["summary"] == {"failed": 0, "updated": 0, "inserted": 1, "total": 1}
    assert len(read_users(store.settings)) == 1


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    return None if job["status"] in ("pending", "processing") else job
