"""The server refuses what is too much, too slow or not allowed, tells nothing in its log, and ends cleanly."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from flows.api.guard.rates import Rates
from flows.api.problems import FACES, Problem
from flows.store.database import Store
from tests.flows.api.conftest import MakeToken, Server, running_server

PATHS = {
    "auth0": "/api/v2/jobs/00000000-0000-0000-0000-000000000000",
    "fullstory": "/v2/users/batch/00000000-0000-0000-0000-000000000000",
    "rocketchat": "/api/v1/import.status",
    "liferay": "/o/headless-batch-engine/v1.0/import-task/1",
    "own": "/v1/imports",
}


@pytest.mark.parametrize("face", [face.name for face in FACES])
def test_a_call_without_a_token_is_refused_as_the_system_does(client: TestClient, face: str) -> None:
    response = client.get(PATHS[face], headers={"Authorization": ""})
    assert response.status_code == 401
    expected = {
        "auth0": {"statusCode", "error", "message"},
        "fullstory": {"message", "code"},
        "rocketchat": {"status", "message"},
        "liferay": {"status", "title"},
        "own": {"fault"},
    }
    assert expected[face] <= response.json().keys()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic d3Jvbmc6d3Jvbmc="},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Negotiate x"},
        {"X-Auth-Token": "wrong", "X-User-Id": "everything"},
        {"Cookie": "token=wrong"},
    ],
)
def test_wrong_tokens_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    response = client.get("/v1/imports", headers={"Authorization": "", **headers})
    assert response.status_code == 401


def test_a_scope_that_the_token_lacks_is_refused(client: TestClient, make_token: MakeToken) -> None:
    token = make_token("reader", scopes=["read:users"])
    response = client.post("/v1/imports", headers={"Authorization": f"Bearer {token}"}, json={})
    assert response.status_code == 403


def test_an_unknown_path_and_a_wrong_method_are_answered_in_json(client: TestClient) -> None:
    assert client.get("/api/v2/nothing").json()["statusCode"] == 404
    assert client.delete("/healthz").json()["fault"]["code"] == "METHOD_NOT_ALLOWED"


def test_responses_may_not_be_stored_or_framed(client: TestClient) -> None:
    headers = client.get("/healthz").headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert headers["x-frame-options"] == "DENY"


def test_a_token_is_limited_to_its_rate() -> None:
    now = 0.0
    rates = Rates(per_second=2, burst=3, clock=lambda: now)
    for _ in range(3):
        rates.take("a")
    with pytest.raises(Problem) as problem:
        rates.take("a")
    assert problem.value.status == 429
    assert (problem.value.headers or {})["Retry-After"] == "1"
    rates.take("b")
    now = 0.5
    rates.take("a")


def test_guessing_tokens_is_limited(client: TestClient) -> None:
    codes = [client.get("/v1/imports", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(25)]
    assert codes[0] == 401
    assert codes[-1] == 429


def test_metrics_count_calls_by_route(client: TestClient) -> None:
    client.get("/v1/imports")
    text = client.get("/metrics").text
    assert 'user_import_calls_total{method="GET",route="/v1/imports",status="200"} 1.0' in text
    assert "user_import_jobs_waiting 0.0" in text


def test_the_log_names_the_token_but_has_no_secret(store: Store, make_token: MakeToken) -> None:
    token = make_token("night job")
    with running_server(store.path) as server, server.client(token) as client:
        assert client.get("/v1/imports", params={"external_id": "private-text"}).status_code == 200
        wait_for_lines(server, 1)
        line = next(json.loads(line) for line in server.lines if '"route"' in line)
        assert (line["token"], line["route"], line["status"]) == ("night job", "/v1/imports", 200)
        text = "".join(server.lines)
    assert token not in text
    assert "private-text" not in text
    assert "127.0.0.1:" not in text.partition("listening on")[2].partition("\n")[2]


def wait_for_lines(server: Server, number: int) -> None:
    deadline = time.monotonic() + 10
    while sum('"route"' in line for line in server.lines) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_page_loads_a_program_from_elsewhere(client: TestClient) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/docs/oauth2-redirect")] == [404, 404, 404]
    page = client.get("/", headers={"Accept": "text/html"})
    assert ("<script" in page.text, "default-src 'self'" in page.headers["Content-Security-Policy"]) == (False, True)


def test_slow_headers_are_not_waited_for(store: Store) -> None:
    with running_server(store.path, "--header-seconds", "1") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            slow.settimeout(5)
            assert slow.recv(100) == b""
        with server.client() as client:
            assert client.get("/healthz").status_code == 200


def test_a_body_that_pauses_is_refused(store: Store, make_token: MakeToken) -> None:
    token = make_token()
    with running_server(store.path, "--body-seconds", "1") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            head = f"POST /v1/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
            slow.settimeout(8)
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        with server.client(token) as client:
            assert client.get("/v1/imports").json()["imports"] == []


def test_a_body_above_the_limit_is_refused(store: Store, make_token: MakeToken) -> None:
    token = make_token()
    with (
        running_server(store.path, "--max-body", "1KB", "--max-upload", "2KB") as server,
        server.client(token) as client,
    ):
        assert client.post("/api/v1/import.addUsers", content=b"x" * 2000).status_code == 413
        files = {"users": ("users.json", b"[" + b" " * 4000 + b"]")}
        response = client.post("/api/v2/jobs/users-imports", files=files, data={"connection_id": "default"})
        assert response.status_code == 413
        assert response.json()["statusCode"] == 413

        def pieces() -> list[bytes]:
            return [b"x" * 500] * 5

        assert client.post("/api/v1/import.addUsers", content=iter(pieces())).status_code == 413
        assert client.get("/v1/imports").json()["imports"] == []


def test_a_signal_ends_the_server_and_not_its_jobs(store: Store, make_token: MakeToken) -> None:
    token = make_token()
    with running_server(store.path) as server, server.client(token) as client:
        users = json.dumps([{"email": f"{n}@example.com"} for n in range(500)])
        created = client.post("/v1/imports", files={"file": ("users.json", users)})
        assert created.status_code == 202
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    with running_server(store.path) as following, following.client(token) as client:
        path = f"/v1/imports/{created.json()['job_id']}"
        deadline = time.monotonic() + 20
        while client.get(path).json()["status"] in ("pending", "loading", "ready", "importing"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.get(path).json()["inserted"] == 500


def test_calls_go_over_tls(store: Store, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    with running_server(store.path, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        assert server.url.startswith("https://")
        assert httpx.get(f"https://localhost:{server.port}/healthz", verify=str(cert)).status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://localhost:{server.port}/healthz")


def serve(database: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "flows", "serve", "--database", str(database), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_what_cannot_be_served_is_one_sentence(store: Store, tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve(store.path, "--port", port)
    assert (done.returncode, f"127.0.0.1:{port} cannot be listened on" in done.stderr) == (2, True)
    done = serve(store.path, "--tls-cert", str(tmp_path / "none.pem"))
    assert (done.returncode, "cannot be used: No such file" in done.stderr) == (2, True)
    done = serve(store.path, "--tls-key", str(certificate[1]))
    assert (done.returncode, "--tls-key needs --tls-cert" in done.stderr) == (2, True)
    done = serve(store.path, "--host", "0.0.0.0")  # noqa: S104 - refused
    assert (done.returncode, "can be reached by others" in done.stderr) == (2, True)


def test_a_hundred_idle_connections_keep_nobody_out(server: Server) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    with server.client() as client:
        assert client.get("/healthz").status_code == 200
    for connection in idle:
        connection.close()


def test_what_a_call_cannot_do_is_answered_without_details(client: TestClient, store: Store) -> None:
    store.path.write_bytes(b"this is not a database" * 1000)
    for path in ("/v1/imports", "/api/v2/connections"):
        response = client.get(path)
        assert response.status_code == 500
        assert str(store.path) not in response.text
    assert client.get("/api/v2/connections").json()["statusCode"] == 500
