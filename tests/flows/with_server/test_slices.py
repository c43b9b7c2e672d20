"""Runs that are loaded by several processes: a retry takes up what they had finished, and none outlives its run."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from flows.store.slices.bucket import MANIFEST
from tests.flows.with_server.test_retries import ROWS, attempts_of, recover
from tests.flows.with_server.worker import Child, Site, find_processes, site, wait_until

pytestmark = pytest.mark.slow
SECOND = "slice 1: begin"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on which every import is loaded by two processes."""
    folder = tmp_path_factory.mktemp("site")
    with site(folder, IMPORT_TASK_RUNNER="processes:2", IMPORT_RETRY_SECONDS="1", IMPORT_WAIT_SECONDS="1") as here:
        yield here


@pytest.fixture(scope="module")
def worker(here: Site) -> Iterator[Child]:
    with here.worker() as worker:
        yield worker


@pytest.fixture
def sources(tmp_path: Path, request: pytest.FixtureRequest) -> list[str]:
    """Two files, which cannot be cut, of users that no other test has."""
    name = f"{sum(map(ord, request.node.name))}"
    paths = [tmp_path / f"{number}.csv" for number in range(2)]
    for path in paths:
        lines = (f"u{name}.{path.stem}.{number}@example.com\n" for number in range(ROWS // 2))
        path.write_text("email\n" + "".join(lines))
    return [*map(str, paths)]


def manifests_of(here: Site, run: UUID) -> Mapping[str, int]:
    """Return the finished slices of the run's job with the time of each."""
    found = here.settings.slices_of(str(run)).glob(f"*/{MANIFEST}")
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def processes_of(run: UUID) -> list[int]:
    return find_processes(f"PREFECT__FLOW_RUN_ID={run}")


@pytest.mark.usefixtures("worker")
def test_retry_takes_up_the_slices_that_a_killed_run_had_finished(here: Site, sources: list[str]) -> None:
    with here.holding(SECOND) as held:
        run = here.run("import-users", sources=sources)
        held()
        finished = wait_until(lambda: manifests_of(here, run), "no slice is finished")
        assert len(processes_of(run)) >= 3
        here.kill_process_of(run)
        here.wait_for(run, "Crashed")
    assert [*finished] == [name for name in finished if name.startswith("00000-")]
    with here.holding("commit") as held:
        assert recover(here) == {"AwaitingRetry": 1}
        held()
        found = manifests_of(here, run)
    assert finished.items() < found.items()
    assert sorted(name.partition("-")[0] for name in found) == ["00000", "00001"]
    here.wait_for(run, "Completed")
    assert attempts_of(here, run) == 2
    assert here.query("select total, failed from import_jobs where job_id = ?", str(run)) == [(ROWS, 0)]
    assert manifests_of(here, run) == {}


@pytest.mark.usefixtures("worker")
def test_cancelled_run_leaves_no_process_and_no_user(here: Site, sources: list[str]) -> None:
    before = here.query("select count(*) from users")
    with here.holding(SECOND) as held:
        run = here.run("import-users", sources=sources)
        process = held()
        assert {process} < {*processes_of(run)}
        here.cancel(run)
        wait_until(lambda: not processes_of(run), "processes of the run live", limit=60)
    assert here.wait_for_end(run).name == "Cancelled"
    time.sleep(1)
    assert processes_of(run) == []
    assert here.query("select status from import_jobs where job_id = ?", str(run)) == [("canceled",)]
    assert here.query("select count(*) from users") == before
