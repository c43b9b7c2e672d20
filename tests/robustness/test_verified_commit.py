"""What a commit left is verified, the recorded end of a job is final, and a job whose process died is lost."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from flows.jobs.cli import app
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs, find_job_named
from flows.store.jobs import find_job
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, ExitCode
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import change_database, import_records, query_rows, read_users
from tests.marks import mostly_slow
from transforms.statements import run

ADA = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada"}
BOB = {"email": "bob@x.example", "user_id": "u-bob"}
ROOT = Path(__file__).parents[2]


def connection_of_the_job() -> duckdb.DuckDBPyConnection:
    """Return the connection that the job holds: no other can write meanwhile, so only it can be made to lose a row."""
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name in ("merge", "_put_back"):
            found = frame.f_locals["connection"]
            assert isinstance(found, duckdb.DuckDBPyConnection)
            return found
        frame = frame.f_back  # type: ignore[assignment]
    raise AssertionError("no job is merging")


@contextmanager
def losing(statement: str, *, before: str = "read back") -> Iterator[None]:
    """Execute the statement after a job's commit, before it is read back, or before another step."""

    def lose(step: str) -> None:
        if step == before:
            connection_of_the_job().execute(statement)

    with on_fault_point(lose):
        yield


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("delete from users where user_id = 'u-bob'", "1 created, not 2"),
        ("update users set email_folded = 'same'", "users that are not those that the job wrote"),
        ("update users set digest = 1", "users that are not those that the job wrote"),
        ("update users set connection = 'other'", "0 created, not 2"),
    ],
)
def test_an_import_whose_commit_lost_something_fails(settings: Settings, statement: str, words: str) -> None:
    with losing(statement):
        summary = import_records(settings, [ADA, BOB])
    assert (summary.status, summary.exit_code) == (JobStatus.FAILED, ExitCode.JOB_FAILED)
    assert summary.fault is not None
    assert (summary.fault["code"], words in summary.fault["message"]) == ("NOT_CONSERVED", True)
    assert "nothing was merged" not in str(summary.fault)
    assert summary.total == summary.inserted + summary.updated + summary.unchanged + summary.failed
    assert find_job(Store(settings), summary.job_id).fault == summary.fault
    assert find_job_named(Store(settings), summary.job_id).summary.status is JobStatus.FAILED


LOST = [
    ("delete from import_errors where severity = 'error' and record = 4", "1 errors, not 2"),
    ("delete from import_errors where severity = 'warning'", "0 warnings, not 1"),
    ("insert into import_errors from import_errors where severity = 'warning'", "2 warnings, not 1"),
    ("delete from rejected_users where record = 4", "1 refused, not 2"),
]


@pytest.mark.parametrize(("statement", "words"), LOST)
@pytest.mark.parametrize(
    ("dry_run", "max_errors"), mostly_slow([(False, None), (True, None), (False, 0)], quick=[(False, None)])
)
def test_an_import_whose_commit_lost_errors_or_refused_records_fails(
    settings: Settings, statement: str, words: str, dry_run: bool, max_errors: int | None
) -> None:
    import_records(settings, [BOB])
    rows = [{**BOB, "phone_number": "+49"}, {"email": "no"}, ADA, {"email": "ADA@x.example"}]
    with losing(statement):
        summary = import_records(settings, rows, dry_run=dry_run, max_errors=max_errors)
    assert summary.status is JobStatus.FAILED
    assert summary.fault is not None
    assert (summary.fault["code"], words in summary.fault["message"]) == ("NOT_CONSERVED", True)
    assert summary.total == summary.inserted + summary.updated + summary.unchanged + summary.failed


@pytest.mark.parametrize("key", ["email_folded", "username_folded", "user_id"])
def test_a_key_that_two_users_would_hold_rolls_the_transaction_back(settings: Settings, key: str) -> None:
    assert import_records(settings, [BOB]).inserted == 1
    with losing(f"update users set {key} = 'same'", before="broken_keys"):  # noqa: S608
        summary = import_records(settings, [ADA])
    assert summary.fault is not None
    assert (summary.fault["code"], summary.inserted) == ("NOT_CONSERVED", 0)
    assert "1 keys would be held by more than one user" in summary.fault["message"]
    assert query_rows(settings, "select user_id from users") == [("u-bob",)]


def test_what_a_broken_commit_left_can_be_undone_and_imported_again(settings: Settings) -> None:
    with losing("delete from users where user_id = 'u-bob'"):
        broken = import_records(settings, [ADA, BOB])
    assert (broken.inserted, broken.failed) == (1, 1)
    undone = undo(broken.job_id, dry_run=False, settings=settings, job_id="undo")
    assert (undone.reversed, undone.kept) == (1, 0)
    assert read_users(settings) == []
    assert import_records(settings, [ADA, BOB], again=False).inserted == 2


def test_an_undo_whose_commit_lost_something_fails(settings: Settings) -> None:
    import_records(settings, [ADA, BOB])
    job = import_records(settings, [{**ADA, "name": "Ada L."}, {**BOB, "name": "Bob"}])
    with losing("delete from users where user_id = 'u-bob'"):
        summary = undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
    assert summary.status is JobStatus.FAILED
    assert summary.fault is not None
    assert "1 restored, not 2" in summary.fault["message"]
    assert find_job(Store(settings), "undo").status is JobStatus.FAILED


@pytest.mark.parametrize(
    ("statement", "words"),
    [("delete from import_errors", "0 errors, not 1"), ("delete from rejected_users", "0 kept, not 1")],
)
def test_an_undo_whose_commit_lost_what_it_kept_fails(settings: Settings, statement: str, words: str) -> None:
    job = import_records(settings, [ADA, BOB])
    import_records(settings, [{**ADA, "name": "Ada L."}])
    with losing(statement):
        summary = undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
    assert summary.status is JobStatus.FAILED
    assert summary.fault is not None
    assert (summary.fault["code"], words in summary.fault["message"]) == ("NOT_CONSERVED", True)


def test_a_dry_run_that_wrote_something_fails(settings: Settings) -> None:
    import_records(settings, [ADA])
    with losing("update users set created_by_job = 'dry', updated_by_job = 'dry'"):
        summary = import_records(settings, [BOB], name="dry", dry_run=True)
    assert summary.status is JobStatus.FAILED


@pytest.mark.parametrize("step", ["database: committed", "read back", "report"])
def test_a_fault_after_the_commit_does_not_change_the_summary(settings: Settings, step: str) -> None:
    waiting_for = ["finish_job", step]

    def break_down(name: str) -> None:
        if waiting_for[:1] == [name]:
            waiting_for.pop(0)
            if not waiting_for:
                raise RuntimeError(name)

    with on_fault_point(break_down):
        summary = import_records(settings, [ADA], name="job")
    assert (summary.status, summary.inserted, summary.fault) == (JobStatus.COMPLETED, 1, None)
    assert find_job(Store(settings), "job").status is JobStatus.COMPLETED


def test_a_signal_after_the_commit_comes_too_late(settings: Settings) -> None:
    def interrupt(name: str) -> None:
        if name == "read back":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)  # until the main thread has handled it

    with on_fault_point(interrupt):
        summary = import_records(settings, [ADA], name="job")
    assert summary.status is JobStatus.COMPLETED
    assert len(read_users(settings)) == 1


def test_a_signal_before_the_commit_cancels_however_often_it_comes(settings: Settings) -> None:
    def interrupt(name: str) -> None:
        if name in ("insert_new_users", "broken_keys"):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    with on_fault_point(interrupt):
        summary = import_records(settings, [ADA], name="job")
    assert (summary.status, summary.exit_code) == (JobStatus.CANCELED, ExitCode.CANCELED)
    assert find_job(Store(settings), "job").status is JobStatus.CANCELED
    assert read_users(settings) == []


def test_a_job_that_was_swept_as_lost_meanwhile_merges_nothing(settings: Settings) -> None:
    """This happens when its folder is moved while it runs."""

    def declare_lost(name: str) -> None:
        if name == "enter importing":
            change_database(
                settings, "update import_jobs set status = 'failed', fault_code = 'JOB_LOST', fault_message = 'x'"
            )

    with on_fault_point(declare_lost):
        summary = import_records(settings, [ADA], name="job")
    assert summary.status is JobStatus.FAILED
    assert read_users(settings) == []


def test_an_end_that_could_not_be_recorded_is_recorded_by_the_next_command(settings: Settings) -> None:
    """The database is busy when the job fails, so that only its folder holds the end."""
    with _reader(settings, at="enter ready"):
        summary = import_records(settings, [ADA], name="job")
    assert summary.fault is not None
    assert summary.fault["code"] == ErrorCode.DATABASE_BUSY
    assert query_rows(settings, "select status from import_jobs") == [("loading",)]
    job = find_job_named(Store(settings), "job")
    assert (job.summary.status, job.summary.fault, job.progress) == (JobStatus.FAILED, summary.fault, {})
    assert read_users(settings) == []


@contextmanager
def _reader(settings: Settings, *, at: str) -> Iterator[None]:
    """Read the database in another process from that step on."""
    code = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=True); print('in', flush=True); input()"
    readers: list[subprocess.Popen[str]] = []

    def start(step: str) -> None:
        if step == at:
            command = [sys.executable, "-c", code, str(settings.database)]
            reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            readers.append(reader)
            assert reader.stdout is not None
            assert reader.stdout.readline() == "in\n"

    try:
        with on_fault_point(start):
            yield
    finally:
        for reader in readers:
            reader.communicate("\n")


def test_jobs_without_a_process_are_swept_by_every_command(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    import_records(settings, [ADA], name="job")
    change_database(settings, "update import_jobs set status = 'importing'")
    JobFolder(settings.jobs_folder / "job").write_status({"status": "importing"})
    assert main(app, ["list", "--database", str(settings.database)]) == 0
    assert "the process that ran the job is gone" in capsys.readouterr().out
    assert find_job(Store(settings), "job").fault == {
        "code": "JOB_LOST",
        "message": "the process that ran the job is gone; nothing was merged",
        "hint": "run it again",
    }


def test_a_status_that_another_version_wrote_does_not_stop_the_sweep(settings: Settings) -> None:
    import_records(settings, [ADA], name="job")
    change_database(settings, "update import_jobs set status = 'importing'")
    JobFolder(settings.jobs_folder / "job").write_status({"job_id": "job", "status": "unheard of"})
    end_lost_jobs(Store(settings))
    assert find_job(Store(settings), "job").status is JobStatus.FAILED


def test_only_the_folder_of_a_job_that_never_began_is_removed(store: Store, settings: Settings) -> None:
    orphan, running, other = (settings.jobs_folder / name for name in (str(uuid.uuid4()), str(uuid.uuid4()), "letters"))
    orphan.mkdir()
    other.mkdir()
    with JobFolder(running).locked():
        end_lost_jobs(store)
        assert [path.exists() for path in (orphan, running, other)] == [False, True, True]
    end_lost_jobs(store)
    assert [path.exists() for path in (orphan, running, other)] == [False, False, True]


def test_a_job_that_cannot_begin_leaves_nothing_behind(settings: Settings, store: Store) -> None:
    with store.reading(), pytest.raises(DatabaseFault):
        import_records(settings, [ADA], name=str(uuid.uuid4()))
    assert [path.name for path in settings.jobs_folder.iterdir() if not path.name.startswith(".")] == []


def test_the_recorded_end_of_a_job_is_final(settings: Settings) -> None:
    summary: JobSummary = import_records(settings, [ADA], Mode.INSERT, name="job")
    JobFolder(settings.jobs_folder / "job").write_status({"status": "importing"})
    end_lost_jobs(Store(settings))
    assert find_job(Store(settings), "job") == summary
    assert Path(settings.jobs_folder / "job").exists()


def test_a_closed_pipe_does_not_end_the_job(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "users.ndjson"
    source.write_text('{"email": "ada@x.example"}\n')
    command = [
        sys.executable,
        "-m",
        "flows.import_users",
        str(source),
        "--database",
        str(settings.database),
        "--direct",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
    assert process.returncode == ExitCode.ALL_ROWS_IN
    assert len(read_users(settings)) == 1
    ((job,),) = query_rows(settings, "select job_id from import_jobs")
    with subprocess.Popen(
        [sys.executable, "-m", "flows.jobs", "status", str(job), "--database", str(settings.database)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("username", [None, "x"])
def test_keys_are_proven_unique_by_their_hashes_also_where_users_lack_one(
    settings: Settings, username: str | None
) -> None:
    job = import_records(settings, [{"email": f"{number}@x.example"} for number in range(3)]).job_id
    change_database(settings, "update users set username = $username", username=username)
    with Store(settings).reading() as connection:
        assert run(connection, "unique_keys", connection="default", job_id=job) == [(username is None,)]
