"""Requested jobs run in processes of their own: each once, whatever dies, within the limits of their connection."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.api.dispatch.dispatcher import MOST_STARTS, Dispatcher, start_process
from flows.api.guard.tokens import Token
from flows.api.jobs import JobService
from flows.api.problems import Problem
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.job_status import JobFilter, KnownJob
from flows.store.requests.request import START_LOCK, is_started
from schemas.faults import JobFault
from schemas.job import RUNNING, JobStatus
from tests.flows.importing import query_rows, read_users

TOKEN = Token(name="tests", scopes=frozenset({"create:users", "read:users"}))
NARROW = Token(name="narrow", scopes=frozenset({"create:users"}), connections=frozenset({"other"}))
SECONDS = 30.0


@pytest.fixture
def dispatcher(store: Store) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(store.settings)
    dispatcher.start()
    yield dispatcher
    dispatcher.stop()


@pytest.fixture
def service(dispatcher: Dispatcher) -> JobService:
    return JobService(dispatcher.settings, dispatcher)


def submit(service: JobService, *emails: str, connection: str = "default", **options: object) -> KnownJob:
    with service.begin(face="own", token=TOKEN, connection=connection, options=options) as draft:
        with draft.add_file("users.json") as file:
            file.write(json.dumps([{"email": email} for email in emails]).encode())
        return draft.submit()


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(service: JobService, job_id: str) -> KnownJob:
    wait_until(lambda: not service.find(job_id, token=TOKEN).is_running)
    return service.find(job_id, token=TOKEN)


def test_a_submitted_job_is_known_at_once_and_ends(service: JobService) -> None:
    job = submit(service, "ada@example.com", "not an address")
    assert job.summary.status is JobStatus.PENDING
    summary = ended(service, job.summary.job_id).summary
    assert (summary.status, summary.inserted, summary.failed) == (JobStatus.COMPLETED_WITH_ERRORS, 1, 1)
    assert summary.created_at == job.summary.created_at
    view = service.view(service.find(summary.job_id, token=TOKEN), with_errors=True)
    assert [error["code"] for error in view.errors] == ["FORMAT"]


def test_a_repeated_import_answers_under_its_own_id(service: JobService) -> None:
    first = ended(service, submit(service, "ada@example.com").summary.job_id).summary
    again = submit(service, "ada@example.com").summary.job_id
    assert ended(service, again).summary == first


def test_jobs_above_the_limit_of_the_connection_wait(service: JobService) -> None:
    jobs = [submit(service, f"{n}@example.com").summary.job_id for n in range(3)]
    most = 0
    while any(service.find(job, token=TOKEN).is_running for job in jobs):
        folders = [JobFolder(service.settings.jobs_folder / job) for job in jobs]
        most = max(most, sum(map(is_started, folders)))
        time.sleep(0.02)
    assert most == service.settings.jobs_per_connection == 2
    assert {service.find(job, token=TOKEN).summary.status for job in jobs} == {JobStatus.COMPLETED}
    assert len(read_users(service.settings)) == 3


def test_a_job_that_was_canceled_in_the_queue_never_begins(store: Store) -> None:
    service = JobService(store.settings)
    job = submit(service, "ada@example.com")
    assert service.cancel(job).endswith("was canceled before it began")
    dispatcher = Dispatcher(store.settings)
    dispatcher.start_waiting()
    assert service.find(job.summary.job_id, token=TOKEN).summary.status is JobStatus.CANCELED
    assert read_users(store.settings) == []


def test_a_job_that_is_canceled_while_its_process_starts_merges_nothing(service: JobService) -> None:
    job = submit(service, "ada@example.com")
    folder = JobFolder(service.settings.jobs_folder / job.summary.job_id)
    wait_until(lambda: is_started(folder))
    service.cancel(service.find(job.summary.job_id, token=TOKEN))
    assert ended(service, job.summary.job_id).summary.status is JobStatus.CANCELED
    assert read_users(service.settings) == []


def test_a_killed_job_is_said_to_have_failed(service: JobService) -> None:
    job = submit(service, *(f"{n}@example.com" for n in range(20_000)))
    folder = JobFolder(service.settings.jobs_folder / job.summary.job_id)
    wait_until(lambda: folder.read_status().get("status") == "loading")
    os.kill(holder_of(folder), signal.SIGKILL)
    summary = ended(service, job.summary.job_id).summary
    assert summary.fault is not None
    assert summary.fault["code"] == "JOB_LOST"
    assert read_users(service.settings) == []


def test_jobs_outlive_the_server_and_those_that_waited_are_started_by_the_next(store: Store) -> None:
    program = (
        "import sys, time; from pathlib import Path; from flows.settings import Settings;"
        "from flows.api.dispatch.dispatcher import Dispatcher;"
        "Dispatcher(Settings(database=Path(sys.argv[1]))).start(); time.sleep(60)"
    )
    service = JobService(store.settings)
    jobs = [submit(service, f"{n}@example.com").summary.job_id for n in range(3)]
    server = subprocess.Popen([sys.executable, "-c", program, str(store.settings.database)])
    folders = [JobFolder(store.settings.jobs_folder / job) for job in jobs]
    wait_until(lambda: any(map(is_started, folders)))
    server.kill()
    server.wait()
    assert any(service.find(job, token=TOKEN).summary.status in RUNNING for job in jobs)
    following = Dispatcher(store.settings)
    following.start()
    try:
        assert {ended(service, job).summary.status for job in jobs} == {JobStatus.COMPLETED}
    finally:
        following.stop()
    assert query_rows(store.settings, "select attempts, count(*) from import_jobs group by all") == [(1, 3)]
    assert len(read_users(store.settings)) == 3


def test_two_servers_start_each_job_once(service: JobService) -> None:
    other = Dispatcher(service.settings)
    other.start()
    try:
        jobs = [submit(service, f"{n}@example.com").summary.job_id for n in range(3)]
        assert {ended(service, job).summary.status for job in jobs} == {JobStatus.COMPLETED}
    finally:
        other.stop()
    assert query_rows(service.settings, "select attempts, count(*) from import_jobs group by all") == [(1, 3)]


def test_a_started_process_holds_its_lock_before_it_has_begun(store: Store) -> None:
    service = JobService(store.settings)
    folder = JobFolder(store.settings.jobs_folder / submit(service, "ada@example.com").summary.job_id)
    process = start_process(folder, store.settings)
    assert is_started(folder)
    assert not folder.is_running
    with pytest.raises(BlockingIOError):
        start_process(folder, store.settings)
    assert process.wait() == 0
    assert not is_started(folder)
    assert (folder.path / START_LOCK).stat().st_mode & 0o777 == 0o600


def test_an_error_of_the_queue_is_logged_without_its_text(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    email = "ada@example.com"

    class Broken(Dispatcher):
        def start_waiting(self) -> None:
            raise ValueError(email)

    dispatcher = Broken(store.settings)
    dispatcher.start()
    wait_until(lambda: "ValueError" in caplog.text)
    assert dispatcher.is_alive
    dispatcher.stop()
    assert ("start_waiting" in caplog.text, email in caplog.text) == (True, False)


def test_a_job_whose_processes_all_die_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    service = JobService(store.settings)
    job = submit(service, "ada@example.com")
    monkeypatch.setenv("IMPORT_RETRIES", "not a number")  # with which no process of ours starts
    dispatcher = Dispatcher(store.settings)
    for _ in range(MOST_STARTS + 1):
        dispatcher.start_waiting()
        wait_until(lambda: not is_started(JobFolder(store.settings.jobs_folder / job.summary.job_id)))
    summary = service.find(job.summary.job_id, token=TOKEN).summary
    assert summary.fault is not None
    assert summary.fault["code"] == "JOB_LOST"


def test_a_token_sees_the_jobs_of_its_connections_only(service: JobService) -> None:
    job = submit(service, "ada@example.com")
    with pytest.raises(Problem) as problem:
        service.find(job.summary.job_id, token=NARROW)
    assert problem.value.status == 404
    assert service.list(token=NARROW, wanted=JobFilter()) == []
    with (
        pytest.raises(Problem) as refused,
        service.begin(face="own", token=NARROW, connection="default", options={}),
    ):
        pass
    assert refused.value.status == 403


@pytest.mark.parametrize("options", [{"mode": "replace"}, {"max_errors": -1}, {"plan": "/tmp/plan.csv"}, {"x": 1}])
def test_options_that_cannot_be_used_are_refused_before_a_job_exists(
    service: JobService, options: dict[str, Any]
) -> None:
    with pytest.raises(Problem) as problem:
        submit(service, "ada@example.com", **options)
    assert problem.value.status == 400
    assert service.list(token=TOKEN, wanted=JobFilter()) == []


def test_a_staged_job_takes_files_until_it_is_run(service: JobService) -> None:
    with service.begin(
        face="rocketchat", token=TOKEN, connection="default", options={}, details={"is_staging": True}
    ) as draft:
        request = draft.stage()
    for email in ("ada@example.com", "grace@example.com"):
        with service.add_to_staged(request.job_id, token=TOKEN) as file:
            file.write(json.dumps({"email": email}).encode() + b"\n")
    staged = service.staged(connection="default")
    assert staged is not None
    assert staged.job_id == request.job_id
    assert service.run_staged(request.job_id, token=TOKEN).is_running
    with pytest.raises(JobFault), service.add_to_staged(request.job_id, token=TOKEN):
        pass
    summary = ended(service, request.job_id).summary
    assert (summary.fault, summary.inserted) == (None, 2)
    with pytest.raises(JobFault):
        service.run_staged(request.job_id, token=TOKEN)


def holder_of(folder: JobFolder) -> int:
    """Return the process that runs a job."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        if folder.path.name.encode() in path.read_bytes():
            return int(path.parent.name)
    raise AssertionError
