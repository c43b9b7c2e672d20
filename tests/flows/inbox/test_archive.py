"""Files are filed as they were read, by their outcome, and nothing replaces or loses another file."""

import errno
import hashlib
import json
import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.inbox import archive
from flows.inbox.archive import (
    RETRIED_CODES,
    Filing,
    Opened,
    Outcome,
    file_away,
    outcome_of,
)
from flows.inbox.folder import Inbox
from flows.inbox.reports import filed_files
from flows.readers.sources import Source
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary
from tests.flows.report.test_artifacts import FAILED, error
from tests.flows.summaries import job_summary

DONE = job_summary(inserted=1)
JOB = DONE.job_id
TEXT = "email\nann@example.com\n"


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def put(inbox: Inbox, name: str = "users.csv", text: str = TEXT) -> Path:
    path = inbox.path / name
    path.write_text(text)
    return path


def open_file(path: Path) -> Opened:
    return Opened(Source(path.name, path, 0))


def file_one(
    inbox: Inbox, path: Path, filing: Filing | None = None, outcome: Outcome = "done"
) -> tuple[Outcome, Path | None]:
    opened = open_file(path)
    with closing(opened.file):
        return file_away(inbox, path, opened, filing or Filing(DONE), outcome)


def report_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_name(f"{path.name}.report.json").read_text())
    return found


def names_in(inbox: Inbox) -> list[str]:
    return sorted(str(path.relative_to(inbox.path)) for path in inbox.path.rglob("*") if path.is_file())


def failed(code: str) -> JobSummary:
    return replace(FAILED, fault={"code": code, "message": "m", "hint": ""})


@pytest.mark.parametrize(
    ("summary", "outcome"),
    [
        (DONE, "done"),
        (job_summary(inserted=1, failed=1), "partly"),
        (failed("FILE_SYNTAX"), "refused"),
        (failed("TOO_MANY_ERRORS"), "refused"),
        (replace(failed("CANCELED"), status=JobStatus.CANCELED), "canceled"),
        *((failed(code), "left") for code in RETRIED_CODES),
    ],
)
def test_file_belongs_where_its_job_ended(summary: JobSummary, outcome: str) -> None:
    assert outcome_of(summary) == outcome


def test_file_of_a_job_that_a_signal_stopped_stays() -> None:
    assert outcome_of(replace(failed("CANCELED"), status=JobStatus.CANCELED), by_person=False) == "left"


def test_file_is_moved_with_a_report_beside_it_and_both_are_private(inbox: Inbox) -> None:
    path = put(inbox)
    path.chmod(0o644)
    outcome, moved = file_one(inbox, path, Filing(DONE, [error(7)]))
    assert moved == inbox.path / "done/users.csv"
    assert (outcome, moved.read_text()) == ("done", TEXT)
    report = report_of(moved)
    assert report["errors"] == [error(7)]
    assert report["summary"]["job_id"] == JOB
    about = report["file"]
    assert (about["name"], about["size"]) == ("users.csv", len(TEXT))
    assert about["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (about["outcome"], about["already_imported"]) == ("done", None)
    for private in (moved, moved.with_name("users.csv.report.json")):
        assert private.stat().st_mode & 0o777 == 0o600
    assert moved.parent.stat().st_mode & 0o777 == 0o700


def replace_by_another(path: Path) -> None:
    path.with_name("new").write_text("other")
    path.with_name("new").replace(path)


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("bob@example.com\n")


def overwrite(path: Path) -> None:
    """Write as many bytes, and set the time back."""
    found = path.stat()
    path.write_text(TEXT.upper())
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize("change", [replace_by_another, append, overwrite])
def test_file_that_is_not_what_the_job_has_read_stays(inbox: Inbox, change: Any) -> None:
    path = put(inbox)
    opened = open_file(path)
    assert opened.sha256
    change(path)
    changed = path.read_text()
    with closing(opened.file):
        outcome, report = file_away(inbox, path, opened, Filing(DONE), "done")
    assert (outcome, path.read_text()) == ("changed", changed)
    assert report == inbox.path / f"done/users.{JOB}.csv.report.json"
    about = json.loads(report.read_text())["file"]
    assert (about["sha256"], about["outcome"]) == (hashlib.sha256(TEXT.encode()).hexdigest(), "changed")
    assert names_in(inbox) == [str(report.relative_to(inbox.path)), "users.csv"]
    assert file_one(inbox, path)[1] == inbox.path / "done/users.csv"


def test_changed_file_without_a_merged_job_has_no_report(inbox: Inbox) -> None:
    path = put(inbox)
    opened = open_file(path)
    append(path)
    with closing(opened.file):
        assert file_away(inbox, path, opened, Filing(failed("FILE_SYNTAX")), "refused") == ("changed", None)
    assert names_in(inbox) == ["users.csv"]


def test_file_that_is_replaced_just_before_it_is_moved_is_moved_back(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(inbox)
    write = archive._write_report

    def write_late(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        replace_by_another(path)
        monkeypatch.undo()

    monkeypatch.setattr(archive, "_write_report", write_late)
    outcome, _ = file_one(inbox, path)
    assert (outcome, path.read_text()) == ("changed", "other")
    assert names_in(inbox) == [f"done/users.{JOB}.csv.report.json", "users.csv"]


def test_withdrawn_file_is_an_outcome(inbox: Inbox) -> None:
    path = put(inbox)
    opened = open_file(path)
    path.unlink()
    with closing(opened.file):
        assert file_away(inbox, path, opened, Filing(failed("FILE_SYNTAX")), "refused") == ("withdrawn", None)
        outcome, report = file_away(inbox, path, opened, Filing(DONE), "done")
    assert (outcome, names_in(inbox)) == ("withdrawn", [f"done/users.{JOB}.csv.report.json"])
    assert report is not None


def test_file_that_was_not_opened_stays(inbox: Inbox) -> None:
    path = put(inbox)
    assert file_away(inbox, path, None, Filing(failed("FILE_UNREADABLE")), "refused") == ("left", None)
    assert names_in(inbox) == ["users.csv"]


@pytest.mark.parametrize(
    ("name", "second", "third"),
    [
        ("users.json", f"users.{JOB}.json", f"users.{JOB}.2.json"),
        ("users.csv.gz", f"users.{JOB}.csv.gz", f"users.{JOB}.2.csv.gz"),
        ("users", f"users.{JOB}", f"users.{JOB}.2"),
    ],
)
def test_file_does_not_replace_one_of_the_same_name(inbox: Inbox, name: str, second: str, third: str) -> None:
    paths = [file_one(inbox, put(inbox, name))[1] for _ in range(3)]
    assert [path.name for path in paths if path] == [name, second, third]
    assert len([*(inbox.path / "done").glob("*.report.json")]) == 3


@pytest.mark.parametrize("name", ["é" * 125 + ".csv", "n" * 255, "a." + "b" * 250])
def test_long_name_leaves_room_for_that_of_the_report(inbox: Inbox, name: str) -> None:
    paths = [file_one(inbox, put(inbox, name))[1] for _ in range(2)]
    assert len({*paths}) == 2
    assert all(path and report_of(path) for path in paths)


def test_refused_records_are_beside_the_file_in_its_format(inbox: Inbox) -> None:
    def write(path: Path) -> int:
        path.write_text("refused")
        return 1

    written = {}
    for name in ("users.csv.gz", "users.csv.gz", "users.TSV", "export"):
        filing = Filing(job_summary(inserted=1, failed=1), write_rejects=write, extension=".json")
        _, moved = file_one(inbox, put(inbox, name), filing, "partly")
        assert moved is not None
        written[moved.name] = report_of(moved)["file"]["rejects"]
    assert written == {
        "users.csv.gz": "users.rejects.csv",
        f"users.{JOB}.csv.gz": f"users.{JOB}.rejects.csv",
        "users.TSV": "users.rejects.tsv",
        "export": "export.rejects.json",
    }
    assert {"users.rejects.csv", "export.rejects.json"} <= {path.name for path in inbox.files()}


@pytest.mark.parametrize("name", ["n" * 251 + ".csv", "n" * 300 + ".rejects.csv", "é" * 124 + ".csv", "caf\udce9.csv"])
def test_refused_records_have_a_name_of_their_own(inbox: Inbox, name: str) -> None:
    def write(path: Path) -> int:
        path.write_text("refused")
        return 1

    name = name[-255:]
    _, moved = file_one(inbox, put(inbox, name), Filing(DONE, write_rejects=write), "partly")
    assert moved is not None
    assert moved.read_text() == TEXT
    (filed,) = filed_files(inbox)
    assert [path.read_text() for path in filed.paths[:2]] == [TEXT, "refused"]


def test_file_that_is_named_as_a_report_is_neither_taken_for_one_nor_replaced(inbox: Inbox) -> None:
    name = "users.csv.report.json"
    _, moved = file_one(inbox, put(inbox, name))
    assert moved == inbox.path / f"done/users.csv.report.{JOB}.json"
    (inbox.path / "done" / name).write_text("of a person")
    _, beside = file_one(inbox, put(inbox))
    assert beside == inbox.path / f"done/users.{JOB}.csv"
    assert (inbox.path / "done" / name).read_text() == "of a person"
    assert {filed.path for filed in filed_files(inbox)} == {moved, beside}
    assert name in {path.name for path in Inbox(put(inbox, name).parent).files()}


def test_report_without_a_file_is_not_replaced(inbox: Inbox) -> None:
    path = put(inbox)
    opened = open_file(path)
    path.unlink()
    with closing(opened.file):
        _, report = file_away(inbox, path, opened, Filing(DONE), "done")
    assert report is not None
    before = report.read_text()
    moved = [file_one(inbox, put(inbox))[1] for _ in range(2)]
    assert [found.name for found in moved if found] == ["users.csv", f"users.{JOB}.2.csv"]
    assert report.read_text() == before


def test_folder_that_takes_the_place_of_an_archive_gets_nothing(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)

    def swap(*arguments: Any, **options: Any) -> Path:
        (inbox.path / "done").rename(tmp_path / "before")
        (inbox.path / "done").symlink_to(elsewhere)
        return find_free(*arguments, **options)

    find_free = archive._find_free
    monkeypatch.setattr(archive, "_find_free", swap)
    assert file_one(inbox, put(inbox))[0] == "done"
    assert ([*elsewhere.iterdir()], elsewhere.stat().st_mode & 0o777) == ([], 0o755)
    assert (tmp_path / "before" / "users.csv").exists()


def test_inbox_that_is_gone_is_not_created_again(inbox: Inbox) -> None:
    gone = Inbox(inbox.path / "gone")
    gone.path.mkdir()
    path = put(gone)
    opened = open_file(path)
    shutil.rmtree(gone.path)
    with closing(opened.file), pytest.raises(JobFault, match="there is no folder"):
        file_away(gone, path, opened, Filing(DONE), "done")
    assert not gone.path.exists()


@pytest.mark.parametrize("step", ["_write_report", "_move"])
def test_process_that_is_killed_while_it_files_leaves_nothing_twice(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def write(path: Path) -> int:
        path.write_text("refused")
        return 1

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path, filing = put(inbox), Filing(job_summary(inserted=1, failed=1), write_rejects=write)
    with monkeypatch.context() as killed:
        killed.setattr(archive, step, die)
        with pytest.raises(KeyboardInterrupt):
            file_one(inbox, path, filing, "partly")
    file_one(inbox, path, filing, "partly")
    assert names_in(inbox) == ["partly/users.csv", "partly/users.csv.report.json", "partly/users.rejects.csv"]


def test_file_that_could_not_be_moved_leaves_nothing_twice(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path) -> int:
        path.write_text("refused")
        return 1

    def fail(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    path, filing = put(inbox), Filing(job_summary(inserted=1, failed=1), write_rejects=write)
    with monkeypatch.context() as full:
        full.setattr(archive, "_move", fail)
        with pytest.raises(OSError, match="No space"):
            file_one(inbox, path, filing, "partly")
    assert "partly/users.rejects.csv" in names_in(inbox)
    file_one(inbox, path, filing, "partly")
    assert names_in(inbox) == ["partly/users.csv", "partly/users.csv.report.json", "partly/users.rejects.csv"]


def test_old_report_does_not_stay_beside_a_later_success(inbox: Inbox) -> None:
    _, refused = file_one(inbox, put(inbox), Filing(failed("FILE_SYNTAX")), "refused")
    assert refused is not None
    refused.rename(inbox.path / "users.csv")  # a person corrected it and moved it back
    file_one(inbox, inbox.path / "users.csv")
    assert names_in(inbox) == ["done/users.csv", "done/users.csv.report.json"]


@pytest.fixture
def other_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "rename", refuse)


@pytest.mark.usefixtures("other_file_system")
def test_file_is_moved_to_another_file_system(inbox: Inbox) -> None:
    _, moved = file_one(inbox, put(inbox))
    assert moved is not None
    assert (moved.read_text(), moved.stat().st_mode & 0o777) == (TEXT, 0o600)
    assert names_in(inbox) == ["done/users.csv", "done/users.csv.report.json"]
    assert not any(filed.is_changed for filed in filed_files(inbox))


@pytest.mark.usefixtures("other_file_system")
def test_file_that_changes_while_it_is_copied_stays(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(inbox)
    copy = shutil.copyfileobj

    def copy_late(*args: Any, **kwargs: Any) -> None:
        copy(*args, **kwargs)
        append(path)

    monkeypatch.setattr(shutil, "copyfileobj", copy_late)
    assert file_one(inbox, path)[0] == "changed"
    assert names_in(inbox) == [f"done/users.{JOB}.csv.report.json", "users.csv"]


def test_file_that_is_written_to_after_it_was_filed_is_found(inbox: Inbox) -> None:
    path = put(inbox)
    with path.open("a") as writer:
        _, moved = file_one(inbox, path)
        assert [filed.is_changed for filed in filed_files(inbox)] == [False]
        writer.write("bob@example.com\n")
    (filed,) = filed_files(inbox)
    assert (filed.path, filed.is_changed) == (moved, True)


def test_file_that_was_only_touched_or_moved_is_not_changed(inbox: Inbox) -> None:
    _, moved = file_one(inbox, put(inbox))
    assert moved is not None
    os.utime(moved)
    assert [filed.is_changed for filed in filed_files(inbox)] == [False]
    moved.unlink()
    assert [filed.is_changed for filed in filed_files(inbox)] == [False]
