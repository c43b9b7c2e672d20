"""A backup is a whole copy of the database, beside readers and after a dead writer; put back, imports go on."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.jobs.backup import back_up
from flows.jobs.cli import app as jobs
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.database_file import log_of
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, ExitCode, FileFault
from schemas.job import JobStatus
from tests.flows.importing import import_records, query_rows, read_users
from tests.population import user
from tests.robustness.processes import hold_database

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
DIE_WRITING = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("insert into connections (connection) values ('late')")
os._exit(0)
"""


def test_a_restored_database_has_what_it_had_and_takes_imports_and_undos(settings: Settings) -> None:
    import_records(settings, [user(1), {"email": "not one"}], name=FIRST)
    backup = settings.database.parent / "backup.duckdb"
    assert back_up(Store(settings), backup) == backup.stat().st_size
    users, errors = read_users(settings), query_rows(settings, "from import_errors")
    import_records(settings, [user(2)], name=SECOND)
    assert len(read_users(settings)) == 2

    backup.replace(settings.database)
    assert (read_users(settings), query_rows(settings, "from import_errors")) == (users, errors)
    assert query_rows(settings, "select job_id from import_jobs") == [(FIRST,)]
    assert import_records(settings, [user(2)]).status is JobStatus.COMPLETED
    undo(FIRST, dry_run=False, settings=settings, job_id=SECOND)
    assert [found["user_id"] for found in read_users(settings)] == ["u-2"]


def test_a_backup_is_private_and_all_that_is_written(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    back_up(store, folder / "b.duckdb")
    assert [path.name for path in folder.iterdir()] == ["b.duckdb"]
    assert (folder / "b.duckdb").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_backup_has_the_log_that_a_dead_writer_left(store: Store, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DIE_WRITING, str(store.path)], check=True)
    assert log_of(store.path).exists()
    back_up(store, tmp_path / "b.duckdb")
    assert log_of(store.path).exists(), "the database itself is as it was"
    assert ("late",) in query_rows(Settings(database=tmp_path / "b.duckdb"), "select connection from connections")
    assert not log_of(tmp_path / "b.duckdb").exists()


def test_a_backup_does_not_wait_for_a_reader_and_gives_up_on_a_writer(store: Store, tmp_path: Path) -> None:
    with hold_database(store.settings):
        back_up(store, tmp_path / "b.duckdb")
    with hold_database(store.settings, writes=True), pytest.raises(DatabaseFault):
        back_up(store, tmp_path / "c.duckdb")
    assert not (tmp_path / "c.duckdb").exists()


@pytest.mark.parametrize(
    "name", ["users.duckdb", "users.duckdb.wal", "other.duckdb", "missing/b.duckdb", "/proc/b.duckdb", ".", "/", "-"]
)
def test_a_backup_replaces_nothing_and_names_what_it_cannot_write(store: Store, tmp_path: Path, name: str) -> None:
    log_of(tmp_path / "other.duckdb").write_text("changes of another database")
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    path = Path(name) if name == "-" else tmp_path / name
    with pytest.raises(FileFault, match=r"b\.duckdb|/proc|users\.duckdb|other\.duckdb|is not a file|standard output"):
        back_up(store, path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_the_command_says_where_the_backup_is(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    target = store.path.parent / "b.duckdb"
    arguments = ["backup", str(target), "--database", str(store.path), "--json"]
    assert main(jobs, arguments) == ExitCode.ALL_ROWS_IN
    assert json.loads(capsys.readouterr().out) == {"path": str(target), "bytes": target.stat().st_size}
    assert main(jobs, arguments) == ExitCode.JOB_FAILED
    assert "a backup replaces nothing" in json.loads(capsys.readouterr().out)["fault"]["message"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [("No space left on device", ErrorCode.DISK_FULL), ("Read-only file system", ErrorCode.FILE_UNREADABLE)],
)
def test_a_backup_that_cannot_be_written_is_named_and_not_its_temporary_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, code: ErrorCode
) -> None:
    def fail(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        if code is ErrorCode.DISK_FULL:
            return subprocess.CompletedProcess(command, 1, b"", f"cp: error writing 'x': {reason}".encode())
        raise OSError(errno.EROFS, reason, ".user-import-0123abcd")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(FileFault, match=r"[^.]+(/backup\.duckdb)? cannot be written: ") as raised:
        back_up(store, tmp_path / "backup.duckdb")
    assert raised.value.code is code
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name or "user-import" in path.name]
