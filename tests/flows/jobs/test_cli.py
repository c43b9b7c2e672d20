"""The commands about jobs: filters, narrow terminals, waiting, and questions before anything is undone or stopped."""

import csv
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flows.jobs import waiting
from flows.jobs.arguments import parse_since
from flows.jobs.cli import app
from flows.report.command_line import main
from flows.report.vendors import VENDORS
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.job_status import KnownJob
from schemas.faults import ExitCode
from schemas.job import JobStatus, JobSummary
from tests.flows.importing import add_jobs, change_database, ended_job, import_records, new_id, query_rows

Run = Callable[..., tuple[int, str, str]]
NIGHT, DAY = ended_job("2026-01-01T00:00:00.000000Z", "night"), ended_job("2026-01-02T00:00:00.000000Z")


@pytest.fixture
def run(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a database with two jobs: exit code, stdout, stderr."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    add_jobs(store, [NIGHT, DAY])

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(app, [*arguments, "--database", str(store.path)])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@pytest.mark.parametrize("command", [("night",), ("forget", "x@example.com", "--yes")])
def test_an_inbox_without_a_name_is_not_the_current_folder(run: Run, command: tuple[str, ...]) -> None:
    code, _, err = run(*command, "--inbox", "")
    assert (code, "an empty text is not the name of a file" in err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), [DAY, NIGHT]),
        (("--status", "completed,failed"), [DAY, NIGHT]),
        (("--status", "failed", "--status", "canceled"), []),
        (("--since", "2026-01-01T12:00"), [DAY]),
        (("--since", "2026-01-03"), []),
        (("--since", "24h"), []),
        (("--external-id", "night"), [NIGHT]),
        (("--connection", "crm"), []),
        (("--file", "*.csv", "--limit", "1"), [DAY]),
        (("--file", "*.json"), []),
    ],
)
def test_the_list_takes_filters(run: Run, filters: tuple[str, ...], found: list[JobSummary]) -> None:
    code, out, _ = run("list", "--json", *filters)
    assert code == 0
    assert [job["job_id"] for job in json.loads(out)] == [job.job_id for job in found]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("list", "--status", "done"), "'done' is not a state of a job; there are pending, loading"),
        (("list", "--since", "yesterday"), "'yesterday' is not a date, a time or an age"),
        (("list", "--since", "999999w"), "is not a date, a time or an age"),
        (("wait", "last", "--timeout", "-1"), "-1 is negative"),
        (("status", "users"), "there is no job users"),
    ],
)
def test_what_cannot_be_used_is_named(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    code, _, err = run(*arguments)
    assert code in (ExitCode.USAGE, ExitCode.JOB_FAILED)
    assert reason in err


def test_a_time_without_a_zone_is_utc() -> None:
    class Token:
        value = "2026-01-02T03:04"

    assert parse_since(str, [Token]) == "2026-01-02T03:04:00+00:00"  # type: ignore[list-item] # only the value counts
    Token.value = "2h"
    age = datetime.now(UTC) - datetime.fromisoformat(parse_since(str, [Token]))  # type: ignore[list-item] # the same
    assert 7199 < age.total_seconds() < 7300


def test_a_pipe_gets_a_line_per_job_with_file_and_external_id(run: Run, settings: Settings) -> None:
    change_database(
        settings,
        "update import_jobs set undone_by_job = 'u', attempts = 2, files = ['in/a.csv', 'b.csv']"
        " where external_id = 'night'",
    )
    lines = csv.DictReader(run("list")[1].splitlines(), delimiter="\t")
    day, night = lines
    assert (night["file"], night["external_id"], night["undone_by"], night["attempts"]) == (
        "a.csv and 1 more",
        "night",
        "u",
        "2",
    )
    assert (day["job"], day["file"], day["external_id"], day["undone_by"]) == (DAY.job_id, "users.csv", "", "")


@pytest.mark.parametrize("columns", ["80", "50"])
def test_a_terminal_shows_each_job_in_its_width(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    undo = new_id()
    change_database(settings, "update import_jobs set undone_by_job = $undo where external_id = 'night'", undo=undo)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = run("list")[1].splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert [line for line in lines if not line.startswith(" ")] == [DAY.job_id, NIGHT.job_id]
    text = " ".join(" ".join(lines).split())
    assert "completed, 2026-01-01 00:00:00 UTC insert into default: users.csv, external id night" in text
    assert f"undone by {undo}" in text


def test_the_status_names_files_names_undo_and_attempts(run: Run, settings: Settings) -> None:
    change_database(
        settings,
        "update import_jobs set undone_by_job = 'u', attempts = 2, other_external_ids = ['dusk'],"
        " files = ['in/a.csv', 'b.csv'] where external_id = 'night'",
    )
    lines = run("status", "dusk")[1].splitlines()
    assert lines[2:6] == ["files: in/a.csv, b.csv", "external id night, dusk", "undone by u", "2 attempts"]
    document = json.loads(run("status", "dusk", "--json")[1])
    assert (document["undone_by_job"], document["attempts"], document["other_external_ids"]) == ("u", 2, ["dusk"])


def test_a_busy_database_is_named_and_hides_no_job(run: Run, store: Store) -> None:
    with store.writing():
        code, out, err = run("list", "--json")
        assert run("status", NIGHT.job_id)[0] == 0
        assert "DATABASE_BUSY" in run("status", "nothing")[2]
    assert (code, len(json.loads(out))) == (0, 2)
    assert "only jobs whose folder is still there are listed" in err


@pytest.mark.parametrize("vendor", VENDORS)
def test_busy_database_is_not_a_missing_job(run: Run, store: Store, vendor: str) -> None:
    unknown = new_id()
    with store.writing():
        code, out, err = run("status", unknown, "--as", vendor)
        assert json.loads(run("status", NIGHT.job_id, "--as", vendor)[1]) != VENDORS[vendor].missing(NIGHT.job_id)
    assert (code, out, "DATABASE_BUSY" in err) == (ExitCode.JOB_FAILED, "", True)
    assert json.loads(run("status", unknown, "--as", vendor)[1]) == VENDORS[vendor].missing(unknown)


def test_a_name_of_several_jobs_is_a_usage_error_with_their_list(run: Run, store: Store) -> None:
    other = replace(NIGHT, job_id=new_id())
    add_jobs(store, [other])
    code, _, err = run("errors", "night")
    assert code == ExitCode.USAGE
    assert other.job_id in err
    assert NIGHT.job_id in err


def test_a_lost_job_is_recorded_by_whoever_looks(run: Run, settings: Settings) -> None:
    change_database(settings, "update import_jobs set status = 'loading' where external_id = 'night'")
    JobFolder(settings.jobs_folder / NIGHT.job_id).write_status({"status": "loading", "rows": 1234})
    shown = run("status", "night")[1]
    assert ("JOB_LOST" in shown, "1,234 failed of 1,234" in shown) == (True, True)
    rows = query_rows(
        settings, "select fault_code, finished_at is not null from import_jobs where external_id = 'night'"
    )
    assert rows == [("JOB_LOST", True)]


@pytest.mark.parametrize("command", ["undo", "cancel"])
def test_another_name_than_the_id_needs_a_yes(run: Run, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    code, _, err = run(command, "night")
    assert code == ExitCode.USAGE
    assert f"'night' is job {NIGHT.job_id}; name it by its whole id, or add --yes" in err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdin, "readline", lambda: "n\n")
    code, _, err = run(command, "last")
    assert code == ExitCode.CANCELED
    assert f"job {DAY.job_id} of 2026-01-02T00:00:00, insert into default: users.csv; 1 inserted" in err
    assert f"{command} job {DAY.job_id}? [y/N]" in err


@pytest.mark.parametrize("shape", [(), ("--as", "auth0"), ("--json",)])
def test_the_csv_report_needs_its_system(run: Run, shape: tuple[str, ...]) -> None:
    code, out, err = run("errors", "last", "--csv", *shape)
    assert (code, "--as liferay" in out + err) == (ExitCode.USAGE, True)
    assert run("errors", "last", "--csv", "--as", "liferay")[0] == 0


def test_an_undo_by_another_name_is_done_after_a_yes(run: Run, settings: Settings) -> None:
    code, out, err = run("undo", "night", "--yes", "--json")
    assert (code, json.loads(out)["undoes"]) == (0, NIGHT.job_id)
    assert NIGHT.job_id in err
    assert query_rows(settings, "select sources from import_jobs where kind = 'undo'") == [([NIGHT.job_id],)]
    assert json.loads(run("undo", "night", "--dry-run", "--json")[1])["dry_run"]


def test_a_dry_run_is_applied_by_its_id_or_after_a_yes(run: Run, settings: Settings) -> None:
    planned = import_records(settings, [{"email": "ada@example.com"}], dry_run=True, external_id="plan")
    code, _, err = run("apply", "plan")
    assert (code, "add --yes" in err) == (ExitCode.USAGE, True)
    assert query_rows(settings, "select * from users") == []
    code, out, _ = run("apply", "plan", "--yes", "--json")
    document = json.loads(out)
    assert (code, document["inserted"], document["applies_job"]) == (0, 1, planned.job_id)
    code, out, err = run("apply", planned.job_id)
    assert (code, f"already applied by job {document['job_id']}" in err) == (0, True)
    assert "1 inserted" in out
    assert json.loads(run("status", document["job_id"], "--json")[1])["applies_job"] == planned.job_id


def test_a_stale_plan_is_a_fault_that_names_the_records(run: Run, settings: Settings) -> None:
    planned = import_records(settings, [{"email": "ada@example.com"}], dry_run=True)
    import_records(settings, [{"email": "ada@example.com"}])
    code, out, _ = run("apply", planned.job_id, "--json")
    fault = json.loads(out)["fault"]
    assert (code, fault["code"]) == (ExitCode.JOB_FAILED, "PLAN_STALE")
    assert "1 row would do something else: record 1" in fault["message"]
    code, out, _ = run("apply", NIGHT.job_id, "--json")
    assert (code, json.loads(out)["fault"]["code"]) == (ExitCode.JOB_FAILED, "NOT_APPLICABLE")


@pytest.mark.parametrize(
    ("status", "code"), [("completed", 0), ("completed_with_errors", 3), ("failed", 1), ("canceled", 130)]
)
def test_waiting_exits_as_the_job(run: Run, settings: Settings, status: str, code: int) -> None:
    change_database(settings, "update import_jobs set status = $status, failed = 1, inserted = 0", status=status)
    if code == 0:
        change_database(settings, "update import_jobs set failed = 0")
    assert run("wait", "night", "--timeout", "0")[0] == code


def pass_through(monkeypatch: pytest.MonkeyPatch, *states: KnownJob) -> None:
    """Have a job pass through these states, one each time it is asked for."""
    left = [*states]
    monkeypatch.setattr(waiting, "find_job", lambda *_: left.pop(0) if left[1:] else left[0])
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)


def running(status: str, **progress: object) -> KnownJob:
    return KnownJob(summary=replace(NIGHT, status=JobStatus(status)), progress=progress)


STATES = [
    running("loading", percent=10.0, rows=1000, seconds_left=9.0),
    running("loading", percent=20.5, rows=2050, seconds_left=None),
    running("importing"),
    running("completed"),
]


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ((), ["loading: 10 %, 1,000 rows, 9 s left", "importing"]),
        (("--follow",), ["loading: 10 %, 1,000 rows, 9 s left", "loading: 20.5 %, 2,050 rows", "importing"]),
    ],
)
@pytest.mark.parametrize("command", ["wait", "status"])
def test_progress_goes_to_stderr_until_the_end(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str, more: tuple[str, ...], lines: list[str]
) -> None:
    if command == "status" and not more:
        return
    pass_through(monkeypatch, *STATES)
    code, out, err = run(command, NIGHT.job_id, "--json", *more)
    assert (code, err.splitlines(), json.loads(out)["status"]) == (0, lines, "completed")


def test_the_end_of_the_time_is_not_the_end_of_the_job(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pass_through(monkeypatch, running("importing"))
    code, out, _ = run("wait", NIGHT.job_id, "--timeout", "0", "--json")
    fault = json.loads(out)["fault"]
    assert (code, fault["code"]) == (ExitCode.JOB_FAILED, "JOB_RUNNING")
    assert fault["message"] == f"job {NIGHT.job_id} has not ended within 0 seconds; it goes on (importing)"
    assert f"jobs wait {NIGHT.job_id} --database " in fault["hint"]


def test_ctrl_c_stops_the_waiting_and_not_the_job(
    run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = JobFolder(settings.jobs_folder / NIGHT.job_id)
    pass_through(monkeypatch, running("importing"))
    monkeypatch.setattr("time.sleep", lambda _: signal.raise_signal(signal.SIGINT))
    code, _, err = run("wait", NIGHT.job_id)
    assert code == ExitCode.CANCELED
    assert f"CANCELED: stopped waiting for job {NIGHT.job_id}, which goes on" in err
    assert not folder.cancel_requested
