"""What an inbox has filed is removed after its retention, with its report and refused records, and nothing else."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.inbox.archive import Filing
from flows.inbox.folder import Inbox
from flows.inbox.retention import purge_filed, purge_inboxes, remove_leftovers
from flows.jobs.cli import app as jobs
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from schemas.faults import ExitCode
from tests.flows.importing import import_file
from tests.flows.inbox.test_archive import DONE, file_one, names_in, put, report_of


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def test_purge_removes_what_was_filed_before_the_period(inbox: Inbox) -> None:
    def write(path: Path) -> int:
        path.write_text("refused")
        return 1

    file_one(inbox, put(inbox, "new.csv"))
    _, old = file_one(inbox, put(inbox), Filing(DONE, write_rejects=write), "partly")
    assert old is not None
    report = report_of(old)
    report["file"]["filed_at"] = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    old.with_name("users.csv.report.json").write_text(json.dumps(report))
    before = names_in(inbox)
    names = ["users.csv", "users.rejects.csv", "users.csv.report.json"]
    assert [path.name for path in purge_filed(inbox, days=30, dry_run=True)] == names
    assert names_in(inbox) == before
    assert [path.name for path in purge_filed(inbox, days=30, dry_run=False)] == names
    assert names_in(inbox) == ["done/new.csv", "done/new.csv.report.json"]


def test_purge_removes_what_has_no_report_but_not_what_was_filed_since(inbox: Inbox) -> None:
    def write(path: Path) -> int:
        path.write_text("refused")
        return 1

    _, old = file_one(inbox, put(inbox), Filing(DONE, write_rejects=write), "partly")
    assert old is not None
    (inbox.path / "partly/users.rejects.csv").rename(inbox.path / "users.rejects.csv")  # corrected, and again partly
    _, again = file_one(inbox, inbox.path / "users.rejects.csv", outcome="partly")
    assert again == inbox.path / "partly/users.rejects.csv"
    report = report_of(old)
    report["file"]["filed_at"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    old.with_name("users.csv.report.json").write_text(json.dumps(report))
    assert [path.name for path in purge_filed(inbox, days=1)] == ["users.csv", "users.csv.report.json"]
    again.with_name(f"{again.name}.report.json").unlink()
    assert purge_filed(inbox, days=1) == []
    assert purge_filed(inbox, days=-1) == [again]
    assert names_in(inbox) == []


def test_temporary_files_of_a_process_that_was_killed_are_removed(inbox: Inbox) -> None:
    _, moved = file_one(inbox, put(inbox))
    assert moved is not None
    for name in (".user-import-0123abcd.csv", ".user-import-0123abcd", ".hidden"):
        put(inbox, f"done/{name}")
    put(inbox, ".user-import-0123abcd.csv")
    remove_leftovers(inbox)
    left = [".user-import-0123abcd.csv", "done/.hidden", "done/users.csv", "done/users.csv.report.json"]
    assert names_in(inbox) == left


def test_inboxes_of_jobs_are_purged_after_their_own_period(
    inbox: Inbox, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with inbox.try_lock():
        path = put(inbox)
        summary = import_file(settings, path)
        _, filed = file_one(inbox, path, Filing(summary))
    assert filed is not None
    store = Store(settings)
    assert purge_inboxes(store, days=None) == ([], [])
    assert purge_inboxes(store, days=1) == ([], [])
    own = Store(replace(settings, inbox_retention_days=0))
    files = [filed, filed.with_name("users.csv.report.json")]
    assert purge_inboxes(own, days=None, dry_run=True) == (files, [])
    with inbox.try_lock():
        assert purge_inboxes(own, days=None) == ([], [])  # it is at work
    command = ["purge", "--inbox-days", "0", "--json", "--database", str(settings.database)]
    assert main(jobs, command) == ExitCode.ALL_ROWS_IN
    assert json.loads(capsys.readouterr().out)["files"] == [*map(str, files)]
    assert not any(path.exists() for path in files)
