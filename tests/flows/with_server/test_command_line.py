"""The command with a private server, as a whole process: what it prints, what it leaves, how signals end it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.settings import Settings
from flows.store.database import Store
from tests.flows.with_server.conftest import environment
from tests.robustness.processes import hold_database, import_in_process, wait_until

HOLD = """
import sys, time
from flows.import_users import local_server
with local_server.choose_api() as api:
    api.wait_until_ready()
    print(api.server.process.pid, flush=True)
    time.sleep(60)
"""


def gone(pid: int, *, within: float) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def left_behind(mark: str) -> list[str]:
    """The commands of the processes that have the mark in their environment."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.ndjson"
    path.write_text('{"email": "ann@example.com"}\n{"email": "no address"}\n')
    return path


def test_a_run_with_a_private_server_prints_one_document_and_is_seen_by_a_later_server(
    client: SyncPrefectClient, prefect_home: Path, users: Path, tmp_path: Path
) -> None:
    mark = f"run-{uuid4()}"
    done = subprocess.run(
        [sys.executable, "-m", "flows.import_users", users, "--database", tmp_path / "u.duckdb", "--json"],
        env={**environment(prefect_home), "MARK": mark},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    summary = json.loads(done.stdout)
    assert "refect" not in done.stderr
    assert "nanobind" not in done.stderr
    assert left_behind(mark) == []
    shown = client.read_flow_run(UUID(summary["job_id"]))
    assert shown.state is not None
    assert shown.state.name == "CompletedWithErrors"


@pytest.fixture
def holder(
    prefect_home: Path,
    api_url: str,  # noqa: ARG001 - the home has to be there
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process with a private server that is ready, and that server's pid."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], env=environment(prefect_home), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


@pytest.mark.slow
def test_a_private_server_ends_with_the_process_that_is_killed(holder: tuple[subprocess.Popen[str], int]) -> None:
    process, server = holder
    process.send_signal(signal.SIGKILL)
    assert gone(server, within=5)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_job_and_the_run(
    client: SyncPrefectClient, prefect_home: Path, api_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    many = tmp_path / "many.ndjson"
    many.write_text("".join(f'{{"email": "user{number}@example.com"}}\n' for number in range(500_000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.import_users", many, "--database", tmp_path / "u.duckdb", "--json"],
        env={**environment(prefect_home), "PREFECT_API_URL": api_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while not [*tmp_path.glob("jobs/*-*/status.json")]:
        time.sleep(0.05)
        assert process.poll() is None
    asked = time.monotonic()
    process.send_signal(number)
    summary = json.loads(process.communicate(timeout=30)[0])
    assert time.monotonic() - asked < 10
    assert process.returncode == 130
    assert summary["status"] == "canceled"
    shown = client.read_flow_run(UUID(summary["job_id"]))
    assert shown.state is not None
    assert shown.state.name == "Cancelled"


@pytest.mark.slow
@pytest.mark.parametrize("waits_for", ["a silent pipe", "its turn to begin"])
def test_a_run_that_waits_hears_a_signal(
    client: SyncPrefectClient, prefect_home: Path, api_url: str, tmp_path: Path, waits_for: str
) -> None:
    settings = Settings(database=tmp_path / "u.duckdb")
    Store(settings).prepare()
    home = {name: value for name, value in environment(prefect_home).items() if name.startswith("PREFECT_")}
    with hold_database(settings) if waits_for == "its turn to begin" else nullcontext():
        process = import_in_process(settings, "-", **home, PREFECT_API_URL=api_url, IMPORT_WAIT_SECONDS="60")
        wait_until(lambda: [*settings.jobs_folder.glob("*/lock" if waits_for == "its turn to begin" else "*/stdin")])
        (job,) = (path.parent.name for path in settings.jobs_folder.glob("*/lock"))
        time.sleep(0.5)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 130
        assert time.monotonic() - asked < 10
    run = client.read_flow_run(UUID(job))
    assert run.state is not None
    assert (run.state.type.value, "a signal" in str(run.state.message)) == ("CANCELLED", True)
