"""A night of a few files without a server: where each of them lies, and what needs a person."""

import asyncio
import json
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.inbox.folder import LOCK_NAME, Inbox
from flows.inbox.importing import InboxRun
from flows.jobs.cli import app
from flows.jobs.night import Night, get_night
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import STATUS_FILE, JobFolder
from flows.store.locks import file_lock
from schemas.job import JobSummary
from schemas.options import InboxOptions, JobOptions
from tests.flows.importing import change_database, import_file
from tests.robustness.processes import hold_database

HOURS = timedelta(hours=1)
GOOD = "email\nann@example.com\n"


@pytest.fixture
def inbox(tmp_path: Path, store: Store) -> Inbox:  # noqa: ARG001 - the database is there
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / LOCK_NAME).touch()
    return Inbox(tmp_path / "inbox")


def put(inbox: Inbox, name: str, text: str = GOOD) -> Path:
    path = inbox.path / name
    path.write_text(text)
    return path


def run_inbox(inbox: Inbox, settings: Settings) -> None:
    """Import and file what is ready, as a run of the inbox does, without Prefect."""

    async def run(options: JobOptions, observer: Observer) -> JobSummary:
        return run_job(options, settings=settings, job_id=str(uuid.uuid4()), observer=observer)

    options = InboxOptions(inbox=str(inbox.path), settle_seconds=0)
    with inbox.try_lock():
        asyncio.run(InboxRun(inbox, options, settings, run).import_new_files())


def import_and_file(inbox: Inbox, settings: Settings, name: str, text: str = GOOD) -> Path:
    put(inbox, name, text)
    run_inbox(inbox, settings)
    return inbox.path / "done" / name


def look(settings: Settings, inbox: Inbox, *, later: timedelta = timedelta()) -> Night:
    now = datetime.now(UTC) + later
    return get_night(Store(settings), since=now - 24 * HOURS, now=now, inboxes=[inbox.path])


def problems(night: Night) -> list[tuple[str, str]]:
    return [(problem.kind, problem.message) for problem in night.problems]


def test_good_night_accounts_for_every_file_job_and_row(inbox: Inbox, settings: Settings) -> None:
    put(inbox, "a.csv")
    put(inbox, "again.csv")
    put(inbox, "b.ndjson", '{"email": "bob@example.com"}\n{"email": "no address"}\n')
    put(inbox, "c.json", "[{")
    run_inbox(inbox, settings)
    put(inbox, "d.csv")
    put(inbox, "e.csv.part")
    night = look(settings, inbox)
    assert night.is_good
    assert {file.name: file.place for file in night.files} == {
        "a.csv": "done",
        "again.csv": "done",
        "b.ndjson": "partly",
        "c.json": "refused",
        "d.csv": "waiting",
        "e.csv.part": "waiting",
    }
    assert {file.name: file.is_repeat for file in night.files if file.place == "done"} == {
        "a.csv": False,
        "again.csv": True,
    }
    assert night.rows == {"total": 3, "inserted": 2, "updated": 0, "unchanged": 0, "failed": 1}
    assert night.sentence == (
        "the night was good: 6 files (2 done, 1 partly, 1 refused, 2 waiting), "
        "3 jobs (1 completed, 1 completed with errors, 1 failed), 1 of 3 rows refused"
    )
    assert len(night.to_dict()["files"]) == 6  # type: ignore[arg-type]


def test_what_is_older_than_the_night_is_not_listed_again(inbox: Inbox, settings: Settings) -> None:
    import_and_file(inbox, settings, "a.csv")
    night = look(settings, inbox, later=48 * HOURS)
    assert (night.files, night.jobs, night.problems) == ((), (), ())


@pytest.mark.parametrize(
    ("name", "why"),
    [("a.csv", "is ready for the next run"), ("a.csv.part", "is named as if it were not complete")],
)
def test_file_that_waits_for_more_than_an_hour_needs_a_person(
    inbox: Inbox, settings: Settings, name: str, why: str
) -> None:
    path = put(inbox, name)
    night = look(settings, inbox, later=2 * HOURS)
    assert problems(night) == [("waiting", f"{path} {why}, and has waited for 2 h 0 min")]


def test_file_that_changed_after_it_was_filed_needs_a_person(inbox: Inbox, settings: Settings) -> None:
    with import_and_file(inbox, settings, "a.csv").open("a") as file:
        file.write("bob@example.com\n")
    night = look(settings, inbox)
    assert [kind for kind, _ in problems(night)] == ["changed"]
    assert look(settings, inbox, later=48 * HOURS).files == night.files  # also after the night it was filed in


def test_file_of_a_job_that_lies_nowhere_is_lost(inbox: Inbox, settings: Settings) -> None:
    import_file(settings, put(inbox, "a.csv"))
    (inbox.path / "a.csv").unlink()
    import_and_file(inbox, settings, "b.csv", "email\nbob@example.com\n").unlink()
    night = look(settings, inbox)
    assert {file.name: (file.place, file.path) for file in night.files} == {
        "a.csv": ("missing", None),
        "b.csv": ("missing", None),
    }
    assert [kind for kind, _ in problems(night)] == ["lost", "lost"]


def test_filed_file_whose_job_the_database_does_not_have_is_lost(inbox: Inbox, settings: Settings) -> None:
    path = import_and_file(inbox, settings, "a.csv")
    change_database(settings, "delete from import_jobs")
    ((kind, message),) = problems(look(settings, inbox))
    assert (kind, message.startswith(f"{path} was filed by job ")) == ("lost", True)


@pytest.mark.parametrize("is_repeated", [False, True])
def test_lost_job_needs_a_person_unless_a_later_one_imported_its_files(
    tmp_path: Path, inbox: Inbox, settings: Settings, *, is_repeated: bool
) -> None:
    source = tmp_path / "users.csv"
    source.write_text(GOOD)
    lost = import_file(settings, source)
    change_database(settings, "update import_jobs set status = 'failed', fault_code = 'JOB_LOST', fault_message = 'm'")
    if is_repeated:
        import_file(settings, source)
    found = problems(look(settings, inbox))
    assert [(kind, lost.job_id in message) for kind, message in found] == ([] if is_repeated else [("lost", True)])


def test_lost_job_whose_file_waits_for_the_next_run_is_not_lost(inbox: Inbox, settings: Settings) -> None:
    import_file(settings, put(inbox, "a.csv"))
    change_database(settings, "update import_jobs set status = 'failed', fault_code = 'JOB_LOST', fault_message = 'm'")
    assert look(settings, inbox).is_good


def test_inbox_that_is_held_for_long_or_missing_is_blocked(inbox: Inbox, settings: Settings) -> None:
    with inbox.try_lock():
        assert look(settings, inbox).is_good
        ((kind, message),) = problems(look(settings, inbox, later=2 * HOURS))
        assert (kind, f"process {os.getpid()} has held the inbox" in message) == ("blocked", True)
    assert look(settings, inbox, later=2 * HOURS).is_good
    (inbox.path / LOCK_NAME).unlink()
    inbox.path.rmdir()
    assert [kind for kind, _ in problems(look(settings, inbox))] == ["blocked"]


def test_run_without_progress_is_blocked(inbox: Inbox, settings: Settings) -> None:
    job = import_file(settings, put(inbox, "a.csv"), name=str(uuid.uuid4())).job_id
    change_database(settings, "update import_jobs set status = 'loading'")
    folder = JobFolder(settings.jobs_folder / job)
    with folder.locked():
        assert [file.place for file in look(settings, inbox).files] == ["importing"]
        ((kind, message),) = problems(look(settings, inbox, later=2 * HOURS))
        assert (kind, job in message) == ("blocked", True)
        assert (folder.path / STATUS_FILE).exists()
    with file_lock(inbox.path / LOCK_NAME):
        assert look(settings, inbox).is_good


def test_busy_or_unreadable_database_is_blocked(inbox: Inbox, settings: Settings) -> None:
    put(inbox, "a.csv")
    with hold_database(settings, writes=True):
        night = look(settings, inbox)
    assert [kind for kind, _ in problems(night)] == ["blocked"]
    assert [file.name for file in night.files] == ["a.csv"]
    settings.database.write_bytes(b"no database")
    assert [kind for kind, _ in problems(look(settings, inbox))] == ["blocked"]


def test_command_prints_the_verdict_first_and_exits_with_it(
    inbox: Inbox, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = import_and_file(inbox, settings, "a.csv")
    arguments = ["night", "--database", str(settings.database)]  # the inbox is found by its job
    assert main(app, arguments) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("the night was good: 1 file (1 done)")
    assert rest == ["file\tplace\tresult", "a.csv\tdone\t1 inserted, 0 updated, 0 unchanged, 0 failed of 1"]
    path.unlink()
    assert main(app, [*arguments, "--json", "--since", "2d"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["good"], document["counts"]["files"]) == (False, {"missing": 1})
    assert main(app, [*arguments, "--since", "1 day"]) == 2
