"""Whatever happens to clients, uploads, the server, its jobs, its disk or its database: no job is lost or run twice."""

import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.store.database import Store
from flows.store.job_folder import JobFolder
from tests.flows.api.conftest import MakeToken, Server, running_server
from tests.flows.importing import query_rows, read_users
from tests.marks import mostly_slow

SECONDS = 400.0  # a hundred jobs on a busy machine
RUNNING = ("pending", "loading", "ready", "importing")


def submit(client: httpx.Client, *emails: str) -> str:
    users = json.dumps([{"email": email} for email in emails])
    response = client.post("/v1/imports", files={"file": ("users.json", users)}, data={"options": '{"again": true}'})
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


def ended(client: httpx.Client, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    while True:
        response = client.get(f"/v1/imports/{job_id}")
        if response.status_code == 200 and response.json()["status"] not in RUNNING:
            found: dict[str, Any] = response.json()
            return found
        assert time.monotonic() < deadline, response.text
        time.sleep(0.1)


def memory_of(pid: int) -> int:
    """Return the resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("clients", mostly_slow([100, 4], quick=[4]))
def test_many_clients_at_once_get_a_job_each(store: Store, make_token: MakeToken, clients: int) -> None:
    token = make_token()
    with running_server(store.path, "--rate", "10000", "--burst", "10000") as server:

        def work(number: int) -> dict[str, Any]:
            with server.client(token) as client:
                return ended(client, submit(client, f"u{number}@example.com", "none"))

        with ThreadPoolExecutor(clients) as pool:
            jobs = list(pool.map(work, range(clients)))
    assert {(job["status"], job["inserted"], job["failed"]) for job in jobs} == {("completed_with_errors", 1, 1)}
    assert len(read_users(store.settings)) == clients
    assert query_rows(store.settings, "select count(*), max(attempts) from import_jobs") == [(clients, 1)]


def test_an_upload_that_is_cut_leaves_nothing(server: Server, store: Store, make_token: MakeToken) -> None:
    token = make_token()
    head = (
        f"POST /api/v2/jobs/users-imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="users"; filename="users.json"\r\n\r\n[{"email": "ada@'
    )
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as sender:
            sender.sendall(head.encode())
            time.sleep(0.2)
    deadline = time.monotonic() + 10
    while [*store.settings.jobs_folder.glob(".new-*-*")]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [*store.settings.jobs_folder.glob("*-*-*-*-*")] == []
    with server.client(token) as client:
        assert client.get("/v1/imports").json()["imports"] == []


@pytest.mark.parametrize("times", mostly_slow([3, 2], quick=[2]))
def test_a_server_that_is_killed_again_and_again_loses_no_job(store: Store, make_token: MakeToken, times: int) -> None:
    token, jobs = make_token(), list[str]()
    for number in range(times):
        with running_server(store.path) as server, server.client(token) as client:
            jobs += [submit(client, f"u{number}-{n}@example.com") for n in range(times)]
            server.process.kill()
    with running_server(store.path) as server, server.client(token) as client:
        assert {ended(client, job)["inserted"] for job in jobs} == {1}
    assert query_rows(store.settings, "select count(*), max(attempts) from import_jobs") == [(times**2, 1)]
    assert len(read_users(store.settings)) == times**2


def test_a_job_that_is_killed_has_failed_and_the_next_runs(server: Server, store: Store, make_token: MakeToken) -> None:
    with server.client(make_token()) as client:
        job = submit(client, *(f"{n}@example.com" for n in range(20_000)))
        folder = JobFolder(store.settings.jobs_folder / job)
        deadline = time.monotonic() + SECONDS
        while folder.read_status().get("status") != "loading":
            assert time.monotonic() < deadline
        os.kill(process_of(job), signal.SIGKILL)
        assert ended(client, job)["fault"]["code"] == "JOB_LOST"
        assert ended(client, submit(client, "ada@example.com"))["inserted"] == 1


def process_of(job_id: str) -> int:
    found = subprocess.run(["pgrep", "-f", f"requested {job_id}"], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


@pytest.fixture
def holding(store: Store) -> Iterator[threading.Event]:
    """Another process' write that holds the database until the event is set."""
    released, held = threading.Event(), threading.Event()

    def hold() -> None:
        with store.writing():
            held.set()
            released.wait(SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(SECONDS)
    yield released
    released.set()
    thread.join()


def test_a_busy_database_delays_no_status_and_no_new_job(
    server: Server, make_token: MakeToken, holding: threading.Event
) -> None:
    with server.client(make_token()) as client:
        began = time.monotonic()
        job = submit(client, "ada@example.com")
        assert client.get(f"/v1/imports/{job}").json()["status"] == "pending"
        assert client.get(f"/api/v2/jobs/{job}").json()["status"] in ("pending", "processing")
        assert time.monotonic() - began < 5
        assert client.get("/v1/imports/00000000-0000-4000-8000-000000000000").status_code in (404, 503)
        holding.set()
        assert ended(client, job)["inserted"] == 1


@pytest.mark.slow
def test_memory_is_flat_with_an_upload_of_two_gigabytes(server: Server, make_token: MakeToken) -> None:
    token, size, boundary = make_token(), 2 << 30, "b"

    def body() -> Iterator[bytes]:
        head = 'Content-Disposition: form-data; name="users"; filename="users.ndjson"'
        yield f"--{boundary}\r\n{head}\r\n\r\n".encode()
        line = b'{"email": "none", "nickname": "%s"}\n' % (b"x" * 1000)
        piece = line * 1000
        for _ in range(size // len(piece)):
            yield piece
        yield f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="connection_id"\r\n\r\ndefault'.encode()
        yield f"\r\n--{boundary}--\r\n".encode()

    with server.client(token) as client:
        client.get("/v1/imports")
        before, most, over = memory_of(server.process.pid), [0], threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                most[0] = max(most[0], memory_of(server.process.pid))

        thread = threading.Thread(target=watch)
        thread.start()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        response = client.post("/api/v2/jobs/users-imports", content=body(), headers=headers, timeout=600)
        over.set()
        thread.join()
        assert response.status_code == 202, response.text
        assert most[0] - before < 64 << 20
        client.post(f"/v1/imports/{response.json()['id']}/cancel")
        ended(client, response.json()["id"])


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_nothing(store: Store, make_token: MakeToken, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        database = disk / "users.duckdb"
        Store(type(store.settings)(database=database)).prepare()
        tokens = store.path.with_name(f"{store.path.name}.tokens.json")
        token = make_token()
        (disk / "users.duckdb.tokens.json").write_bytes(tokens.read_bytes())
        with running_server(database) as server, server.client(token) as client:
            users = b"[" + b'{"email": "ada@example.com"},' * 500_000
            response = client.post("/v1/imports", files={"file": ("users.json", users)})
            assert response.status_code == 507, response.text
            assert [*(disk / "jobs").glob(".new-*-*")] == []
            assert client.get("/v1/imports").json()["imports"] == []
            small = client.post("/v1/imports", files={"file": ("users.json", b'[{"email": "ada@example.com"}]')})
            assert small.status_code == 202
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
