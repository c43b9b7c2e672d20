"""The progress of imports as server-sent events."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from flows.api.own import events
from flows.api.own.events import Board, Watch
from flows.api.tokens import Token, TokenFile
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.requests.request import read_request
from schemas.job import JobStatus
from tests.flows.api.conftest import MakeToken, Server
from tests.flows.api.faces import add_token, serving_without_starting

IMPORTS = "/v1/imports"
FILE = {"file": ("users.ndjson", '{"email": "ada@example.com"}\n')}


def parse(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the events of a stream: id, name and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith((":", "retry")))
        if fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        yield client


def test_a_stream_ends_with_the_summary_of_its_job(server: Server, make_token: MakeToken) -> None:
    with server.client(make_token()) as client:
        job_id = client.post(IMPORTS, files=FILE).json()["job_id"]
        with client.stream("GET", f"{IMPORTS}/{job_id}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            found = parse(stream.read().decode())
        assert {name for _, name, _ in found} <= {"phase", "progress", "end"}
        assert [(key, name, data["status"]) for key, name, data in found][-1] == ("end", "end", "completed")
        assert found[-1][2]["inserted"] == 1
        over = client.get(f"{IMPORTS}/{job_id}/events", headers={"Last-Event-ID": "end"})
        assert over.status_code == 204


def write_progress(store: Store, job_id: str, status: JobStatus, **progress: object) -> None:
    """Publish progress as the process of a job does."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    request = read_request(folder)
    assert request
    folder.write_status({**request.summary(status).to_dict(), **progress})


def test_each_event_has_the_whole_state_and_none_is_sent_twice(waiting: TestClient, store: Store) -> None:
    job_id = waiting.post(IMPORTS, files=FILE).json()["job_id"]
    folder = JobFolder(store.settings.jobs_folder / job_id)

    def run() -> None:
        with folder.locked():
            for rows in (10, 20):
                write_progress(store, job_id, JobStatus.LOADING, rows=rows, percent=float(rows))
                time.sleep(1.0)
            write_progress(store, job_id, JobStatus.IMPORTING, rows=20, percent=20.0)
            time.sleep(1.0)
            write_progress(store, job_id, JobStatus.COMPLETED)

    thread = threading.Thread(target=run)
    thread.start()
    found = parse(waiting.get(f"{IMPORTS}/{job_id}/events").text)
    thread.join()
    seen = [(name, data["status"], data.get("rows")) for _, name, data in found if data["status"] != "pending"]
    assert seen == [
        ("phase", "loading", 10),
        ("progress", "loading", 20),
        ("phase", "importing", 20),
        ("end", "completed", None),
    ]
    keys = [key for key, _, _ in found]
    assert len(set(keys)) == len(keys)


def watch(waiting: TestClient, job_id: str, **more: Any) -> Watch:
    state = waiting.app.state  # type: ignore[attr-defined]
    (token,) = state.tokens.list()
    return Watch(**{"board": Board(state.jobs), "job_id": job_id, "token": token, "is_valid": state.tokens.has, **more})


async def read_for(watched: Watch, seconds: float, last_id: str = "") -> str:
    """Return what a stream sends within some seconds."""
    sent = []

    async def read() -> None:
        async for text in watched.events(last_id=last_id):
            sent.append(text)  # noqa: PERF401 - kept when the time is up

    try:
        await asyncio.wait_for(read(), seconds)
    except TimeoutError:
        sent.append("(open)")
    return "".join(sent)


def test_who_comes_back_is_not_sent_the_same_again(waiting: TestClient) -> None:
    job_id = waiting.post(IMPORTS, files=FILE).json()["job_id"]
    first = asyncio.run(read_for(watch(waiting, job_id), 1.0))
    ((key, name, data),) = parse(first.removesuffix("(open)"))
    assert (name, data["status"]) == ("phase", "pending")
    again = asyncio.run(read_for(watch(waiting, job_id), 1.0, last_id=key))
    assert parse(again.removesuffix("(open)")) == []


def test_a_silent_stream_has_heartbeats(waiting: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.5)
    job_id = waiting.post(IMPORTS, files=FILE).json()["job_id"]
    assert asyncio.run(read_for(watch(waiting, job_id), 2.0)).count(": still there\n\n") >= 2


def test_a_stream_ends_when_its_token_is_revoked_or_the_job_is_removed(waiting: TestClient, store: Store) -> None:
    job_id = waiting.post(IMPORTS, files=FILE).json()["job_id"]
    tokens: TokenFile = waiting.app.state.tokens  # type: ignore[attr-defined]
    (token,) = tokens.list()

    def is_valid(held: Token) -> bool:
        return tokens.has(replace(held))

    tokens.revoke(token.name)
    assert "(open)" not in asyncio.run(read_for(watch(waiting, job_id, is_valid=is_valid), 5.0))
    JobFolder(store.settings.jobs_folder / job_id).remove()
    assert "(open)" not in asyncio.run(read_for(watch(waiting, job_id, is_valid=lambda _: True), 5.0))


def test_the_end_of_a_job_whose_process_is_killed_is_sent(waiting: TestClient, store: Store) -> None:
    job_id = waiting.post(IMPORTS, files=FILE).json()["job_id"]
    write_progress(store, job_id, JobStatus.LOADING, rows=10)  # and no process holds the folder
    found = parse(waiting.get(f"{IMPORTS}/{job_id}/events").text)
    assert [(name, data["fault"]["code"]) for _, name, data in found] == [("end", "JOB_LOST")]


def test_a_hundred_watchers_are_cheap(server: Server, make_token: MakeToken, store: Store) -> None:
    """The server answers others at once, and a job ends for all who watch it."""
    token = make_token()
    with server.client(token) as client:
        job_id = client.post(IMPORTS, files=FILE).json()["job_id"]
        folder = JobFolder(store.settings.jobs_folder / job_id)
        while folder.read_status().get("status") != "completed":
            time.sleep(0.1)
        request = read_request(folder)
        assert request
        with folder.locked():
            folder.write_status({**request.summary(JobStatus.LOADING).to_dict(), "rows": 1})
            outcome = asyncio.run(_watch_by_many(server, token, job_id, folder))
        assert outcome == 100


async def _watch_by_many(server: Server, token: str, job_id: str, folder: JobFolder) -> int:
    limits = httpx.Limits(max_connections=200)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=30) as client:

        async def follow() -> str:
            return (await client.get(f"{IMPORTS}/{job_id}/events")).text

        watchers = [asyncio.create_task(follow()) for _ in range(100)]
        await asyncio.sleep(3)
        before, began = _cpu_seconds(server), time.monotonic()
        for rows in range(20):
            folder.write_status({**folder.read_status(), "rows": rows})
            await asyncio.sleep(0.1)
        assert (await client.get(f"{IMPORTS}/{job_id}")).json()["status"] == "loading"
        used = _cpu_seconds(server) - before
        assert used < 0.7 * (time.monotonic() - began)
        folder.write_status({**folder.read_status(), "status": "completed"})
        return sum("event: end" in text for text in await asyncio.gather(*watchers))


def _cpu_seconds(server: Server) -> float:
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()  # noqa: PTH123, SIM115
    return (int(fields[11]) + int(fields[12])) / 100
