"""The inbox finds complete files only, and archives each one with its report."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from flows.inbox.folder import RETRIED_CODES, Inbox
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary
from tests.flows.report.test_artifacts import FAILED, SUMMARY, error

NOW = 1_000_000.0


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def put(inbox: Inbox, name: str, *, age: float = 60) -> Path:
    path = inbox.path / name
    path.write_text("{}")
    os.utime(path, (NOW - age, NOW - age))
    return path


def test_new_files_are_sorted_by_name_and_no_longer_written_to(inbox: Inbox) -> None:
    late = put(inbox, "b.json")
    early = put(inbox, "a.csv")
    put(inbox, "c.json", age=1)
    assert inbox.find_new_files(settled_before=NOW - 10) == [early, late]


def test_incomplete_hidden_and_linked_files_are_ignored(inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path.parent / "elsewhere.json"
    secret.write_text("{}")
    (inbox.path / "link.json").symlink_to(secret)
    (inbox.path / "folder.json").mkdir()
    for name in (".hidden.json", "users.json.part", "users.csv.TMP"):
        put(inbox, name)
    assert inbox.find_new_files(settled_before=NOW) == []


@pytest.mark.parametrize(
    ("summary", "folder"),
    [
        (replace(SUMMARY, status=JobStatus.COMPLETED), "done"),
        (SUMMARY, "done"),
        (FAILED, "refused"),
        (replace(FAILED, fault={"code": "TOO_MANY_ERRORS", "message": "m", "hint": ""}), "refused"),
    ],
)
def test_file_is_moved_by_its_result_with_a_report_beside_it(inbox: Inbox, summary: JobSummary, folder: str) -> None:
    moved = inbox.archive(put(inbox, "users.json"), summary, [error(7)])
    assert moved == inbox.path / folder / "users.json"
    assert moved.read_text() == "{}"
    report = json.loads((inbox.path / folder / "users.json.report.json").read_text())
    assert report["summary"]["job_id"] == SUMMARY.job_id
    assert report["errors"] == [error(7)]
    assert inbox.find_new_files(settled_before=NOW) == []


@pytest.mark.parametrize("code", sorted(RETRIED_CODES))
def test_file_stays_for_the_next_run_if_the_fault_may_pass(inbox: Inbox, code: str) -> None:
    path = put(inbox, "users.json")
    status = JobStatus.CANCELED if code == "CANCELED" else JobStatus.FAILED
    assert (
        inbox.archive(path, replace(FAILED, status=status, fault={"code": code, "message": "", "hint": ""}), []) is None
    )
    assert inbox.find_new_files(settled_before=NOW) == [path]


def test_file_does_not_replace_one_of_the_same_name(inbox: Inbox) -> None:
    names = [inbox.archive(put(inbox, "users.json"), SUMMARY, []) for _ in range(3)]
    job = SUMMARY.job_id
    assert [path.name for path in names if path] == ["users.json", f"users.{job}.json", f"users.{job}.2.json"]
    assert len([*(inbox.path / "done").glob("*.report.json")]) == 3


def test_archived_files_are_readable_by_their_owner_only(inbox: Inbox) -> None:
    moved = inbox.archive(put(inbox, "users.json"), SUMMARY, [])
    assert moved is not None
    assert moved.parent.stat().st_mode & 0o777 == 0o700
    assert moved.with_name("users.json.report.json").stat().st_mode & 0o777 == 0o600


def test_only_one_run_locks_an_inbox(inbox: Inbox) -> None:
    with inbox.try_lock() as first, inbox.try_lock() as second:
        assert (first, second) == (True, False)
    with inbox.try_lock() as again:
        assert again


def test_missing_inbox_raises_a_fault(tmp_path: Path) -> None:
    with pytest.raises(JobFault, match="there is no folder"), Inbox(tmp_path / "gone").try_lock():
        pass
