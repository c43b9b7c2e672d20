"""A night of six files without a server: where each of them lies, and what needs a person."""

import asyncio
import json
import os
import shutil
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.inbox.folder import LOCK_NAME, REPORT, Inbox
from flows.inbox.importing import InboxRun
from flows.inbox.retention import purge_inboxes
from flows.jobs.cli import app
from flows.jobs.forget import forget
from flows.jobs.night.account import get_night
from flows.jobs.night.report import Night
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.forget import WantedUser
from flows.store.job_folder import JobFolder
from schemas.job import JobSummary
from schemas.options import InboxOptions, JobOptions
from tests.flows.importing import change_database, import_file, query_rows
from tests.robustness.processes import hold_database

HOURS = timedelta(hours=1)
FILES = {
    "a.csv": "email\nann@example.com\n",
    "again.csv": "email\nann@example.com\n",
    "b.ndjson": '{"email": "bob@example.com"}\n{"email": "no address"}\n',
    "c.json": "[{",
}
WAITING = ("d.csv", "e.csv.part")


@pytest.fixture(scope="module")
def night_folder(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """Return a folder with a database and an inbox after a night; a file beside the inbox was imported twice."""
    folder = tmp_path_factory.mktemp("night")
    settings, inbox = Settings(database=Path(shutil.copy(migrated, folder))), Inbox(Path("inbox"))

    async def run(options: JobOptions, observer: Observer) -> JobSummary:
        return run_job(options, settings=settings, job_id=str(uuid.uuid4()), observer=observer)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # so that the folder can be copied
        inbox.path.mkdir()
        for name, text in FILES.items():
            (inbox.path / name).write_text(text)
        with inbox.try_lock():
            asyncio.run(
                InboxRun(inbox, InboxOptions(inbox="inbox", settle_seconds=0), settings, run).import_new_files()
            )
        Path("users.csv").write_text(FILES["a.csv"])
        for _ in range(2):
            import_file(settings, Path("users.csv"))
    return folder


@pytest.fixture
def inbox(
    tmp_path: Path,
    night_folder: Path,
    settings: Settings,  # its empty database is replaced
) -> Inbox:
    """Return the inbox of a copy of that night, with two files that wait."""
    shutil.copytree(night_folder, tmp_path, dirs_exist_ok=True)
    moved = "update import_jobs set files = list_transform(files, lambda file: replace(file, $before, $now))"
    change_database(settings, moved, before=str(night_folder), now=str(tmp_path))
    for name in WAITING:
        (tmp_path / "inbox" / name).write_text("email\n")
    return Inbox(tmp_path / "inbox")


def look(settings: Settings, *inboxes: Inbox, later: timedelta = timedelta()) -> Night:
    """Return the night at a later time; the inbox is found by its jobs."""
    now = datetime.now(UTC) + later
    return get_night(Store(settings), since=now - 24 * HOURS, now=now, inboxes=[inbox.path for inbox in inboxes])


def problems(night: Night) -> list[tuple[str, str]]:
    return [(problem.kind, problem.message) for problem in night.problems]


def move_back(inbox: Inbox, name: str) -> None:
    """Have a file lie in the inbox as before it was filed."""
    (inbox.path / "done" / name).rename(inbox.path / name)
    (inbox.path / "done" / f"{name}{REPORT}").unlink()


def set_lost(settings: Settings, source: str, *, place: int = 0) -> str:
    """Have the job of a source be lost, one of several by its place, and return its id."""
    query = "select job_id from import_jobs where sources = [$name] order by created_at"
    job = str(query_rows(settings, query, name=source)[place][0])
    lost = "update import_jobs set status = 'failed', fault_code = 'JOB_LOST', fault_message = '', fault_hint = ''"
    with Store(settings).transaction() as connection:
        connection.execute(f"{lost} where job_id = $job", {"job": job})
    return job


@pytest.mark.usefixtures("inbox")
def test_good_night_accounts_for_every_file_job_and_row(settings: Settings) -> None:
    night = look(settings)
    assert night.is_good
    assert {file.name: (file.place, file.is_repeat) for file in night.files} == {
        "a.csv": ("done", False),
        "again.csv": ("done", True),
        "b.ndjson": ("partly", False),
        "c.json": ("refused", False),
        "d.csv": ("waiting", False),
        "e.csv.part": ("waiting", False),
    }
    assert night.rows == {"total": 5, "inserted": 2, "updated": 0, "unchanged": 2, "failed": 1}
    assert night.sentence == (
        "the night was good: 6 files (2 done, 1 partly, 1 refused, 2 waiting), "
        "5 jobs (3 completed, 1 completed with errors, 1 failed), 1 of 5 rows refused"
    )
    totals = {file.name: file.to_dict()["total"] for file in night.files}
    assert (totals["a.csv"], totals["again.csv"]) == (1, 0)


def test_file_that_waits_for_more_than_an_hour_needs_a_person(inbox: Inbox, settings: Settings) -> None:
    assert problems(look(settings, later=2 * HOURS)) == [
        ("waiting", f"{inbox.path}/d.csv is ready for the next run, and has waited for 2 h 0 min"),
        ("waiting", f"{inbox.path}/e.csv.part is named as if it were not complete, and has waited for 2 h 0 min"),
    ]


def test_file_that_changed_after_it_was_filed_needs_a_person(inbox: Inbox, settings: Settings) -> None:
    with (inbox.path / "done" / "a.csv").open("a") as file:
        file.write("bob@example.com\n")
    ((kind, message),) = problems(look(settings))
    assert (kind, message.startswith(f"{inbox.path}/done/a.csv changed after job ")) == ("changed", True)
    for name in WAITING:
        (inbox.path / name).unlink()
    later = look(settings, later=48 * HOURS)  # what is older than the night is listed only if something is wrong
    assert ([file.name for file in later.files], [problem.kind for problem in later.problems]) == (
        ["a.csv"],
        ["changed"],
    )


def test_file_of_a_job_that_lies_nowhere_is_lost(inbox: Inbox, settings: Settings) -> None:
    (inbox.path / "done" / "a.csv").unlink()
    shutil.rmtree(inbox.path / "partly")
    night = look(settings)
    assert {file.name for file in night.files if file.place == "missing"} == {"a.csv", "b.ndjson"}
    assert [problem.kind for problem in night.problems] == ["lost", "lost"]


def test_file_that_was_moved_back_to_be_corrected_is_not_lost(inbox: Inbox, settings: Settings) -> None:
    (inbox.path / "partly" / "b.ndjson").rename(inbox.path / "b.ndjson")
    night = look(settings)
    assert (night.is_good, night.places["waiting"], night.places["missing"]) == (True, 3, 0)


def test_file_that_was_purged_is_not_lost(inbox: Inbox, settings: Settings) -> None:
    purge_inboxes(Store(settings), days=-1)
    night = look(settings)
    assert (night.is_good, night.places["purged"]) == (True, 3)
    assert names_of(inbox) == {*WAITING}


def names_of(inbox: Inbox) -> set[str]:
    return {path.name for path in inbox.path.rglob("[!.]*") if path.is_file()}


def test_file_that_held_only_a_forgotten_user_is_not_lost(inbox: Inbox, settings: Settings) -> None:
    forget(Store(settings), WantedUser("ann@example.com", "email"))
    assert not (inbox.path / "done" / "a.csv").exists()
    night = look(settings)
    assert (problems(night), night.places["missing"]) == ([], 0)


def test_file_that_its_sender_took_back_before_it_was_read_is_not_lost(inbox: Inbox, settings: Settings) -> None:
    shutil.rmtree(inbox.path / "refused")
    change_database(settings, "update import_jobs set fault_code = 'FILE_NOT_FOUND' where fault_code = 'FILE_SYNTAX'")
    night = look(settings)
    assert (night.is_good, night.places["withdrawn"]) == (True, 1)


def test_filed_file_whose_job_the_database_does_not_have_is_lost(inbox: Inbox, settings: Settings) -> None:
    change_database(settings, "delete from import_jobs where list_contains(sources, 'inbox/b.ndjson')")
    ((kind, message),) = problems(look(settings))
    assert (kind, message.startswith(f"{inbox.path}/partly/b.ndjson was filed by job ")) == ("lost", True)


@pytest.mark.parametrize(("place", "found"), [(0, []), (1, ["lost"])])
@pytest.mark.usefixtures("inbox")
def test_lost_job_needs_a_person_unless_a_later_one_imported_its_files(
    settings: Settings, place: int, found: list[str]
) -> None:
    job = set_lost(settings, "users.csv", place=place)
    assert [kind for kind, message in problems(look(settings)) if job in message] == found


def test_lost_job_whose_file_waits_for_the_next_run_is_not_lost(inbox: Inbox, settings: Settings) -> None:
    set_lost(settings, "inbox/a.csv")
    assert [problem.kind for problem in look(settings).problems] == ["lost"]
    (inbox.path / "done" / "again.csv").unlink()
    (inbox.path / "done" / f"again.csv{REPORT}").unlink()
    move_back(inbox, "a.csv")
    assert look(settings).is_good


def test_inbox_that_is_held_for_long_or_missing_is_blocked(inbox: Inbox, settings: Settings) -> None:
    for name in WAITING:
        (inbox.path / name).unlink()
    with inbox.try_lock():
        assert look(settings).is_good
        ((kind, message),) = problems(look(settings, later=2 * HOURS))
        assert (kind, f"process {os.getpid()} has held the inbox" in message) == ("blocked", True)
    assert look(settings, later=2 * HOURS).is_good
    assert problems(look(settings, Inbox(inbox.path / "gone"))) == [
        ("blocked", f"there is no folder {inbox.path}/gone")
    ]
    assert (inbox.path / LOCK_NAME).exists()


def test_inbox_that_cannot_file_is_blocked(inbox: Inbox, settings: Settings) -> None:
    (inbox.path / "canceled").touch()
    ((kind, message),) = problems(look(settings))
    assert (kind, message) == ("blocked", f"{inbox.path}/canceled is not a folder")


def test_run_without_progress_is_blocked(inbox: Inbox, settings: Settings) -> None:
    (inbox.path / "d.csv").unlink()
    (inbox.path / "e.csv.part").unlink()
    move_back(inbox, "a.csv")
    change_database(settings, "update import_jobs set status = 'loading' where list_contains(sources, 'inbox/a.csv')")
    ((job,),) = query_rows(settings, "select job_id from import_jobs where status = 'loading'")
    with JobFolder(settings.jobs_folder / str(job)).locked():
        assert look(settings).places["importing"] == 1
        ((kind, message),) = problems(look(settings, later=2 * HOURS))
    assert (kind, message.startswith(f"job {job} is loading and has shown no progress")) == ("blocked", True)


@pytest.mark.parametrize("is_busy", [True, False])
def test_database_that_is_busy_or_unreadable_is_blocked(inbox: Inbox, settings: Settings, *, is_busy: bool) -> None:
    if is_busy:
        with hold_database(settings, writes=True):
            night = look(settings, inbox)
    else:
        settings.database.write_bytes(b"no database")
        night = look(settings, inbox)
    assert [problem.kind for problem in night.problems] == ["blocked"]
    assert night.places == {"done": 2, "partly": 1, "refused": 1, "waiting": 2}


@pytest.mark.parametrize("is_good", [True, False])
def test_command_prints_the_verdict_first_and_exits_with_it(
    inbox: Inbox, settings: Settings, capsys: pytest.CaptureFixture[str], *, is_good: bool
) -> None:
    if not is_good:
        (inbox.path / "done" / "a.csv").unlink()
    code, verdict = (0, "the night was good") if is_good else (1, "the night needs a person: 1 lost")
    arguments = ["night", "--database", str(settings.database), "--inbox", str(inbox.path)]
    assert main(app, arguments) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{verdict}{':' if is_good else ';'} 6 files")
    assert "again.csv\tdone\talready imported as a.csv by job " in "\n".join(lines)
    assert sum("1 inserted, 0 updated, 0 unchanged, 1 failed of 2" in line for line in lines) == 1
    assert main(app, [*arguments, "--json", "--since", "2d"]) == code
    document = json.loads(capsys.readouterr().out)
    assert (document["good"], len(document["problems"])) == (is_good, code)
    assert main(app, [*arguments, "--since", "1 day"]) == 2


@pytest.mark.usefixtures("inbox")
def test_rows_of_a_job_that_was_stopped_are_not_called_refused(settings: Settings) -> None:
    before = look(settings).rows
    job = set_lost(settings, "users.csv", place=1)
    change_database(
        settings, "update import_jobs set total = 9, unchanged = 0, failed = 9 where job_id = $job", job=job
    )
    assert look(settings).rows == {**before, "total": before["total"] - 1, "unchanged": before["unchanged"] - 1}
