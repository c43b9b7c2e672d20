"""A job whose rows all break rules has failed, and still has all that a job with refused rows has."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.jobs.cli import app as jobs
from flows.report.command_line import main
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.retention import purge
from schemas.codes import ErrorCode
from schemas.faults import ExitCode, JobFault
from schemas.job import JobStatus, JobSummary, Mode, OnError
from tests.flows.importing import import_file, import_records, query_rows, read_users

FAULTY: list[Mapping[str, object]] = [{"email": "no address"}, {"email": "ann@x.example", "shoe_size": 44}]
GOOD: list[Mapping[str, object]] = [{"email": "ann@x.example"}, {"email": "bob@x.example"}]


def outcome(summary: JobSummary) -> tuple[JobStatus, str | None, int]:
    return summary.status, summary.fault["code"] if summary.fault else None, summary.exit_code


REFUSED = (JobStatus.FAILED, "NOTHING_ACCEPTED", ExitCode.JOB_FAILED)
PARTLY = (JobStatus.COMPLETED_WITH_ERRORS, None, ExitCode.ROWS_REFUSED)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_job_whose_rows_all_break_rules_fails_with_its_errors_and_refused_rows(
    mode: Mode, *, dry_run: bool, settings: Settings
) -> None:
    summary = import_records(settings, FAULTY, mode, dry_run=dry_run)
    assert outcome(summary) == REFUSED
    assert (summary.total, summary.failed, summary.errors_by_code) == (2, 2, {"FORMAT": 1, "UNKNOWN_FIELD": 1})
    assert summary.fault
    assert summary.fault["message"] == "none of the 2 rows was accepted"
    assert f"jobs rejects {summary.job_id} -o FILE --database {settings.database}`" in summary.fault["hint"]
    assert read_users(settings) == []
    assert query_rows(settings, "select record, code from import_errors order by record") == [
        (1, "FORMAT"),
        (2, "UNKNOWN_FIELD"),
    ]
    assert query_rows(settings, "select record, codes from rejected_users order by record") == [
        (1, ["FORMAT"]),
        (2, ["UNKNOWN_FIELD"]),
    ]


def test_a_file_without_a_readable_row_is_one_too(settings: Settings) -> None:
    path = settings.database.parent / "users.ndjson"
    path.write_text('{"email": \n[]\n')
    assert outcome(import_file(settings, path)) == REFUSED


def test_its_refused_rows_can_be_corrected_and_imported(settings: Settings, tmp_path: Path) -> None:
    job_id = import_records(settings, FAULTY).job_id
    written = write_rejects(Store(settings), job_id, tmp_path / "fix.ndjson")
    assert written.records == 2
    text = written.path.read_text().replace("no address", "eve@x.example").replace('"shoe_size": 44', '"name": "Ann"')
    written.path.write_text(text)
    assert outcome(import_file(settings, written.path)) == (JobStatus.COMPLETED, None, ExitCode.ALL_ROWS_IN)
    purge(Store(settings), days=0)
    with pytest.raises(JobFault) as raised:
        write_rejects(Store(settings), job_id, tmp_path / "again.ndjson")
    assert raised.value.code is ErrorCode.REJECTS_PURGED


def test_a_job_that_failed_for_it_is_never_already_imported(settings: Settings) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text("email\nno address\n")
    first, second = (import_file(settings, path, again=False) for _ in range(2))
    assert first.job_id != second.job_id
    assert outcome(second) == REFUSED


def test_rows_that_conflict_with_users_do_not_fail_the_job(settings: Settings) -> None:
    import_records(settings, GOOD, Mode.INSERT)
    assert outcome(import_records(settings, GOOD, Mode.INSERT)) == PARTLY
    assert outcome(import_records(settings, [*GOOD, *GOOD, *FAULTY], Mode.INSERT)) == PARTLY
    assert outcome(import_records(settings, [{"email": "new@x.example"}], Mode.UPDATE)) == PARTLY
    assert outcome(import_records(settings, [{"email": "new@x.example"}], Mode.UPDATE, dry_run=True)) == PARTLY


def test_a_file_without_rows_is_complete(settings: Settings) -> None:
    assert outcome(import_records(settings, [])) != REFUSED
    path = settings.database.parent / "users.csv"
    path.write_text("email\n")
    assert outcome(import_file(settings, path)) == (JobStatus.COMPLETED, None, ExitCode.ALL_ROWS_IN)


@pytest.mark.parametrize("options", [{"on_error": OnError.FAIL}, {"max_errors": 1}, {"max_error_rate": 0.5}])
def test_a_threshold_keeps_its_own_code(options: dict[str, Any], settings: Settings) -> None:
    summary = import_records(settings, FAULTY, **options)
    assert outcome(summary) == (JobStatus.FAILED, "TOO_MANY_ERRORS", ExitCode.JOB_FAILED)


def test_other_systems_see_a_finished_job_with_errors(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = import_records(settings, FAULTY).job_id

    def show(command: str, vendor: str) -> str:
        assert main(jobs, [command, job_id, "--as", vendor, "--database", str(settings.database)]) == 0
        return capsys.readouterr().out

    auth0 = json.loads(show("status", "auth0"))
    assert (auth0["status"], auth0["summary"]["failed"], "status_details" in auth0) == ("completed", 2, False)
    assert json.loads(show("status", "fullstory"))["job"]["status"] == "FAILED"
    rocketchat = json.loads(show("status", "rocketchat"))
    assert (rocketchat["state"], rocketchat["operation"]["status"]) == ("done", "importer_done")
    liferay = json.loads(show("status", "liferay"))
    assert (liferay["executeStatus"], len(liferay["failedItems"])) == ("COMPLETED", 2)
    assert [found["errors"][0]["code"] for found in json.loads(show("errors", "auth0"))] == ["FORMAT", "UNKNOWN_FIELD"]
