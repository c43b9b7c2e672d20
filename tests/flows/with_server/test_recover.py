"""Which runs are tried again once their process is gone, and a run that is retried, with a server but no worker."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import run_flow_async
from prefect.logging import disable_run_logger
from prefect.states import AwaitingRetry, Cancelling, Crashed, Pending, Running

from flows.import_users.flow import import_users
from flows.import_users.retries import OWN_RETRY
from flows.jobs.recover import recover_runs
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.stop import A_SIGNAL, Stop, canceled_by
from flows.report.targets import NoticeSettings
from flows.settings import Settings
from flows.store.job_folder import JobFolder
from schemas.options import JobOptions
from tests.flows.importing import query_rows

Act = Callable[[Settings, str, Path], object]


def no_job(_settings: Settings, _job_id: str, _source: Path) -> None:
    """Leave a run that has not begun its job."""


def whole_job(settings: Settings, job_id: str, source: Path) -> None:
    run_job(JobOptions(sources=(str(source),)), settings=settings, job_id=job_id, observer=Observer())


def failed_job(settings: Settings, job_id: str, source: Path) -> None:
    whole_job(settings, job_id, source.with_name("missing.ndjson"))


def stopped_job(by: str) -> Act:
    def act(settings: Settings, job_id: str, source: Path) -> None:
        stop = Stop.for_job(settings, job_id=job_id)

        class Stops(Observer):
            def on_phase(self, _status: object) -> None:
                stop.request(canceled_by(by))

        options = JobOptions(sources=(str(source),))
        run_job(options, settings=settings, job_id=job_id, observer=Stops(), stop=stop)

    return act


CASES: dict[str, tuple[State, Act, str]] = {
    "before its job": (Running(), no_job, "AwaitingRetry"),
    "before its process": (Pending(), no_job, "AwaitingRetry"),
    "crashed": (Crashed(), no_job, "AwaitingRetry"),
    "after the merge": (Running(), whole_job, "AwaitingRetry"),
    "stopped by a signal": (Running(), stopped_job(A_SIGNAL), "AwaitingRetry"),
    "stopped by a person": (Running(), stopped_job("`jobs cancel`"), "Cancelled"),
    "being cancelled": (Cancelling(), no_job, "Cancelled"),
    "after a fault that stays": (Running(), failed_job, "Failed"),
    "crashed after a fault that stays": (Crashed(), failed_job, "Failed"),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "users.ndjson"
    path.write_text('{"email": "ann@example.com"}\n')
    return path


@pytest.fixture
def deployment(client: SyncPrefectClient) -> UUID:
    return client.create_deployment(client.create_flow(import_users), name=str(uuid4()))


def create_run(client: SyncPrefectClient, deployment: UUID, *states: State) -> FlowRun:
    run = client.create_flow_run_from_deployment(deployment, parameters={"sources": ["users.ndjson"]})
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)
    return run


def recover(client: SyncPrefectClient, settings: Settings) -> dict[UUID, str]:
    time.sleep(3 * settings.wait_seconds)
    with disable_run_logger():
        recover_runs(settings, NoticeSettings(), silent_seconds=0)
    return {run.id: str(run.state_name) for run in client.read_flow_runs(limit=200)}


def test_runs_without_a_process_go_on_or_end(
    client: SyncPrefectClient, deployment: UUID, settings: Settings, source: Path
) -> None:
    runs: dict[str, FlowRun] = {}
    for name, (state, act, _) in CASES.items():
        source.write_text(f'{{"email": "{uuid4()}@example.com"}}\n')  # no import repeats another
        runs[name] = create_run(client, deployment, state)
        act(settings, str(runs[name].id), source)
    tried: list[State] = [AwaitingRetry(message=f"{OWN_RETRY}: the process is gone") for _ in range(settings.retries)]
    runs["often"] = create_run(client, deployment, *tried, Running())
    runs["again by a person"] = create_run(client, deployment, *tried, AwaitingRetry(message="by me"), Running())
    alive = create_run(client, deployment, Running())
    with JobFolder(settings.jobs_folder / str(alive.id)).locked():
        found = recover(client, settings)
    expected = {name: end for name, (_, _, end) in CASES.items()}
    expected |= {"often": "Crashed", "again by a person": "AwaitingRetry"}
    assert {name: found[run.id] for name, run in runs.items()} == expected
    assert found[alive.id] == "Running"


@pytest.mark.slow
def test_run_whose_job_has_just_ended_may_report_it(
    client: SyncPrefectClient, deployment: UUID, settings: Settings, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(client, deployment, Running())
    whole_job(settings, str(run.id), source)
    monkeypatch.setattr("flows.jobs.recover._open_runs", lambda *_, **__: [run])
    with disable_run_logger():
        assert not recover_runs(settings, NoticeSettings(), silent_seconds=60)
    assert client.read_flow_run(run.id).state_name == "Running"


@pytest.mark.slow
def test_run_that_is_retried_completes_its_job(
    client: SyncPrefectClient, deployment: UUID, settings: Settings, source: Path
) -> None:
    parameters = {"sources": [str(source)], "database": str(settings.database)}
    run = client.create_flow_run_from_deployment(deployment, parameters=parameters)

    def attempt() -> str:
        client.set_flow_run_state(run.id, Pending(), force=True)
        now = client.read_flow_run(run.id)
        call = run_flow_async(import_users, flow_run=now, parameters=parameters, return_type="state")
        state = asyncio.run(call)
        assert isinstance(state, State)
        return str(state.name)

    hidden = source.rename(source.with_name("later"))
    assert attempt() == "Failed"
    hidden.rename(source)
    assert attempt() == "Completed"
    jobs = query_rows(settings, "select job_id, attempts, status, inserted from import_jobs")
    assert jobs == [(str(run.id), 2, "completed", 1)]


@pytest.mark.slow
def test_other_run_of_a_job_that_has_merged_says_so(
    client: SyncPrefectClient, settings: Settings, source: Path
) -> None:
    del client  # the flow of this process runs with it
    job_id = str(uuid4())
    whole_job(settings, job_id, source)
    call = import_users(sources=[str(source)], database=str(settings.database), job_id=job_id, return_state=True)
    state: State = asyncio.run(call)
    assert (state.name, str(state.message)[:45]) == ("Completed", f"already imported by job {job_id}"[:45])


def test_job_id_that_is_no_uuid_is_refused(client: SyncPrefectClient, settings: Settings, source: Path) -> None:
    del client  # the flow of this process runs with it
    call = import_users(sources=[str(source)], database=str(settings.database), job_id="nightly", return_state=True)
    state: State = asyncio.run(call)
    assert state.name == "Failed"
    assert "job_id" in str(state.message)
