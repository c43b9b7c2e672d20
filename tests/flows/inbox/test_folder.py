"""The inbox finds complete files only, and names everything else with why and since when it waits."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.inbox.folder import ARCHIVES, TOLD_NAME, Inbox
from schemas.faults import JobFault

HOUR = 3600.0
NOW = time.time()


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


def put(inbox: Inbox, name: str, *, age: float = 60) -> Path:
    path = inbox.path / name
    path.write_text("{}")
    os.utime(path, (NOW - age, NOW - age))
    return path


def reasons(inbox: Inbox, *, now: float = NOW, settle_seconds: float = 10) -> dict[str, str]:
    """Return the first words about each thing that waits, the oldest first."""
    return {
        item.path.name: " ".join(item.reason.split()[:4])
        for item in inbox.scan(now=now, settle_seconds=settle_seconds)[1]
    }


def test_new_files_are_sorted_by_name_and_no_longer_written_to(inbox: Inbox) -> None:
    late = put(inbox, "b.json")
    early = put(inbox, "a.csv")
    put(inbox, "c.json", age=1)
    ready, waiting = inbox.scan(now=NOW, settle_seconds=10)
    assert ready == [early, late]
    assert [item.describe(NOW) for item in waiting] == [
        "c.json was written to within the last 10 seconds; it has waited for 1 s"
    ]


def test_everything_that_waits_is_named_the_oldest_first(inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path.parent / "elsewhere.json"
    secret.write_text("{}")
    (inbox.path / "link.json").symlink_to(secret)
    (inbox.path / "folder.json").mkdir()
    os.mkfifo(inbox.path / "pipe.json")
    for age, name in enumerate((".hidden.json", "users.json.part", "users.csv.TMP")):
        put(inbox, name, age=HOUR * (3 - age))
    (inbox.path / "link to done").symlink_to(tmp_path)
    for archive in ARCHIVES:
        (inbox.path / archive).mkdir()
    with inbox.try_lock():
        found = reasons(inbox, now=time.time() + 1)
    assert [*found][:3] == [".hidden.json", "users.json.part", "users.csv.TMP"]
    assert found == {
        ".hidden.json": "is hidden: rename it",
        "users.json.part": "is named as if",
        "users.csv.TMP": "is named as if",
        "link.json": "is a link, which",
        "link to done": "is a link, which",
        "folder.json": "is a folder: move",
        "pipe.json": "is not a file:",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_file_that_cannot_be_read_waits(inbox: Inbox) -> None:
    put(inbox, "users.csv").chmod(0)
    assert reasons(inbox) == {"users.csv": "cannot be read: change"}


def test_file_that_is_dated_in_the_future_is_imported_once_it_has_settled(inbox: Inbox) -> None:
    path = put(inbox, "users.csv", age=-HOUR)
    assert reasons(inbox, now=time.time()) == {"users.csv": "was written to within"}
    assert inbox.scan(now=time.time() + 11, settle_seconds=10)[0] == [path]


def test_file_is_named_when_the_clock_is_behind_it(inbox: Inbox) -> None:
    put(inbox, "users.csv")
    ((_, reason),) = reasons(inbox, now=NOW - 24 * HOUR).items()
    assert reason.startswith("is dated 20")


def test_only_one_run_locks_an_inbox(inbox: Inbox) -> None:
    with inbox.try_lock() as first, inbox.try_lock() as second:
        assert (first, second) == (True, False)
    with inbox.try_lock() as again:
        assert again


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("/tmp")])
def test_inbox_whose_files_cannot_be_filed_raises_a_fault(inbox: Inbox, make: Callable[[Path], None]) -> None:
    make(inbox.path / "done")
    with pytest.raises(JobFault, match="done is not a folder"):
        inbox.scan(now=NOW, settle_seconds=0)


def test_missing_inbox_raises_a_fault(tmp_path: Path) -> None:
    with pytest.raises(JobFault, match="there is no folder"), Inbox(tmp_path / "gone").try_lock():
        pass


def test_a_run_that_begins_no_other_file_for_an_hour_is_told_of_once(tmp_path: Path) -> None:
    inbox, now = Inbox(tmp_path), time.time()
    with inbox.try_lock():
        assert inbox.find_block(now=now) is None
        assert inbox.find_block(now=now + 4000) == pytest.approx(4000, abs=60)
        assert inbox.find_block(now=now + 5000) is None
        os.utime(tmp_path / TOLD_NAME, (now - 60, now - 60))
        inbox.show_life()
        assert inbox.find_block(now=now) is None
        assert inbox.find_block(now=now + 4000) is not None
    assert inbox.scan(now=now, settle_seconds=0) == ([], [])


def test_inbox_that_is_mounted_to_read_only_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    for flag, reason in ((os.ST_RDONLY, "read-only file system"), (0, "permission denied")):
        read_only = os.statvfs_result((*found[:8], flag, found[9]))
        monkeypatch.setattr(os, "statvfs", lambda _, read_only=read_only: read_only)
        with pytest.raises(JobFault, match=f"cannot be read and changed: {reason}"):
            Inbox(tmp_path).require_usable()
