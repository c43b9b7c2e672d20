"""A full disk or too little memory ends a job with a clear fault and changes nothing; a second run succeeds."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.jobs.forget import forget
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.settings import Settings
from flows.store.database import Store
from flows.store.errors import find_shortage
from flows.store.fault_points import on_fault_point
from flows.store.forget import WantedUser
from flows.store.job_folder import JobFolder
from flows.store.job_status import find_job_named
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, ExitCode
from schemas.job import DONE, JobStatus, JobSummary
from schemas.options import JobOptions
from tests.flows.importing import import_records, query_rows, read_users
from tests.population import user, write_ndjson

USERS = 3_000
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of users with long metadata."""
    path = tmp_path_factory.mktemp("source") / "users.ndjson"
    return write_ndjson(path, ({**user(n), "user_metadata": {"note": f"{n}-" * 200}} for n in range(USERS)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def run_import(settings: Settings, source: Path, name: str) -> JobSummary:
    return run_job(JobOptions(sources=(str(source),)), settings=settings, job_id=name, observer=Observer())


def code_of(summary: JobSummary) -> str | None:
    return summary.fault["code"] if summary.fault else None


def test_a_full_disk_fails_the_job_and_with_space_it_succeeds(small_disk: Path, source: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    for name, free in (("loading", 1_250_000), ("planning", 1_650_000), ("merging", 3_050_000)):
        Store(settings).prepare()
        _fill(small_disk, free=free)
        summary = run_import(settings, source, name)
        assert (summary.status, code_of(summary)) == (JobStatus.FAILED, ErrorCode.DISK_FULL), name
        (small_disk / "ballast").unlink()
        assert find_job_named(Store(settings), name).summary.fault == summary.fault
        assert read_users(settings) == []
        assert not JobFolder(settings.jobs_folder / name).parts("accepted"), "staged rows do not keep the disk full"
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert run_import(settings, source, "with space").inserted == USERS


@pytest.mark.parametrize("step", ["enter loading", "stage a batch", "updates", "commit"])
def test_disk_without_a_free_byte_takes_the_end_of_the_job_with_its_rows(
    small_disk: Path, tmp_path: Path, step: str
) -> None:
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    many = write_ndjson(tmp_path / "many.ndjson", map(user, range(4_000)))

    def fill(name: str) -> None:
        if name == step:
            _fill(small_disk, free=0)

    with on_fault_point(fill):
        summary = run_import(settings, many, "job")
    read = 0 if step == "enter loading" else 4_000
    assert (summary.status, code_of(summary), summary.total, summary.failed) == (
        JobStatus.FAILED,
        ErrorCode.DISK_FULL,
        read,
        read,
    )
    assert query_rows(settings, "select status, fault_code, total from import_jobs") == [("failed", "DISK_FULL", read)]
    assert read_users(settings) == []


def _fill(disk: Path, *, free: int) -> None:
    """Fill the disk until that many bytes are free."""
    found = os.statvfs(disk)
    (disk / "ballast").write_bytes(b"x" * max(0, found.f_bavail * found.f_frsize - free))


def test_a_database_without_space_to_be_created_is_not_created_at_all(small_disk: Path, source: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    _fill(small_disk, free=300_000)
    with pytest.raises(DatabaseFault) as caught:
        run_import(settings, source, "job")
    assert caught.value.code is ErrorCode.DISK_FULL
    assert not settings.database.exists()
    (small_disk / "ballast").unlink()
    Store(settings).prepare()
    assert query_rows(settings, "select count(*) from users") == [(0,)]


def test_free_space_is_checked_before_a_merge(small_disk: Path, tmp_path: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    summary = run_import(settings, write_ndjson(tmp_path / "one.ndjson", [user(1)]), "job")
    assert code_of(summary) == ErrorCode.DISK_FULL
    assert summary.fault is not None
    assert summary.fault["message"].startswith("the merge may need 8.0 MB on the disk of the database, which has ")


@pytest.mark.parametrize("megabytes", [900, 1500])
def test_too_little_memory_fails_the_job_and_changes_nothing(megabytes: int, source: Path, tmp_path: Path) -> None:
    database = tmp_path / "users.duckdb"
    Store(Settings(database=database)).prepare()
    ended = subprocess.run(
        [sys.executable, "-m", "flows.import_users", source, "--database", database, "--direct", "--json"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, megabytes * MEGABYTE)),
        cwd=Path(__file__).parents[2],
    )
    settings = Settings(database=database)
    is_in = len(read_users(settings)) == USERS
    statuses = [
        find_job_named(Store(settings), str(job)).summary
        for (job,) in query_rows(settings, "select job_id from import_jobs")
    ]
    assert is_in or read_users(settings) == []
    assert [status.status in DONE for status in statuses] == [is_in] * len(statuses)
    assert is_in or ended.returncode != ExitCode.ALL_ROWS_IN
    if statuses and not is_in:
        assert code_of(statuses[0]) in (ErrorCode.OUT_OF_MEMORY, ErrorCode.JOB_LOST)
    again = run_import(settings, source, "again")
    assert is_in or again.inserted == USERS


def test_a_memory_limit_that_is_too_low_is_reported(tmp_path: Path, source: Path) -> None:
    settings = Settings(database=tmp_path / "users.duckdb", memory_limit="12MB")
    Store(settings).prepare()
    summary = run_import(settings, source, "job")
    assert code_of(summary) == ErrorCode.OUT_OF_MEMORY
    assert read_users(settings) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(28, "No space left on device"), ErrorCode.DISK_FULL),
        (OSError(122, "Disk quota exceeded"), ErrorCode.DISK_FULL),
        (MemoryError(), ErrorCode.OUT_OF_MEMORY),
        (RuntimeError("can't start new thread"), ErrorCode.OUT_OF_MEMORY),
        (OSError(13, "Permission denied"), None),
        (ValueError("No space left on device"), None),
    ],
)
def test_the_error_tells_what_ran_out(error: Exception, code: ErrorCode | None) -> None:
    fault = find_shortage(error)
    assert (fault.code if fault else None) == code


def test_the_command_line_reports_a_full_disk_in_one_sentence(small_disk: Path, source: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    Store(settings).prepare()
    _fill(small_disk, free=600_000)
    command = [
        sys.executable,
        "-m",
        "flows.import_users",
        str(source),
        "--database",
        str(settings.database),
        "--direct",
        "--json",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == ExitCode.JOB_FAILED
    assert json.loads(ended.stdout)["fault"]["code"] == "DISK_FULL"
    assert "Traceback" not in ended.stderr


def test_forgetting_on_a_full_disk_erases_nothing_and_with_space_everything(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    import_records(settings, [{"email": "ada@hidden.example", "name": "Hidden"}, user(1), user(1)])
    before = read_users(settings)
    _fill(small_disk, free=3_000_000)
    with pytest.raises(DatabaseFault, match="are needed on the disk") as caught:
        forget(Store(settings), WantedUser("ada@hidden.example", "email"))
    assert (caught.value.code, "nothing was erased" in caught.value.hint) == (ErrorCode.DISK_FULL, True)
    assert read_users(settings) == before
    assert any(b"hidden" in path.read_bytes() for path in settings.jobs_folder.rglob("*.parquet"))

    def fill_up(step: str) -> None:
        if step == "copy the changed database":
            _fill(small_disk, free=0)

    (small_disk / "ballast").unlink()
    with on_fault_point(fill_up), pytest.raises(DatabaseFault, match="the disk is full") as caught:
        forget(Store(settings), WantedUser("ada@hidden.example", "email"))
    assert "the tables still have the user" in caught.value.hint
    assert read_users(settings) == before
    assert [path.name for path in small_disk.rglob("*") if "users.duckdb." in path.name] == []
    (small_disk / "ballast").unlink()
    forget(Store(settings), WantedUser("ada@hidden.example", "email"))
    others = [path for path in small_disk.rglob("*") if path.is_file() and path.suffix != ".ndjson"]
    assert [path for path in others if b"idden" in path.read_bytes()] == []
    assert [row["user_id"] for row in read_users(settings)] == ["u-1"]
