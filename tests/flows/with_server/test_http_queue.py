"""Jobs that were requested over HTTP are runs of the deployment where Prefect has it, else processes of their own."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from prefect.states import Cancelled

from flows.api.dispatch.dispatcher import Dispatcher
from flows.api.guard.tokens import Token
from flows.api.jobs import JobService
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_status import KnownJob
from schemas.job import JobStatus
from tests.flows.with_server.worker import Child, Site, site

TOKEN = Token(name="tests", scopes=frozenset({"create:users", "read:users"}))
SECONDS = 120.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("http-queue")) as here:
        here.deploy()
        yield here


@pytest.fixture
def worker(here: Site) -> Iterator[Child]:
    with here.worker() as worker:
        yield worker


@pytest.fixture
def service(here: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobService]:
    monkeypatch.setenv("PREFECT_API_URL", here.server.url)
    settings = Settings(database=here.settings.database)
    Store(settings).prepare()
    dispatcher = Dispatcher(settings)
    dispatcher.start()
    yield JobService(settings, dispatcher)
    dispatcher.stop()


def submit(service: JobService, email: str) -> KnownJob:
    options = {"mode": "upsert", "again": True, "external_id": email}
    with service.begin(face="own", token=TOKEN, connection="default", options=options) as draft:
        with draft.add_file("users.json") as file:
            file.write(json.dumps([{"email": email}]).encode())
        return draft.submit()


def wait_until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def ended(service: JobService, job_id: str) -> KnownJob:
    wait_until(lambda: not service.find(job_id, token=TOKEN).is_running)
    return service.find(job_id, token=TOKEN)


@pytest.mark.usefixtures("worker")
def test_a_requested_job_is_a_run_of_the_deployment(here: Site, service: JobService) -> None:
    job_id = submit(service, "ada@example.com").summary.job_id
    summary = ended(service, job_id).summary
    assert (summary.status, summary.inserted) == (JobStatus.COMPLETED, 1)
    runs = [run for run in here.runs() if run.parameters.get("job_id") == job_id]
    assert len(runs) == 1
    assert here.wait_for(runs[0].id, "Completed")
    request = service.request_of(job_id)
    assert request is not None
    assert (request.flow_run_id, request.starts) == (str(runs[0].id), 0)


def test_a_job_that_waits_in_prefect_is_canceled_there(here: Site, service: JobService) -> None:
    job_id = submit(service, "grace@example.com").summary.job_id
    wait_until(lambda: (found := service.request_of(job_id)) and found.flow_run_id)
    assert service.find(job_id, token=TOKEN).summary.status is JobStatus.PENDING
    service.cancel(service.find(job_id, token=TOKEN))
    assert service.find(job_id, token=TOKEN).summary.status is JobStatus.CANCELED
    (run,) = [run for run in here.runs() if run.parameters.get("job_id") == job_id]
    assert here.wait_for_end(run.id).name == "Cancelled"


def test_a_job_whose_run_is_cancelled_in_prefect_is_canceled(here: Site, service: JobService) -> None:
    job_id = submit(service, "edith@example.com").summary.job_id
    wait_until(lambda: (found := service.request_of(job_id)) and found.flow_run_id)
    (run,) = [run for run in here.runs() if run.parameters.get("job_id") == job_id]
    here.client.set_flow_run_state(run.id, Cancelled(), force=True)
    assert ended(service, job_id).summary.status is JobStatus.CANCELED


def test_without_an_answer_of_prefect_a_job_has_a_process_of_its_own(
    service: JobService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    job_id = submit(service, "joan@example.com").summary.job_id
    assert ended(service, job_id).summary.inserted == 1
    request = service.request_of(job_id)
    assert request is not None
    assert (request.flow_run_id, request.starts) == (None, 1)
