"""Runs that wait in Prefect are pending jobs; a Prefect that is silent, strange or refuses is no error."""

import json
import math
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from flows.import_users.cli import Common
from flows.jobs import waiting
from flows.jobs.cli import app
from flows.jobs.lookup import find_job
from flows.jobs.queued import find_queued
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from schemas.faults import ExitCode, JobFault
from schemas.job import JobStatus

Answers = dict[str, object]  # what the API answers, by the path's last part


def run_of(settings: Settings, state: str = "SCHEDULED", **more: object) -> dict[str, Any]:
    """Return a run as Prefect's API describes it."""
    form = {"sources": ["in/users.csv"], "database": str(settings.database), "external_id": "night", "mode": "upsert"}
    return {
        "id": str(uuid.uuid4()), "parameters": form, "state_type": state, "created": "2026-01-01T00:00:00.000000Z",
        "auto_scheduled": False, "expected_start_time": "2026-01-01T00:00:00Z",
    } | more  # fmt: skip


@contextmanager
def prefect(answers: Answers) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve the answers, and yield the address of the API and the requests, each with its path and Authorization."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append({"path": self.path, "authorization": self.headers["Authorization"], **body})
            requests_before, later = cast("tuple[float, object]", answers.get("after", (math.inf, None)))
            if len(requests) > requests_before:
                answers["filter"] = later
            text = json.dumps(answers.get(self.path.rpartition("/")[2], [])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api", requests
        server.shutdown()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Answers of the API that PREFECT_API_URL names."""
    answers: Answers = {}
    with prefect(answers) as (url, requests):
        monkeypatch.setenv("PREFECT_API_URL", url)
        answers["requests"] = requests
        yield answers


Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command about jobs: exit code, JSON on stdout, stderr."""

    def run(*arguments: str) -> tuple[int, Any, str]:
        code = main(app, [*arguments, "--json", "--database", str(settings.database)])
        output = capsys.readouterr()
        return code, json.loads(output.out), output.err

    return run


def test_a_waiting_run_is_a_pending_job(answers: Answers, run: Run, settings: Settings) -> None:
    waiting_run = run_of(settings)
    answers["filter"] = [waiting_run]
    for name in (waiting_run["id"], "night", "last", waiting_run["id"][:8]):
        code, job, _ = run("status", name)
        assert (code, job["job_id"], job["status"]) == (0, waiting_run["id"], "pending")
    code, jobs, _ = run("list", "--status", "pending", "--file", "users.csv", "--external-id", "night")
    assert (code, [job["job_id"] for job in jobs]) == (0, [waiting_run["id"]])
    assert (jobs[0]["mode"], jobs[0]["sources"]) == ("upsert", ["in/users.csv"])


def test_a_run_is_known_by_the_job_id_that_it_was_given(answers: Answers, run: Run, settings: Settings) -> None:
    given = str(uuid.uuid4())
    found = run_of(settings)
    answers["filter"] = [found | {"parameters": found["parameters"] | {"job_id": given}}]
    assert run("status", given)[1]["status"] == "pending"


def test_runs_of_other_databases_and_of_another_day_are_not_listed(
    answers: Answers, run: Run, settings: Settings, store: Store
) -> None:
    later = run_of(settings, auto_scheduled=True, expected_start_time="2999-01-01T00:00:00Z")
    other = run_of(settings)
    other["parameters"]["database"] = "/elsewhere/users.duckdb"
    answers["filter"] = [later, other, run_of(settings, "RUNNING")]
    assert run("list")[1] == []
    assert run("status", later["id"])[1]["status"] == "pending"
    assert run("status", other["id"])[0] == ExitCode.JOB_FAILED
    assert store.path.exists()


@pytest.mark.parametrize(
    ("state", "end"), [("CANCELLED", (130, "canceled", "CANCELED")), ("CRASHED", (1, "failed", "JOB_LOST"))]
)
def test_a_run_that_ended_before_its_job_began_says_so(
    answers: Answers, run: Run, settings: Settings, state: str, end: tuple[int, str, str]
) -> None:
    ended = run_of(settings, state)
    answers["filter"] = [ended]
    code, job, _ = run("wait", ended["id"])
    assert (code, job["status"], job["fault"]["code"]) == end


def test_a_waiting_run_is_canceled_in_prefect(answers: Answers, run: Run, settings: Settings) -> None:
    waiting_run = run_of(settings)
    answers |= {"filter": [waiting_run], "set_state": {"state": {"type": "CANCELLED"}}}
    code, answer, _ = run("cancel", waiting_run["id"])
    assert (code, answer["job_id"]) == (0, waiting_run["id"])
    assert "before it began" in answer["message"]
    request = answers["requests"][-1]  # type: ignore[index] # the list of requests
    assert request["path"] == f"/api/flow_runs/{waiting_run['id']}/set_state"
    assert request["state"]["type"] == "CANCELLING"
    answers["set_state"] = {"status": "ABORT", "state": None}
    assert run("cancel", waiting_run["id"])[1]["fault"]["code"] == "PREFECT_UNAVAILABLE"


def test_a_protected_server_gets_the_password(
    answers: Answers, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:secret")
    assert find_queued(settings.database) == []
    assert answers["requests"][0]["authorization"] == "Basic YWRtaW46c2VjcmV0"  # type: ignore[index] # as above


@pytest.mark.parametrize("answer", [{}, [{}], [{"id": 1, "parameters": None}], "no"])
def test_a_strange_answer_is_no_answer(answers: Answers, run: Run, store: Store, answer: object) -> None:
    answers["filter"] = answer
    assert run("list")[:2] == (0, [])
    assert store.path.exists()


def test_a_silent_prefect_costs_a_short_time(monkeypatch: pytest.MonkeyPatch, run: Run, store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/api")
        monkeypatch.setattr("flows.jobs.queued.SECONDS", 0.1)
        assert run("list")[:2] == (0, [])
        assert run("status", str(uuid.uuid4()))[1]["fault"]["code"] == "JOB_NOT_FOUND"
    assert store.path.exists()


def test_waiting_ends_with_the_run_that_vanishes(
    answers: Answers, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "QUEUE_SECONDS", 0.05)
    common = Common(database=settings.database)
    waiting_run = run_of(settings, parameters={"job_id": str(uuid.uuid4()), "sources": ["a.csv"]})
    answers["filter"] = [waiting_run]
    job_id = waiting_run["parameters"]["job_id"]
    assert find_job(common, job_id).summary.status is JobStatus.PENDING
    answers["after"] = (3, [])
    job = waiting.wait_for(common, job_id, timeout=30, follow=False)
    assert (job.summary.status, (job.summary.fault or {}).get("code")) == (JobStatus.FAILED, "JOB_LOST")
    assert store.path.exists()


def test_waiting_outlasts_a_prefect_that_falls_silent(
    answers: Answers, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "QUEUE_SECONDS", 0.05)
    waiting_run = run_of(settings)
    answers["filter"] = [waiting_run]
    answers["after"] = (1, "no")
    with pytest.raises(JobFault, match="has not ended within 1 seconds"):
        waiting.wait_for(Common(database=settings.database), waiting_run["id"], timeout=1, follow=False)
    assert store.path.exists()
