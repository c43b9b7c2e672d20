"""Every call with every token: none tells or does what its token does not allow."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from flows.api.guard import tokens
from flows.api.guard.tokens import TokenFile
from flows.store.connections import add_connection
from flows.store.database import Store
from schemas.connection import ConnectionSettings
from tests.flows.api.faces import serving
from tests.flows.importing import read_users

OPEN = {"/healthz", "/metrics", "/openapi.json"}  # ask for no token
SECRET_NAME = "Zq Hidden"


@dataclass(frozen=True)
class Call:
    """A call of the OpenAPI document."""

    method: str
    path: str

    @property
    def scopes(self) -> set[str]:
        """The scopes of which one is needed."""
        if self.path.startswith("/api/v1/"):
            return {"run-import"}
        changes = self.method in ("post", "put", "delete", "patch")
        if changes or self.path.endswith(("/content", "/rejects")):
            return {"create:users"}
        return {"create:users", "read:users"}


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("flows.api.guard.rates.MOST_FAILURES", 100_000.0)
    add_connection(store, ConnectionSettings(connection="other"))
    with serving(store.settings, burst=100_000) as client:
        yield client


@pytest.fixture
def job(client: TestClient) -> Mapping[str, str]:
    """Jobs of the connection `default` that have ended, by the parameter of a path that names them."""
    everything = add_token(client, "owner", *tokens.SCOPES)
    users = [{"email": "ada@example.com", "name": SECRET_NAME}, {"email": "none", "name": SECRET_NAME}]
    answer = client.post(
        "/v1/imports",
        files={"file": ("users.json", json.dumps(users))},
        headers=bearer(everything),
        follow_redirects=False,
    )
    liferay = client.post(
        "/o/headless-admin-user/v1.0/user-accounts/batch",
        json=[{"emailAddress": "bob@example.com", "alternateName": "bob", "givenName": SECRET_NAME}],
        headers=bearer(everything),
        params={"externalReferenceCode": "mine"},
    )
    number = str(liferay.json()["id"])
    job_id = str(answer.json()["job_id"])
    deadline = time.monotonic() + 30
    while client.get(f"/v1/imports/{job_id}", headers=bearer(everything)).json()["status"] in (
        "pending",
        "loading",
        "ready",
        "importing",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    task = f"/o/headless-batch-engine/v1.0/import-task/{number}"
    while client.get(task, headers=bearer(everything)).json()["executeStatus"] in ("INITIAL", "STARTED"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return {"id": job_id, "job_id": job_id, "number": number, "erc": "mine", "connection_id": "default"}


def add_token(client: TestClient, name: str, *scopes: Any, connections: list[str] | None = None) -> str:
    return file_of(client).add(name, scopes=scopes, connections=connections, expires_at=None)


def file_of(client: TestClient) -> TokenFile:
    file: TokenFile = application_of(client).state.tokens
    return file


def application_of(client: TestClient) -> FastAPI:
    assert isinstance(client.app, FastAPI)
    return client.app


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def calls_of(client: TestClient) -> list[Call]:
    document = client.get("/openapi.json").json()
    return [
        Call(method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if path not in OPEN and not path.startswith(("/healthz", "/metrics"))
    ]


def send(client: TestClient, call: Call, job: Mapping[str, str], headers: Mapping[str, str]) -> Any:
    path = re.sub(r"\{(\w+)\}", lambda found: job[found[1]], call.path)
    body: dict[str, Any] = {}
    if call.method in ("post", "put"):
        users = {"users": [{"emails": ["eve@example.com"], "importIds": ["1"]}]}
        batch = {"requests": [{"uid": "1", "email": "eve@example.com"}]}
        body = {
            "json": users
            if "addUsers" in path
            else batch
            if path.startswith("/v2")
            else [{"emailAddress": "eve@example.com"}]
        }
        if path in ("/v1/imports", "/api/v2/jobs/users-imports"):
            name = "users" if path.startswith("/api") else "file"
            body = {
                "files": {name: ("users.json", '[{"email": "eve@example.com"}]')},
                "data": {"connection_id": "default"},
            }
    return client.request(call.method, path, headers=headers, **body)


def test_every_call_refuses_who_may_not_make_it(client: TestClient, job: Mapping[str, str], store: Store) -> None:
    """The matrix: 401 without a valid token, 403 without the scope, in one table."""
    expired = file_of(client).add("expired", scopes=tokens.SCOPES, connections=None, expires_at="2020-01-01T00:00:00Z")
    revoked = add_token(client, "revoked", *tokens.SCOPES)
    file_of(client).revoke("revoked")
    invalid = {"none": "", "expired": expired, "revoked": revoked}
    single = {scope: add_token(client, scope, scope) for scope in tokens.SCOPES}
    before, wrong = read_users(store.settings), []
    calls = calls_of(client)
    assert len(calls) > 30
    for call in calls:
        for name, token in invalid.items():
            response = send(client, call, job, bearer(token))
            if response.status_code != 401 or SECRET_NAME in response.text:
                wrong.append((call, name, response.status_code))
        for scope in tokens.SCOPES:
            if scope not in call.scopes:
                response = send(client, call, job, bearer(single[scope]))
                if response.status_code != 403 or SECRET_NAME in response.text:
                    wrong.append((call, scope, response.status_code))
    assert wrong == []
    assert read_users(store.settings) == before


def test_no_call_tells_or_changes_anything_of_another_connection(
    client: TestClient, job: Mapping[str, str], store: Store
) -> None:
    token = add_token(client, "stranger", *tokens.SCOPES, connections=["other"])
    application_of(client).state.dispatcher.stop()  # what the stranger requests is looked at, and need not run
    wrong = []
    for call in calls_of(client):
        response = send(client, call, job, bearer(token))
        if "{" in call.path and response.status_code != 404:
            wrong.append((call, response.status_code))
        if SECRET_NAME in response.text or job["id"] in response.text.replace(response.url.path, ""):
            wrong.append((call, "tells"))
    assert wrong == []
    requested = [*application_of(client).state.jobs.active_requests()]
    assert {request.connection for request in requested} == {"other"}
    assert {user["email"] for user in read_users(store.settings) if user["connection"] == "default"} == {
        "ada@example.com",
        "bob@example.com",
    }
