"""A full disk and too little memory end a job with a clear fault and change nothing; run again, it goes in."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.pipeline.job import Silent
from flows.pipeline.run import run_job
from flows.settings import Settings
from flows.store.database import Store
from flows.store.errors import shortage
from flows.store.job_folder import JobFolder
from flows.store.live_jobs import live_status
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, ExitCode
from schemas.job import DONE, JobStatus, JobSummary
from schemas.options import JobOptions
from tests.flows.importing import asked, users_of
from tests.population import user, write_ndjson

USERS = 3_000
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of users with some bulk."""
    path = tmp_path_factory.mktemp("source") / "users.ndjson"
    return write_ndjson(path, ({**user(n), "user_metadata": {"note": f"{n}-" * 200}} for n in range(USERS)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def imported(settings: Settings, source: Path, name: str) -> JobSummary:
    return run_job(JobOptions(sources=(str(source),)), settings=settings, job_id=name, observer=Silent())


def code_of(summary: JobSummary) -> str | None:
    return summary.fault["code"] if summary.fault else None


def test_a_full_disk_fails_the_job_clearly_and_with_room_it_goes_in(small_disk: Path, source: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    for name, free in (("loading", 200_000), ("planning", 600_000), ("merging", 2_000_000)):
        Store(settings).prepare()
        _fill(small_disk, free=free)
        summary = imported(settings, source, name)
        assert (summary.status, code_of(summary)) == (JobStatus.FAILED, ErrorCode.DISK_FULL), name
        (small_disk / "ballast").unlink()
        assert live_status(Store(settings), name)[0].fault == summary.fault
        assert users_of(settings) == []
        assert not JobFolder(settings.jobs_folder / name).parts("accepted"), "they keep nobody's disk full"
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert imported(settings, source, "with room").inserted == USERS


def _fill(disk: Path, *, free: int) -> None:
    """Leave only so many bytes."""
    found = os.statvfs(disk)
    (disk / "ballast").write_bytes(b"x" * max(0, found.f_bavail * found.f_frsize - free))


def test_a_database_that_cannot_be_made_for_want_of_room_is_not_made_at_all(small_disk: Path, source: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    _fill(small_disk, free=300_000)
    with pytest.raises(DatabaseFault) as caught:
        imported(settings, source, "job")
    assert caught.value.code is ErrorCode.DISK_FULL
    assert not settings.database.exists()
    (small_disk / "ballast").unlink()
    Store(settings).prepare()
    assert asked(settings, "select count(*) from users") == [(0,)]


def test_free_space_is_looked_at_before_a_merge(small_disk: Path, tmp_path: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    summary = imported(settings, write_ndjson(tmp_path / "one.ndjson", [user(1)]), "job")
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
    is_in = len(users_of(settings)) == USERS
    statuses = [
        live_status(Store(settings), str(job))[0] for (job,) in asked(settings, "select job_id from import_jobs")
    ]
    assert is_in or users_of(settings) == []
    assert [status.status in DONE for status in statuses] == [is_in] * len(statuses)
    assert is_in or ended.returncode != ExitCode.ALL_ROWS_IN
    if statuses and not is_in:
        assert code_of(statuses[0]) in (ErrorCode.OUT_OF_MEMORY, ErrorCode.JOB_LOST)
    again = imported(settings, source, "again")
    assert is_in or again.inserted == USERS


def test_an_engine_that_may_use_little_memory_says_so(tmp_path: Path, source: Path) -> None:
    settings = Settings(database=tmp_path / "users.duckdb", memory_limit="12MB")
    Store(settings).prepare()
    summary = imported(settings, source, "job")
    assert code_of(summary) == ErrorCode.OUT_OF_MEMORY
    assert users_of(settings) == []


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
def test_what_ran_out_is_told_from_the_error(error: Exception, code: ErrorCode | None) -> None:
    fault = shortage(error)
    assert (fault.code if fault else None) == code


def test_the_command_line_answers_a_full_disk_with_one_sentence(small_disk: Path, source: Path) -> None:
    settings = Settings(database=small_disk / "users.duckdb", wait_seconds=1)
    Store(settings).prepare()
    _fill(small_disk, free=600_000)
    command = [
        sys.executable,
        "-m",
        "flows.import_users",
        source,
        "--database",
        settings.database,
        "--direct",
        "--json",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == ExitCode.JOB_FAILED
    assert json.loads(ended.stdout)["fault"]["code"] == "DISK_FULL"
    assert "Traceback" not in ended.stderr
