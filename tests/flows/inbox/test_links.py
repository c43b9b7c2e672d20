"""Links, pipes and files of others in an inbox are neither followed, read, changed nor removed."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from flows.inbox.archive import Filing, file_away
from flows.inbox.folder import LOCK_NAME, REPORT, TOLD_NAME, Inbox
from flows.inbox.prefect_runs import end_lost_runs
from flows.inbox.reports import filed_files
from flows.inbox.retention import purge_filed, purge_inboxes, remove_leftovers
from flows.jobs.night.account import get_night
from flows.settings import Settings
from flows.store.database import Store
from schemas.faults import JobFault
from schemas.job import JobStatus
from tests.flows.importing import import_file
from tests.flows.inbox.test_archive import DONE, file_one, open_file, put
from tests.flows.other_user import needs_root, run_as_nobody

MAKE: dict[str, Callable[[Path, Path], None]] = {
    "link": lambda path, other: path.symlink_to(other),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
}


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    (tmp_path / "inbox").mkdir()
    return Inbox(tmp_path / "inbox")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder of others, with files as an inbox has them."""
    folder = tmp_path / "other"
    folder.mkdir()
    for name in ("users.csv", ".user-import-0123abcd.csv"):
        (folder / name).write_text("email\nann@example.com\n")
    return folder


@pytest.mark.parametrize("act", [lambda inbox: purge_filed(inbox, days=-1), remove_leftovers])
def test_nothing_is_removed_through_a_link_in_place_of_an_archive(
    inbox: Inbox, other: Path, act: Callable[[Inbox], object]
) -> None:
    (inbox.path / "done").symlink_to(other)
    with pytest.raises(OSError, match="done"):
        act(inbox)
    assert len([*other.iterdir()]) == 2
    assert [*filed_files(inbox)] == []


@pytest.mark.parametrize("kind", MAKE)
def test_lock_that_is_not_a_file_is_a_fault(inbox: Inbox, other: Path, kind: str) -> None:
    MAKE[kind](inbox.path / LOCK_NAME, other / "users.csv")
    with pytest.raises(JobFault, match="cannot be locked"), inbox.try_lock():
        pass


@pytest.mark.parametrize("kind", MAKE)
def test_lock_that_is_replaced_while_it_is_held_is_not_written(inbox: Inbox, other: Path, kind: str) -> None:
    before = (other / "users.csv").read_text()
    with inbox.try_lock():
        (inbox.path / LOCK_NAME).unlink()
        MAKE[kind](inbox.path / LOCK_NAME, other / "users.csv")
        with pytest.raises(OSError, match=r"symbolic link|regular file|directory"):
            end_lost_runs(inbox, uuid4())
    assert (other / "users.csv").read_text() == before


def test_runs_are_noted_in_a_lock_of_any_bytes(inbox: Inbox) -> None:
    (inbox.path / LOCK_NAME).write_bytes(b"\xff\0 no id\n" * 9)
    run_id = uuid4()
    with inbox.try_lock():
        end_lost_runs(inbox, run_id)
    assert (inbox.path / LOCK_NAME).read_text() == f"{run_id}\n"


def test_note_of_a_blocked_inbox_does_not_wait_for_a_pipe(inbox: Inbox) -> None:
    os.mkfifo(inbox.path / TOLD_NAME)
    os.utime(inbox.path / TOLD_NAME, (0, 0))
    with inbox.try_lock(), pytest.raises(OSError, match=r"regular file|No such device"):
        inbox.find_block(now=datetime.now(UTC).timestamp() + 4000)


@pytest.mark.parametrize("kind", MAKE)
def test_report_that_is_not_a_file_is_ignored(inbox: Inbox, other: Path, kind: str) -> None:
    (inbox.path / "done").mkdir()
    MAKE[kind](inbox.path / "done" / f"users.csv{REPORT}", other / "users.csv")
    assert [*filed_files(inbox)] == []
    _, moved = file_one(inbox, put(inbox))
    assert moved is not None
    assert moved.name == f"users.{DONE.job_id}.csv"


@pytest.mark.parametrize("name", ["../../other/users.csv", 1])
def test_report_that_names_a_file_elsewhere_is_ignored(inbox: Inbox, other: Path, name: object) -> None:
    _, moved = file_one(inbox, put(inbox))
    assert moved is not None
    report = moved.with_name(f"users.csv{REPORT}")
    report.write_text(
        report.read_text().replace('"rejects": null', f'"rejects": {f"{name!r}".replace(chr(39), chr(34))}')
    )
    assert [*filed_files(inbox)] == []
    assert purge_filed(inbox, days=-1) == [moved]
    assert (other / "users.csv").exists()


def test_mode_of_a_file_with_another_name_is_kept(inbox: Inbox, other: Path) -> None:
    (other / "users.csv").chmod(0o644)
    os.link(other / "users.csv", inbox.path / "users.csv")
    assert file_one(inbox, inbox.path / "users.csv")[0] == "done"
    assert (other / "users.csv").stat().st_mode & 0o777 == 0o644


def test_mode_of_a_file_behind_a_link_is_kept(inbox: Inbox, other: Path) -> None:
    """Of a link that takes the place of the file once that is filed, in a folder that its owner made."""
    path, elsewhere = put(inbox), other / "users.csv"
    elsewhere.chmod(0o644)
    opened = open_file(path)
    rename = Path.rename

    def swap(source: Path, target: Path) -> Path:
        moved = rename(source, target)
        if source == path:
            rename(target, inbox.path / "kept")
            target.symlink_to(elsewhere)
        return moved

    with closing(opened.file), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", swap)
        file_away(inbox, path, opened, Filing(DONE), "done")
    assert elsewhere.stat().st_mode & 0o777 == 0o644


def test_inbox_outside_of_the_roots_is_not_purged_searched_or_accounted_for(
    inbox: Inbox, settings: Settings, tmp_path: Path
) -> None:
    """Whoever may start a run can have a job name any file, although it is not read."""
    _, moved = file_one(inbox, put(inbox))
    assert moved is not None
    with inbox.try_lock():
        pass
    (tmp_path / "database").mkdir()
    rooted = replace(settings, database=tmp_path / "database" / "users.duckdb", roots=(tmp_path / "database",))
    assert import_file(rooted, inbox.path / "any.csv").status is JobStatus.FAILED
    store, now = Store(rooted), datetime.now(UTC)
    assert purge_inboxes(store, days=0) == ([], [])
    night = get_night(store, since=now - timedelta(days=1), now=now + timedelta(hours=2))
    assert not any(str(inbox.path) in problem.message for problem in night.problems)
    assert night.files == ()
    assert moved.exists()
    assert purge_inboxes(Store(replace(rooted, roots=())), days=0, dry_run=True)[0]


def test_night_goes_on_where_the_lock_of_an_inbox_is_a_link(inbox: Inbox, settings: Settings) -> None:
    now = datetime.now(UTC)
    (inbox.path / LOCK_NAME).symlink_to("nowhere")
    store = Store(settings)
    store.prepare()
    assert get_night(store, since=now, now=now, inboxes=[inbox.path]).is_good


@needs_root
def test_archive_of_another_user_is_a_fault() -> None:
    code = (
        "import os, tempfile, pathlib, flows.inbox.folder as f\n"
        "with tempfile.TemporaryDirectory() as name:\n"
        "    (pathlib.Path(name) / 'refused').mkdir(0)\n"
        "    f.Inbox(pathlib.Path(name)).require_usable()\n"
    )
    ended = run_as_nobody("-c", code)
    assert "refused cannot be read and changed: permission denied" in ended.stderr
