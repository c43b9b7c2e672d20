"""A job that waits for a busy database or a silent pipe stops at once."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from flows.jobs.cli import app as jobs
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_status import find_job_named
from schemas.codes import ErrorCode
from schemas.faults import ExitCode
from schemas.job import JobStatus
from tests.flows.importing import import_records, query_rows, read_users
from tests.marks import mostly_slow
from tests.population import user, write_ndjson
from tests.robustness.processes import ROOT, hold_database, import_in_process, wait_until

SOON = 5  # seconds on a busy machine, half a second on an idle one; without a stop they would wait for a minute
ADA = '{"email": "ada@x.example"}\n'
Stop = Callable[[Settings, "subprocess.Popen[str]"], object]


def cancel(settings: Settings, _process: "subprocess.Popen[str]") -> None:
    """Cancel the only job with `jobs cancel`."""
    (job,) = (path.parent.name for path in settings.jobs_folder.glob("*/lock"))
    assert main(jobs, ["cancel", job, "--database", str(settings.database)]) == ExitCode.ALL_ROWS_IN


STOPS: dict[str, Stop] = {
    "SIGINT": lambda _settings, process: process.send_signal(signal.SIGINT),
    "SIGTERM": lambda _settings, process: process.send_signal(signal.SIGTERM),
    "jobs cancel": cancel,
}


def stop(settings: Settings, process: "subprocess.Popen[str]", *, by: str) -> str:
    """Stop the process, assert that it ends soon with the code of a canceled job, and return what it printed."""
    started = time.monotonic()
    STOPS[by](settings, process)
    try:
        out, errors = process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert time.monotonic() - started < SOON
    assert (process.returncode, "Traceback" in errors) == (ExitCode.CANCELED, False), errors
    return out or errors


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("by", mostly_slow(STOPS, quick=("SIGTERM",)))
@pytest.mark.parametrize("writes", [False, True], ids=["before the merge", "before the load"])
def test_a_job_that_waits_for_a_busy_database_is_stopped_at_once(settings: Settings, by: str, writes: bool) -> None:
    with ExitStack() as held:
        process = import_in_process(settings, "-", IMPORT_WAIT_SECONDS="60")
        wait_until(lambda: [*settings.jobs_folder.glob("*/stdin")])
        held.enter_context(hold_database(settings, writes=writes))
        assert process.stdin is not None
        process.stdin.write(ADA)
        process.stdin.close()
        process.stdin = None
        time.sleep(1)
        assert process.poll() is None, "it waits"
        summary = json.loads(stop(settings, process, by=by))
    assert (summary["status"], summary["fault"]["code"]) == ("canceled", "CANCELED")
    assert find_job_named(Store(settings), summary["job_id"]).summary.status is JobStatus.CANCELED
    assert read_users(settings) == []


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("by", STOPS)
def test_a_job_that_waits_to_begin_is_stopped_at_once(settings: Settings, by: str) -> None:
    source = write_ndjson(settings.database.parent / "users.ndjson", [user(1)])
    with hold_database(settings):
        process = import_in_process(settings, str(source), IMPORT_WAIT_SECONDS="60")
        wait_until(lambda: [*settings.jobs_folder.glob("*/lock")])
        time.sleep(0.5)
        assert "CANCELED" in stop(settings, process, by=by)
    assert query_rows(settings, "from import_jobs") == []
    assert [*settings.jobs_folder.glob("*-*")] == []


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("by", STOPS)
def test_a_job_that_waits_for_a_silent_pipe_is_stopped_at_once(settings: Settings, by: str) -> None:
    process = import_in_process(settings, "-")
    wait_until(lambda: [*settings.jobs_folder.glob("*/stdin")])
    assert process.stdin is not None
    process.stdin.write(ADA)
    process.stdin.flush()
    with process.stdin as pipe:
        process.stdin = None  # the pipe stays open
        summary = json.loads(stop(settings, process, by=by))
        assert not pipe.closed
    assert summary["status"] == "canceled"
    assert read_users(settings) == []


@pytest.mark.usefixtures("store")
def test_a_silent_pipe_is_not_waited_for_beyond_the_time_limit(settings: Settings) -> None:
    process = import_in_process(settings, "-", IMPORT_TIME_LIMIT_SECONDS="1")
    assert process.wait(timeout=30) == ExitCode.JOB_FAILED
    assert json.loads(process.communicate()[0])["fault"]["code"] == ErrorCode.TIMED_OUT


def test_a_closed_standard_input_is_reported(settings: Settings) -> None:
    command = f"{sys.executable} -m flows.import_users - --direct --json --database {settings.database} <&-"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S602
    assert json.loads(ended.stdout)["fault"]["code"] == ErrorCode.FILE_UNREADABLE


@pytest.mark.parametrize(
    ("command", "by"),
    [
        (["flows.jobs", "undo"], "SIGINT"),
        (["flows.jobs", "forget", "--yes"], "SIGTERM"),
        (["flows.connections", "show"], "SIGINT"),
    ],
)
def test_a_command_that_waits_for_a_busy_database_is_stopped_at_once(
    settings: Settings, command: list[str], by: str
) -> None:
    job = import_records(settings, [user(1)])
    before = read_users(settings)
    whole = [sys.executable, "-m", *command, job.job_id, "--database", str(settings.database)]
    with (
        hold_database(settings, writes=True),
        subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process,
    ):
        wait_until(lambda: "duckdb" in Path(f"/proc/{process.pid}/maps").read_text())
        time.sleep(1)
        assert process.poll() is None, "it waits"
        assert "CANCELED" in stop(settings, process, by=by)
    assert read_users(settings) == before
    assert query_rows(settings, "select count(*) from import_jobs") == [(1,)]


@pytest.mark.usefixtures("store")
def test_an_undo_that_waits_is_canceled_by_the_jobs_command(settings: Settings) -> None:
    job = import_records(settings, [user(1)])
    with hold_database(settings):
        whole = [sys.executable, "-m", "flows.jobs", "undo", job.job_id, "--database", str(settings.database)]
        process = subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        (settings.jobs_folder / job.job_id / "lock").unlink()
        wait_until(lambda: [*settings.jobs_folder.glob("*/lock")])
        time.sleep(0.5)
        assert "CANCELED" in stop(settings, process, by="jobs cancel")
    assert len(read_users(settings)) == 1


def test_a_running_job_is_canceled_though_the_database_is_busy(settings: Settings) -> None:
    """The command does not wait for the holder of the database, be it the job or another process."""
    impatient = replace(settings, wait_seconds=0)
    Store(impatient).prepare()
    process = import_in_process(settings, "-")
    wait_until(lambda: [*settings.jobs_folder.glob("*/stdin")])
    with hold_database(settings, writes=True):
        cancel(impatient, process)
        assert process.wait(timeout=30) == ExitCode.CANCELED
