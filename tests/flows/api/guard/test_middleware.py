"""Unforeseen errors, clients that go away and invented methods are logged, counted and answered like other calls."""

import json
import logging
import socket
import time
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from flows.store.database import Store
from tests.flows.api.conftest import MakeToken, Server

SECRET = "Zq Hidden"  # in the text of an error


def fail() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


@pytest.fixture
def failing(client: TestClient) -> TestClient:
    """The client of an application with a call that fails as nobody has foreseen."""
    assert isinstance(client.app, FastAPI)
    client.app.add_api_route("/v1/failing", fail)
    return client


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.message) for record in caplog.records if record.name == "user_import.access"]


def test_an_unforeseen_error_is_answered_and_logged_without_its_text(
    failing: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "user_import.access")
    response = failing.get("/v1/failing")
    assert (response.status_code, response.json()["fault"]["code"]) == (500, "SERVER_ERROR")
    assert (response.headers["cache-control"], response.headers["x-content-type-options"]) == ("no-store", "nosniff")
    error, call = lines_of(caplog)
    assert [raised["error"] for raised in error["raised"]] == ["RuntimeError", "ValueError"]
    assert "test_middleware.py" in error["raised"][0]["traceback"][-1]
    assert (call["route"], call["status"], call["token"]) == ("/v1/failing", 500, None)
    assert error["request_id"] == call["request_id"] == response.headers["x-request-id"]
    assert SECRET not in caplog.text + response.text
    counted = 'user_import_calls_total{method="GET",route="/v1/failing",status="500"} 1.0'
    assert counted in failing.get("/metrics").text


def test_a_client_that_goes_away_is_one_line(server: Server, make_token: MakeToken, store: Store) -> None:
    head = f"POST /v1/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {make_token()}\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as sender:
        sender.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        time.sleep(0.3)
    deadline = time.monotonic() + 10
    while not any('"route"' in line for line in server.lines):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    logged = server.lines[server.lines.index(next(line for line in server.lines if '"route"' in line)) :]
    assert [json.loads(line)["status"] for line in logged] == [499]
    assert "Traceback" not in "".join(server.lines)
    assert [*store.settings.jobs_folder.glob("*-*-*-*-*")] == []


def test_methods_that_clients_invent_are_counted_as_one(client: TestClient) -> None:
    for number in range(20):
        assert client.request(f"INVENTED{number}", "/v1/imports").status_code == 405
    text = client.get("/metrics").text
    assert "INVENTED" not in text
    assert 'user_import_calls_total{method="other",route="/v1/imports",status="405"} 20.0' in text
