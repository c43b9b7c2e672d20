"""Runs that are tried again, by a person or by themselves: one job, as many attempts as it took, every user once.

All tests share one server, and each needs its own users.
"""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.logging import disable_run_logger
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.jobs.recover import recover_runs
from flows.report.targets import NoticeSettings
from tests.flows.with_server.worker import Child, Site, site, wait_until
from tests.population import user, write_ndjson

pytestmark = pytest.mark.slow
ROWS = 200
FAULTS = "select fault_code from job_attempts where job_id = ? order by attempt"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on which what will pass is tried again soon."""
    with site(tmp_path_factory.mktemp("site"), IMPORT_RETRY_SECONDS="1", IMPORT_WAIT_SECONDS="1") as here:
        yield here


@pytest.fixture(scope="module")
def shared_worker(here: Site) -> Iterator[Child]:
    worker = here.worker()
    yield worker
    worker.kill()


@pytest.fixture
def worker(shared_worker: Child) -> Child:
    """A worker that lives, whatever the test before has done to it."""
    if not shared_worker.pids:
        shared_worker.start()
    return shared_worker


@pytest.fixture
def source(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file of users that no other test has."""
    first = sum(map(ord, request.node.name)) * 10_000
    return write_ndjson(tmp_path / "users.ndjson", map(user, range(first, first + ROWS)))


def attempts_of(here: Site, run: UUID) -> int:
    """Assert that there is one job row, that it is completed, and that its users are in once; return its attempts."""
    ((status, attempts, inserted),) = here.query(
        "select status, attempts, inserted from import_jobs where job_id = ?", str(run)
    )
    assert (status, inserted) == ("completed", ROWS)
    assert here.query("select count(*) from users where created_by_job = ?", str(run)) == [(ROWS,)]
    return int(attempts)


def recover(here: Site) -> Counter[str]:
    """Do what the flow that looks for lost runs does every five minutes, and return how many are in each state now."""
    time.sleep(5)  # more than a job may wait for the database
    with temporary_settings({PREFECT_API_URL: here.server.url}), disable_run_logger():
        return recover_runs(here.settings, NoticeSettings(), silent_seconds=1)


@pytest.mark.usefixtures("worker")
def test_retry_after_the_missing_file_has_come(here: Site, source: Path) -> None:
    missing = source.rename(source.with_name("later.ndjson"))
    run = here.run("import-users", sources=[str(source)])
    failed = here.wait_for_end(run)
    assert failed.name == "Failed"
    assert "FILE_NOT_FOUND" in str(failed.message)
    assert here.states(run).count("AwaitingRetry") == 0, "what a person has to mend is not tried again"
    missing.rename(source)
    here.retry(run)
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == 2
    assert here.query(FAULTS, str(run)) == [("FILE_NOT_FOUND",)]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("step", ["stage a batch", "commit"])
def test_suspended_run_is_completed_by_resume(here: Site, source: Path, step: str) -> None:
    with here.holding(step) as held:
        run = here.run("import-users", sources=[str(source)])
        held()
        here.suspend(run)
        time.sleep(3)  # in most cases the job has heard of it
    wait_until(lambda: here.process_of(run) is None, "a suspended run has a process")
    assert here.read(run).state_name == "Suspended"
    here.resume(run)
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) in ((1, 2) if step == "commit" else (2,))


@pytest.mark.usefixtures("worker")
def test_cancelled_run_stays_cancelled(here: Site, source: Path) -> None:
    with here.holding("stage a batch") as held:
        run = here.run("import-users", sources=[str(source)])
        held()
        here.cancel(run)
        time.sleep(3)
    assert here.wait_for_end(run).name == "Cancelled"
    assert here.wait_for_end(here.run("recover", silent_seconds=1)).message == "no run has lost its worker"
    assert here.states(run)[-1] == "Cancelled"
    found = here.query("select status, attempts, fault_message, total from import_jobs where job_id = ?", str(run))
    assert found == [("canceled", 1, "the job was canceled by Prefect", ROWS)]


@pytest.mark.parametrize("step", ["stage a batch", "commit"])
def test_run_whose_process_is_killed_is_tried_again(here: Site, source: Path, worker: Child, step: str) -> None:
    with here.holding(step) as held:
        run = here.run("import-users", sources=[str(source)])
        held()
        here.kill_process_of(run)
        here.wait_for(run, "Crashed")
    assert recover(here) == {"AwaitingRetry": 1}
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == 2
    assert here.query(FAULTS, str(run)) == [("JOB_LOST",)]
    assert worker.pids


@pytest.mark.parametrize("step", ["stage a batch", "commit", "read back"])
def test_run_whose_worker_is_killed_is_tried_again(here: Site, source: Path, worker: Child, step: str) -> None:
    with here.holding(step) as held:
        run = here.run("import-users", sources=[str(source)])
        held()
        worker.kill()
    assert here.read(run).state_name == "Running"
    worker.start()
    assert recover(here) == {"AwaitingRetry": 1}
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == (1 if step == "read back" else 2)


def test_run_whose_worker_is_stopped_is_tried_again(here: Site, source: Path, worker: Child) -> None:
    with here.holding("stage a batch") as held:
        run = here.run("import-users", sources=[str(source)])
        process = held()
        worker.send(signal.SIGTERM)
        time.sleep(3)
    worker.wait(limit=120)
    worker.kill()
    assert here.process_of(run) in (None, process)
    worker.start()
    if here.states(run)[-1] == "Running":
        recover(here)
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == 2


@pytest.mark.usefixtures("worker")
def test_busy_database_is_tried_again(here: Site, source: Path) -> None:
    with here.store.reading():
        run = here.run("import-users", sources=[str(source)])
        here.wait_for(run, "AwaitingRetry")
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == 1, "no job had begun"


@pytest.mark.usefixtures("worker")
def test_schedule_has_parameters_of_its_own(here: Site, source: Path) -> None:
    here.schedule("import-users", every=timedelta(days=1), sources=[str(source)], external_id="nightly")
    find = "select job_id from import_jobs where external_id = 'nightly' and status = 'completed'"
    ((job,),) = wait_until(lambda: here.query(find), "no scheduled import")
    here.wait_for(UUID(str(job)), "Completed")
    assert attempts_of(here, UUID(str(job))) == 1


@pytest.mark.usefixtures("worker")
def test_two_workers_run_two_of_three_at_once(here: Site, source: Path) -> None:
    lines = source.read_text().splitlines(keepends=True)
    parts = [source.with_name(f"{number}.ndjson") for number in range(3)]
    for number, part in enumerate(parts):
        part.write_text("".join(lines[number::3]))
    with here.worker(), ExitStack() as stack:
        held = stack.enter_context(here.holding("stage a batch"))
        runs = [here.run("import-users", sources=[str(part)]) for part in parts]
        held()
        wait_until(lambda: sum(here.process_of(run) is not None for run in runs) == 2, "two run")
        wait_until(lambda: any("AwaitingConcurrencySlot" in here.states(run) for run in runs), "the third waits")
        assert sum(here.process_of(run) is not None for run in runs) == 2
        stack.close()
        for run in runs:
            here.wait_for(run, "Completed")
    inserted = "select sum(inserted)::int, max(attempts) from import_jobs where list_contains(?, job_id)"
    assert here.query(inserted, [*map(str, runs)]) == [(ROWS, 1)]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("step", ["stage a batch", "commit", "report"])
def test_server_that_is_away_for_a_minute_costs_no_user(here: Site, source: Path, step: str) -> None:
    with here.holding(step) as held:
        run = here.run("import-users", sources=[str(source)])
        held()
        here.server.stop()
    time.sleep(60)
    here.server.start()
    wait_until(lambda: here.process_of(run) is None, "the process has not ended")
    if here.read(run).state_name != "Completed":
        recover(here)
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == 1
