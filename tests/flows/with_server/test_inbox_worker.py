"""The inbox as a deployment: whatever ends its worker or its run, every file is imported once or filed as it should."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.flows.with_server.worker import Child, Site, site, wait_until

pytestmark = pytest.mark.slow
LOADING, MERGING = "stage a batch", "insert_new_users"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture
def worker(here: Site) -> Iterator[Child]:
    with here.worker() as found:
        yield found


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def put(inbox: Path, name: str, *users: str) -> Path:
    """Write a file of users of this test, whose addresses nothing else has."""
    path = inbox / name
    path.write_text("email\n" + "".join(f"{address(inbox, user)}\n" for user in users))
    return path


def address(inbox: Path, user: str) -> str:
    return f"{user}@{inbox.parent.name.replace('_', '-')}.example.com"


def start(here: Site, inbox: Path) -> UUID:
    return here.run("inbox", inbox=str(inbox), settle_seconds=0)


def run(here: Site, inbox: Path) -> str:
    """Run the inbox to its end and return the message of its state."""
    return str(here.wait_for_end(start(here, inbox)).message)


def has(here: Site, inbox: Path, user: str) -> bool:
    found = here.query("select count(*) from users where email = ?", address(inbox, user))
    assert found in ([(0,)], [(1,)])
    return found == [(1,)]


@pytest.mark.parametrize(
    ("end", "step"),
    [
        ("kill the machine", LOADING),
        ("kill the machine", MERGING),
        ("kill the run", LOADING),
        ("terminate the worker", LOADING),
    ],
)
def test_file_of_a_process_that_is_gone_is_imported_by_the_next_run(
    here: Site, worker: Child, inbox: Path, step: str, end: str
) -> None:
    put(inbox, "users.csv", "ann")
    with here.holding(step) as held:
        lost = start(here, inbox)
        held()
        if end == "kill the machine":
            worker.kill()
        elif end == "kill the run":
            here.kill_process_of(lost)
        else:
            worker.send(signal.SIGTERM)
    if end == "terminate the worker":
        worker.wait()
    if end != "kill the run":
        worker.kill()
        worker.start()
    wait_until(lambda: here.process_of(lost) is None, "the process of the run lives")
    message = run(here, inbox)
    assert message.startswith("1 done"), message
    assert has(here, inbox, "ann")
    assert (inbox / "done/users.csv").exists()
    assert not (inbox / "refused").exists()
    state = here.read(lost).state
    assert state is not None
    assert state.is_final(), here.states(lost)
    jobs = here.query(
        "select status, fault_code from import_jobs where list_contains(sources, ?)", str(inbox / "users.csv")
    )
    assert "INTERNAL" not in {code for _, code in jobs}
    assert [status for status, _ in jobs].count("completed") == 1


@pytest.mark.usefixtures("worker")
def test_cancel_of_the_run_holds(here: Site, inbox: Path) -> None:
    put(inbox, "a.csv", "ann")
    put(inbox, "b.csv", "bob")
    with here.holding(LOADING) as held:
        canceled = start(here, inbox)
        held()
        here.cancel(canceled)
        wait_until(lambda: "Cancelling" in here.states(canceled), "it is not cancelled")
    assert here.wait_for_end(canceled).name == "Cancelled"
    wait_until(lambda: here.process_of(canceled) is None, "the process of the run lives")
    assert (inbox / "canceled/a.csv").exists()
    assert run(here, inbox).startswith("1 done")
    assert (has(here, inbox, "ann"), has(here, inbox, "bob")) == (False, True)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("how", ["page", "command"])
def test_cancel_of_the_run_of_a_file_holds_and_the_others_go_on(here: Site, inbox: Path, how: str) -> None:
    put(inbox, "a.csv", "ann")
    put(inbox, "b.csv", "bob")
    with here.holding(LOADING) as held:
        parent = start(here, inbox)
        held()
        (job,) = (run.id for run in here.runs() if run.name == "import a.csv" and run.state and run.state.is_running())
        if how == "page":
            here.cancel(job)
            time.sleep(15)  # the run asks every two seconds whether it is canceled, and the machine may be busy
        else:
            assert here.command("flows.jobs", "cancel", str(job)).returncode == 0
    assert here.wait_for_end(parent).name == "Completed"
    assert (inbox / "canceled/a.csv").exists()
    assert (has(here, inbox, "ann"), has(here, inbox, "bob")) == (False, True)
    assert run(here, inbox) == "nothing new in the inbox"


@pytest.mark.usefixtures("worker")
def test_second_run_is_skipped_and_what_changes_meanwhile_stays(here: Site, inbox: Path) -> None:
    users = put(inbox, "users.csv", "ann")
    with here.holding(MERGING) as held:
        first = start(here, inbox)
        held()
        assert run(here, inbox) == "skipped: another run is at work on the inbox"
        put(inbox, ".new", "bob").rename(users)
    assert str(here.wait_for_end(first).message).startswith("1 changed; 1 inserted")
    assert run(here, inbox).startswith("1 done; 1 inserted")
    assert (has(here, inbox, "ann"), has(here, inbox, "bob")) == (True, True)
