"""A run of the inbox: jobs on a real database, files filed by what became of them, and what it says of itself."""

import asyncio
import errno
import json
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from flows.inbox.folder import Inbox
from flows.inbox.importing import InboxResult, InboxRun
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.stop import A_SIGNAL, canceled_by
from flows.readers.sources import Source
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import Canceled, DatabaseFault, Fault, FileFault, JobFault
from schemas.job import JobStatus, JobSummary, fault_record
from schemas.options import InboxOptions, JobOptions
from tests.flows.importing import query_rows
from tests.flows.readers.excel.workbooks import write_xlsx
from tests.flows.summaries import job_summary

HOUR = 3600


@dataclass
class Runner:
    """Runs the inbox with jobs that only note the addresses of a file; `before` and `after` are called around each."""

    settings: Settings
    path: Path
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    faults: dict[str, Fault] = field(default_factory=dict)  # how the jobs of files end, by name
    by_person: bool = False
    log: list[str] = field(default_factory=list)
    users: set[str] = field(default_factory=set)

    def __call__(self, **options: object) -> InboxResult:
        given = InboxOptions.model_validate({"inbox": str(self.path), "settle_seconds": 0, **options})
        run = InboxRun(
            Inbox(self.path),
            given,
            self.settings,
            self.run,
            is_stopped_by_person=lambda: self.by_person,
            log=self.log.append,
        )
        with run.inbox.try_lock():
            return asyncio.run(run.import_new_files())

    async def run(self, options: JobOptions, observer: Observer) -> JobSummary:
        path = Path(options.sources[0])
        self.before(path.name)
        summary = replace(job_summary(), job_id=str(uuid.uuid4()), sources=options.sources)
        if not path.exists():
            gone = JobFault(ErrorCode.FILE_NOT_FOUND, "it does not exist")
            return replace(summary, status=JobStatus.FAILED, fault=fault_record(gone))
        try:
            observer.on_open([Source(path.name, path, 0)])
        except FileFault as changed:
            return replace(summary, status=JobStatus.FAILED, fault=fault_record(changed))
        fault = self.faults.get(path.name)
        if isinstance(fault, DatabaseFault):
            raise fault
        if fault:
            status = JobStatus.CANCELED if isinstance(fault, Canceled) else JobStatus.FAILED
            return replace(summary, status=status, fault=fault_record(fault))
        new = {*path.read_text().splitlines()[1:]} - self.users
        self.users |= new
        self.after(path.name)
        return replace(summary, total=len(new), inserted=len(new))

    def put(self, name: str, *emails: str) -> Path:
        path = self.path / name
        path.write_text("email\n" + "".join(f"{email}\n" for email in emails))
        return path

    @property
    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("[!.]*") if path.is_file())


class RealRunner(Runner):
    """Runs jobs on a real database."""

    async def run(self, options: JobOptions, observer: Observer) -> JobSummary:
        return run_job(options, settings=self.settings, job_id=str(uuid.uuid4()), observer=observer)


@pytest.fixture
def runner(tmp_path: Path, settings: Settings) -> Runner:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return Runner(settings, folder)


@pytest.fixture
def real(runner: Runner) -> RealRunner:
    return RealRunner(runner.settings, runner.path)


def report_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_name(f"{path.name}.report.json").read_text())
    return found


def test_corrected_rows_and_repeats_of_real_jobs(real: RealRunner) -> None:
    real.put("b.csv", "eve@example.com", "no address")
    result = real()
    assert result.message == "1 partly; 1 inserted, 0 updated, 0 unchanged, 1 failed of 2"
    assert (result.status, result.exit_code) == (JobStatus.COMPLETED_WITH_ERRORS, 3)
    assert real.names == ["partly/b.csv", "partly/b.csv.report.json", "partly/b.rejects.csv"]
    rejects = real.path / "partly/b.rejects.csv"
    assert rejects.stat().st_mode & 0o777 == 0o600
    rejects.write_text(rejects.read_text().replace("no address", "ada@example.com"))
    rejects.rename(real.path / "b.rejects.csv")
    assert real().message == "1 done; 1 inserted, 0 updated, 0 unchanged, 0 failed of 1"

    job = report_of(real.path / "done/b.rejects.csv")["summary"]["job_id"]
    shutil.copy(real.path / "done/b.rejects.csv", real.path / "again.csv")
    again = real()
    said = f"already imported as b.rejects.csv by job {job}"
    assert (again.message, again.rows["total"]) == ("1 done (1 already imported)", 0)
    assert [file["message"] for file in json.loads(json.dumps(again.document))["files"]] == [said]
    assert report_of(real.path / "done/again.csv")["file"]["already_imported"] == said
    assert real.log[-1] == f"again.csv: done, {said}"
    assert (again.status, again.exit_code) == (JobStatus.COMPLETED, 0)
    assert query_rows(real.settings, "select count(*) from users") == [(2,)]


def test_files_are_filed_by_what_became_of_them_and_their_rows_are_summed(runner: Runner) -> None:
    runner.put("a.csv", *(f"{number}@example.com" for number in range(1_234)))
    runner.put("b.csv", "ann@example.com")
    runner.put("c.csv")
    runner.faults["c.csv"] = JobFault(ErrorCode.FILE_SYNTAX, "it ends too early")
    result = runner()
    assert result.message == "2 done, 1 refused; 1,235 inserted, 0 updated, 0 unchanged, 0 failed of 1,235"
    assert result.rows == {"total": 1_235, "inserted": 1_235, "updated": 0, "unchanged": 0, "failed": 0}
    assert (result.status, result.exit_code) == (JobStatus.COMPLETED_WITH_ERRORS, 3)
    empty = runner()
    assert (empty.message, empty.status, empty.exit_code) == ("nothing new in the inbox", JobStatus.COMPLETED, 0)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_file_that_is_replaced_meanwhile_is_imported_by_the_next_run(runner: Runner, moment: str) -> None:
    path = runner.put("users.csv", "ann@example.com")

    def replace_it(name: str) -> None:
        runner.put("new", "bob@example.com").replace(runner.path / name)
        setattr(runner, moment, lambda _: None)

    setattr(runner, moment, replace_it)
    first = runner()
    if moment == "after":
        assert (first.message[:9], first.status) == ("1 changed", JobStatus.COMPLETED_WITH_ERRORS)
        assert path.exists()
        assert runner().message.startswith("1 done; 1 inserted")
    assert runner.users == {"bob@example.com"} | ({"ann@example.com"} if moment == "after" else set())
    assert (runner.path / "done/users.csv").read_text() == "email\nbob@example.com\n"


@pytest.mark.parametrize("moment", ["before a.csv", "before b.csv"])
def test_link_in_place_of_a_file_is_not_followed(runner: Runner, tmp_path: Path, moment: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("email\nsecret@example.com\n")
    runner.put("a.csv", "ann@example.com")
    runner.put("b.csv", "bob@example.com")

    def link(name: str) -> None:
        if moment == f"before {name}":
            (runner.path / "b.csv").unlink()
            (runner.path / "b.csv").symlink_to(secret)

    runner.before = link
    result = runner()
    assert (runner.users, [item.path.name for item in result.waiting]) == ({"ann@example.com"}, ["b.csv"])


def test_file_whose_import_breaks_down_is_refused_and_the_others_go_on(runner: Runner) -> None:
    def break_down(name: str) -> None:
        if name == "a.csv":
            raise ZeroDivisionError(name)

    for name in ("a.csv", "b.csv"):
        runner.put(name, f"{name}@example.com")
    runner.before = break_down
    result = runner()
    outcomes = {file.name: file.outcome for file in result.files}
    assert outcomes.pop("a.csv") == "refused"
    assert "refused" not in outcomes.values()
    report = report_of(runner.path / "refused" / "a.csv")
    assert report["summary"]["fault"]["message"] == "the import of the file broke down with ZeroDivisionError"
    assert not (runner.path / "a.csv").exists()


def test_file_that_is_written_to_before_its_turn_stays(runner: Runner) -> None:
    runner.put("a.csv", "ann@example.com")
    runner.put("b.csv", "bob@example.com")
    for name in ("a.csv", "b.csv"):
        os.utime(runner.path / name, (time.time() - 60,) * 2)
    runner.before = lambda _: os.utime(runner.path / "b.csv")
    result = runner(settle_seconds=10)
    assert ([file.name for file in result.files], [item.path.name for item in result.waiting]) == (["a.csv"], ["b.csv"])


def test_inbox_that_is_gone_fails_the_run(runner: Runner) -> None:
    runner.put("a.csv", "ann@example.com")
    runner.put("b.csv", "bob@example.com")
    runner.after = lambda _: shutil.rmtree(runner.path)
    result = runner()
    assert (result.status, [file.outcome for file in result.files]) == (JobStatus.FAILED, ["left"])
    assert f"there is no folder {runner.path} (FILE_NOT_FOUND)" in result.message
    assert not runner.path.exists()


def test_file_that_is_withdrawn_is_an_outcome(runner: Runner) -> None:
    for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
        runner.put(name, f"{name}@example.com")
    withdrawn = {"before a.csv": "a.csv", "after b.csv": "c.csv", "after d.csv": "d.csv"}

    def withdraw(moment: str) -> None:
        if moment in withdrawn:
            (runner.path / withdrawn[moment]).unlink()

    runner.before = lambda name: withdraw(f"before {name}")
    runner.after = lambda name: withdraw(f"after {name}")
    result = runner()
    assert [(file.name, file.outcome, file.is_fine) for file in result.files] == [
        ("a.csv", "withdrawn", True),
        ("b.csv", "done", True),
        ("c.csv", "withdrawn", True),
        ("d.csv", "withdrawn", False),  # its rows are in
    ]
    assert runner.users == {"b.csv@example.com", "d.csv@example.com"}


def test_file_whose_job_a_person_cancels_is_filed_and_the_others_go_on(runner: Runner) -> None:
    runner.put("a.csv", "ann@example.com")
    runner.put("b.csv", "bob@example.com")
    runner.faults["a.csv"] = canceled_by("`jobs cancel`")
    result = runner()
    assert result.message.startswith("1 canceled, 1 done; 1 inserted")
    assert (result.status, result.exit_code) == (JobStatus.COMPLETED_WITH_ERRORS, 3)
    assert (runner.path / "canceled/a.csv").exists()
    assert runner().message == "nothing new in the inbox"


@pytest.mark.parametrize("by_person", [False, True])
def test_signal_leaves_the_file_for_the_next_run_unless_a_person_cancels_the_run(
    runner: Runner, *, by_person: bool
) -> None:
    runner.put("a.csv", "ann@example.com")
    runner.put("b.csv", "bob@example.com")
    runner.faults["a.csv"] = canceled_by(A_SIGNAL)
    runner.by_person = by_person
    result = runner()
    assert (result.status, result.exit_code) == (JobStatus.CANCELED, 130)
    assert result.message.startswith("canceled; 1 canceled" if by_person else "canceled; 1 left for the next run")
    runner.faults.clear()
    runner()
    assert runner.users == ({"bob@example.com"} if by_person else {"ann@example.com", "bob@example.com"})


def test_fault_that_may_pass_leaves_the_files_and_fails_the_run(runner: Runner) -> None:
    runner.put("a.csv", "ann@example.com")
    runner.put("b.csv", "bob@example.com")
    runner.faults["a.csv"] = DatabaseFault(ErrorCode.DATABASE_BUSY, "the database is locked by process 7")
    result = runner()
    assert (result.status, result.exit_code) == (JobStatus.FAILED, 1)
    assert "1 left for the next run; the database is locked by process 7 (DATABASE_BUSY)" in result.message
    assert runner.names == ["a.csv", "b.csv"]
    runner.faults.clear()
    assert runner().message.startswith("2 done; 2 inserted")


def test_full_disk_while_a_file_is_filed_leaves_it(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    path = runner.put("a.csv", "ann@example.com")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", refuse)
    result = runner()
    assert (result.files[0].outcome, path.exists()) == ("left", True)
    assert "could not be moved: no space left on device" in result.files[0].sentence


def test_what_waits_is_named_and_fails_the_run_after_an_hour(runner: Runner) -> None:
    part = runner.put("users.csv.part", "ann@example.com")
    (runner.path / "folder").mkdir()
    result = runner()
    assert result.status is JobStatus.COMPLETED
    assert result.message.startswith("nothing new in the inbox; 2 waiting, the oldest for 0 s: ")
    os.utime(part, (time.time() - HOUR - 60,) * 2)
    late = runner()
    assert (late.status, late.exit_code) == (JobStatus.FAILED, 1)
    assert "2 waiting, the oldest for 1 h 1 min: users.csv.part, folder" in late.message
    assert any("users.csv.part is named as if it were not complete" in line for line in runner.log)
    assert runner(max_waiting_minutes=120).status is JobStatus.COMPLETED


def test_file_that_was_written_to_after_it_was_filed_is_said_aloud(runner: Runner) -> None:
    with runner.put("users.csv", "ann@example.com").open("a") as writer:
        assert runner().status is JobStatus.COMPLETED
        writer.write("bob@example.com\n")
    result = runner()
    assert (result.status, result.exit_code) == (JobStatus.FAILED, 1)
    assert "done/users.csv was written to after it was filed: move it back" in result.message
    assert "users.csv was written to after it was filed" in runner.log[-1]
    (runner.path / "done/users.csv").rename(runner.path / "users.csv")
    assert runner().status is JobStatus.COMPLETED
    assert runner.users == {"ann@example.com", "bob@example.com"}


def test_nothing_that_prefect_shows_names_an_address(runner: Runner) -> None:
    runner.put("ann@example.com.csv.part")
    runner.put("bob@example.com.csv", "bob@example.com")
    result = runner()
    assert "@example" not in f"{result.message}{json.dumps(result.document)}{runner.log}"


def test_workbooks_and_archives_are_filed_with_their_refused_rows_as_csv(real: RealRunner) -> None:
    rows = [("email",), ("ann@example.com",), ("wrong",)]
    (real.path / "sheet.xlsx").write_bytes(write_xlsx(*rows))
    with zipfile.ZipFile(real.path / "export.zip", "w") as archive:
        archive.writestr("users.csv", "email\nbo@example.com\nwrong\n")
    real()
    filed = {name for name in real.names if not name.endswith(".json")}
    assert filed == {
        "partly/export.rejects.csv",
        "partly/export.zip",
        "partly/sheet.rejects.csv",
        "partly/sheet.xlsx",
    }
