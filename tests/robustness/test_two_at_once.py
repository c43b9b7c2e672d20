"""Concurrent imports into one database wait until a deadline, never lose a row, and are limited in number."""

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.jobs.cli import app
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.job_status import find_job_named
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, ExitCode
from schemas.job import JobStatus
from tests.flows.importing import import_records, query_rows, read_users
from tests.population import user, write_ndjson
from tests.robustness.processes import ROOT, hold_database, import_in_process, wait_until


@pytest.mark.usefixtures("store")
def test_two_processes_import_into_one_database_and_both_succeed(settings: Settings) -> None:
    files = [write_ndjson(settings.database.parent / f"{n}.ndjson", [user(n)]) for n in range(2)]
    with import_in_process(settings, str(files[0])) as one, import_in_process(settings, str(files[1])) as other:
        summaries = [json.loads(process.communicate()[0]) for process in (one, other)]
    assert [summary["status"] for summary in summaries] == ["completed", "completed"]
    assert len(read_users(settings)) == 2


def test_two_processes_create_one_database(settings: Settings) -> None:
    files = [write_ndjson(settings.database.parent / f"{n}.ndjson", [user(n)]) for n in range(2)]
    with import_in_process(settings, str(files[0])) as one, import_in_process(settings, str(files[1])) as other:
        codes = [process.communicate() and process.returncode for process in (one, other)]
    assert codes == [0, 0]
    assert len(read_users(settings)) == 2
    versions = query_rows(settings, "select count(*), count(distinct version) from schema_migrations")
    assert versions[0][0] == versions[0][1]


def test_a_job_waits_for_a_reader_until_its_deadline_and_names_it(settings: Settings) -> None:
    with ExitStack() as reading:
        pids = []

        def start(step: str) -> None:
            if step == "enter importing":
                pids.append(reading.enter_context(hold_database(settings)))

        started = time.monotonic()
        with on_fault_point(start):
            summary = import_records(settings, [user(1)], name="job")
        assert time.monotonic() - started > settings.wait_seconds
    assert summary.fault is not None
    assert (summary.status, summary.fault["code"]) == (JobStatus.FAILED, ErrorCode.DATABASE_BUSY)
    assert f"is held by process {pids[0]}" in summary.fault["message"]
    assert read_users(settings) == []
    assert find_job_named(Store(settings), "job").summary.fault == summary.fault


@pytest.mark.usefixtures("store")
def test_a_job_that_cannot_begin_for_a_reader_fails(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with hold_database(settings) as reader, pytest.raises(DatabaseFault, match=f"held by process {reader}"):
        import_records(settings, [user(1)])
    assert main(app, ["list", "--json", "--database", str(settings.database)]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.usefixtures("store")
def test_a_job_succeeds_as_soon_as_the_reader_has_ended(settings: Settings) -> None:
    patient = Settings(database=settings.database, wait_seconds=60)
    with ExitStack() as reading:
        reading.enter_context(hold_database(settings))
        with import_in_process(patient, str(_file(settings))) as process:
            time.sleep(2)
            assert process.poll() is None, "it waits"
            reading.close()
    assert process.returncode == 0
    assert len(read_users(settings)) == 1


def _file(settings: Settings) -> Path:
    return write_ndjson(settings.database.parent / "users.ndjson", [user(1)])


@pytest.mark.usefixtures("store")
def test_a_waiting_job_is_canceled_at_once(settings: Settings) -> None:
    """The job would wait a minute for a reader."""
    source = str(_file(settings))
    with import_in_process(settings, "-", IMPORT_WAIT_SECONDS="60") as process:
        job = _find_running_job(settings)
        with hold_database(settings):
            assert process.stdin is not None
            process.stdin.write(Path(source).read_text())
            process.stdin.close()
            process.stdin = None
            time.sleep(1)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=50)
            assert time.monotonic() - started < 10
    assert json.loads(out)["status"] == "canceled"
    assert find_job_named(Store(settings), job).summary.status is JobStatus.CANCELED


def _find_running_job(settings: Settings) -> str:
    """Return the id of the job that has just begun."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        running = [path.parent.name for path in settings.jobs_folder.glob("*/stdin")]
        if running:
            return running[0]
        time.sleep(0.05)
    raise AssertionError("no job began")


@pytest.mark.usefixtures("store")
def test_a_third_job_is_refused_and_a_killed_one_frees_its_slot(settings: Settings) -> None:
    with import_in_process(settings, "-") as one, import_in_process(settings, "-") as other:
        wait_until(lambda: len([*settings.jobs_folder.glob("*/stdin")]) == 2)
        third = import_records(settings, [user(1)], name="third")
        assert third.fault is not None
        assert (third.status, third.fault["code"]) == (JobStatus.FAILED, ErrorCode.TOO_MANY_JOBS)
        one.kill()
        one.wait()
        assert import_records(settings, [user(1)], name="fourth").status is JobStatus.COMPLETED
        other.kill()
    jobs = query_rows(settings, "select job_id from import_jobs where job_id not in ('third', 'fourth')")
    assert [find_job_named(Store(settings), str(job)).summary.status for (job,) in jobs] == [JobStatus.FAILED] * 2


def test_many_concurrent_imports_lose_no_row() -> None:
    """Three processes, some killed; `python -m tests.robustness.crowd --imports 100` runs more."""
    command = [sys.executable, "-m", "tests.robustness.crowd", "--processes", "3", "--imports", "4", "--kills", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == ExitCode.ALL_ROWS_IN, ended.stdout + ended.stderr
    assert ", 0 lost" in ended.stdout
