"""A job that is loaded in slices by several processes has the result of one that is not, whatever is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.slices import gather
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import SLICES_FOLDER, JobFolder
from schemas.job import JobStatus, JobSummary, Mode
from schemas.options import JobOptions
from tests.flows.importing import new_id

JOB = "00000000-0000-4000-8000-000000000001"
QUERIES = (
    "select * exclude (created_at, updated_at, digest) from users order by all",
    "select * exclude (job_id) from import_errors order by all",
    "select * exclude (job_id) from rejected_users order by all",
    "select user_id, action from user_changes order by all",
)
SECONDS = 60.0


def children() -> set[int]:
    """Return the processes that this one has started."""
    found: set[int] = set()
    for path in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            found.update(map(int, (path / "children").read_text().split()))
    return found


def write_lines(path: Path, *, records: int, seed: int) -> Path:
    """Write NDJSON with a BOM, all line ends and every kind of line: good, duplicated, broken, blank, not UTF-8."""
    pick = random.Random(seed)  # noqa: S311 - invented records
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: json.dumps(
            {"email": f"u{pick.randrange(records)}@example.com", "name": "x" * pick.randrange(1, 200)}
        ).encode(),
        lambda: json.dumps({"email": f" u{pick.randrange(records)}@example.com", "nickname": None}).encode(),
        lambda: b'{"email": "no address", "unknown": 1}',
        lambda: b'{"email": "\xff@example.com"}',
        lambda: b"{broken",
        lambda: b"",
        lambda: b" \t",
    )
    lines = (pick.choices(kinds, weights=(60, 10, 3, 2, 2, 2, 1))[0]() for _ in range(records))
    ends = (b"\n", b"\n", b"\r\n", b"\r")
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(line + pick.choice(ends) for line in lines))
    return path


def write_table(path: Path, *, records: int, seed: int) -> Path:
    """Write Parquet of several row groups."""
    pick = random.Random(seed)  # noqa: S311 - invented records
    rows = {
        "email": [f"u{pick.randrange(records)}@example.com" if pick.random() < 0.9 else "no" for _ in range(records)],
        "name": ["x" * pick.randrange(1, 200) for _ in range(records)],
    }
    pl.DataFrame(rows).write_parquet(path, row_group_size=max(1, records // 9))
    return path


def settings_in(folder: Path, runner: str) -> Settings:
    folder.mkdir()
    return Settings(database=folder / "users.duckdb", task_runner=runner)


def run(settings: Settings, *paths: Path, job_id: str = JOB, **more: object) -> JobSummary:
    options = JobOptions.model_validate({"sources": tuple(map(str, paths)), "mode": "upsert", "again": True, **more})
    return run_job(options, settings=settings, job_id=job_id, observer=Observer())


def outcome(settings: Settings, summary: JobSummary) -> tuple[object, ...]:
    """Return all that a job leaves: its counts, the rows of every table, and the file of refused rows."""
    with Store(settings).reading() as connection:
        tables = [connection.execute(query).fetchall() for query in QUERIES]
    rejects = settings.database.parent / "rejects.ndjson"
    write_rejects(Store(settings), summary.job_id, rejects)
    timeless = replace(
        summary, created_at="", started_at="", finished_at="", duration_seconds=0, rows_per_second=0, lock_seconds=0
    )
    return (timeless, *tables, rejects.read_bytes() if rejects.exists() else b"")


def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *paths: Path, slice_bytes: int, **more: Any) -> None:
    """Compare a job in slices with one that is not, and see the processes of the former."""
    monkeypatch.setattr(gather, "SLICE_BYTES", slice_bytes)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", "processes:2")
    summary = run(whole, *paths, **more)
    assert summary.fault is None
    expected = outcome(whole, summary)
    seen: set[int] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.update(children())

    before = children()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        found = outcome(sliced, run(sliced, *paths, **more))
    finally:
        ended.set()
        watcher.join()
    assert found == expected
    assert len(seen - before) >= 2  # the workers; and a process that multiprocessing starts for them
    assert slices_of(sliced) == []  # removed after the merge


def slices_of(settings: Settings, job_id: str = JOB) -> list[Path]:
    return sorted((settings.jobs_folder / job_id / SLICES_FOLDER).glob("*-*/manifest.json"))


def test_lines_in_slices_give_what_they_give_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(tmp_path, monkeypatch, write_lines(tmp_path / "a.ndjson", records=3000, seed=1), slice_bytes=20_000)


@pytest.mark.slow
def test_row_groups_in_slices_give_what_they_give_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(tmp_path, monkeypatch, write_table(tmp_path / "a.parquet", records=900, seed=1), slice_bytes=1)


@pytest.mark.slow
def test_several_files_of_both_formats_are_numbered_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        write_lines(tmp_path / "a.ndjson", records=500, seed=2),
        write_table(tmp_path / "b.parquet", records=300, seed=3),
        write_lines(tmp_path / "c.ndjson", records=500, seed=4),
    ]
    compare(tmp_path, monkeypatch, *paths, slice_bytes=10_000, null="absent", unknown_fields="ignore")


def test_warnings_above_the_limit_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("".join(f'{{"email": " u{n}@example.com"}}\n' for n in range(2500)))
    compare(tmp_path, monkeypatch, path, slice_bytes=20_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_random_cuts_give_what_the_whole_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311 - invented records
    path = write_lines(tmp_path / "a.ndjson", records=pick.randrange(1, 1500), seed=seed)
    size = pick.randrange(200, max(201, path.stat().st_size // 2))
    monkeypatch.setattr(gather, "SLICE_BYTES", size)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", "processes:2")
    assert outcome(sliced, run(sliced, path)) == outcome(whole, run(whole, path))


def test_what_cannot_be_cut_is_loaded_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 10)
    path = tmp_path / "a.csv"
    path.write_text("email\n" + "".join(f"u{n}@example.com\n" for n in range(50)))
    settings = settings_in(tmp_path / "db", "processes:2")
    assert run(settings, path).inserted == 50


def test_a_fault_of_a_file_is_that_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 1000)
    path = write_table(tmp_path / "a.parquet", records=900, seed=1)
    data = bytearray(path.read_bytes())
    data[200:600] = os.urandom(400)
    path.write_bytes(data)
    faults = []
    for runner in ("none", "processes:2"):
        settings = settings_in(tmp_path / runner.replace(":", ""), runner)
        summary = run(settings, path)
        assert summary.fault is not None
        faults.append((summary.fault["code"], summary.status))
        with Store(settings).reading() as connection:
            assert connection.execute("select count(*) from users").fetchall() == [(0,)]
    assert faults[0] == faults[1]


def die(_order: object) -> None:
    """End the process as the kernel would."""
    os._exit(9)


class Killer(Observer):
    """Kills worker processes of the job once it loads."""

    def __init__(self, times: int, number: int = signal.SIGKILL) -> None:
        self.left, self.number, self.before = times, number, children()
        self.killed: list[int] = []
        self.thread = threading.Thread(target=self._kill, daemon=True)

    def on_phase(self, status: JobStatus) -> None:
        if status is JobStatus.LOADING:
            self.thread.start()

    def _kill(self) -> None:
        deadline = time.monotonic() + SECONDS
        while self.left and time.monotonic() < deadline:
            workers = [pid for pid in children() - self.before if is_worker(pid)]
            if workers:
                time.sleep(0.2)
                os.kill(workers[-1], self.number)
                self.killed.append(workers[-1])
                self.before.update(workers)
                self.left -= 1
            time.sleep(0.02)


def is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_worker_that_is_killed_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=3000, seed=7)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", "processes:2")
    killer = Killer(1)
    options = JobOptions(sources=(str(path),), mode=Mode.UPSERT, again=True)
    summary = run_job(options, settings=sliced, job_id=JOB, observer=killer)
    assert len(killer.killed) == 1
    assert outcome(sliced, summary) == outcome(whole, run(whole, path))


@pytest.mark.slow
def test_workers_that_are_killed_again_and_again_end_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    monkeypatch.setattr(gather, "load_slice", die)
    settings = settings_in(tmp_path / "db", "processes:2")
    summary = run(settings, write_lines(tmp_path / "a.ndjson", records=1000, seed=8))
    assert summary.fault is not None
    assert (summary.status, summary.fault["code"]) == (JobStatus.FAILED, "OUT_OF_MEMORY")


@pytest.mark.slow
def test_a_slice_that_breaks_down_three_times_ends_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    monkeypatch.setattr(gather, "load_slice", json.loads)
    settings = settings_in(tmp_path / "db", "processes:2")
    summary = run(settings, write_lines(tmp_path / "a.ndjson", records=1000, seed=9))
    assert summary.fault is not None
    assert "broke down 3 times with TypeError" in summary.fault["message"]


def test_a_later_attempt_takes_up_the_slices_that_are_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=3000, seed=10)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", "processes:2")
    with monkeypatch.context() as patch:
        patch.setattr(gather._Run, "gather", lambda _: (_ for _ in ()).throw(KeyError("lost")))
        assert run(sliced, path).status is JobStatus.FAILED
    finished = {manifest: manifest.stat().st_mtime_ns for manifest in slices_of(sliced)}
    assert len(finished) > 3
    removed = next(iter(finished))
    removed.unlink()
    found: dict[Path, int] = {}
    gathered = gather._Run.gather

    def look(run: gather._Run) -> object:
        found.update({manifest: manifest.stat().st_mtime_ns for manifest in slices_of(sliced)})
        return gathered(run)

    monkeypatch.setattr(gather._Run, "gather", look)
    summary = run(sliced, path)
    assert outcome(sliced, summary) == outcome(whole, run(whole, path))
    kept: Mapping[Path, int] = {manifest: found[manifest] for manifest in finished if manifest != removed}
    assert kept == {manifest: time for manifest, time in finished.items() if manifest != removed}
    assert len(found) == len(finished)


@pytest.mark.slow
def test_slices_of_other_content_or_options_are_not_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=2000, seed=11)
    sliced = settings_in(tmp_path / "sliced", "processes:2")
    with monkeypatch.context() as patch:
        patch.setattr(gather._Run, "gather", lambda _: (_ for _ in ()).throw(KeyError("lost")))
        run(sliced, path)
    write_lines(path, records=2000, seed=12)
    whole = settings_in(tmp_path / "whole", "none")
    assert outcome(sliced, run(sliced, path)) == outcome(whole, run(whole, path))


PROGRAM = """
import sys
from pathlib import Path
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.slices import gather
from flows.settings import Settings
from schemas.options import JobOptions

if __name__ == "__main__":
    gather.SLICE_BYTES = 20_000
    settings = Settings(database=Path(sys.argv[1]), task_runner="processes:2")
    options = JobOptions(sources=(sys.argv[2],), mode="upsert", again=True)
    print(run_job(options, settings=settings, job_id=sys.argv[3], observer=Observer()).sentence)
"""


def workers_of(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return [pid for pid in found if is_worker(pid)]


def wait_until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_no_worker_outlives_a_job_that_is_killed_and_its_slices_are_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=5000, seed=13)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    sliced = settings_in(tmp_path / "sliced", "processes:2")
    process = subprocess.Popen(
        [sys.executable, str(program), str(sliced.database), str(path), JOB],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    wait_until(lambda: len(slices_of(sliced)) >= 2)
    workers = workers_of(process.pid)
    assert workers
    process.kill()
    process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() and is_worker(pid) for pid in workers))
    assert len(slices_of(sliced)) >= 2
    whole = settings_in(tmp_path / "whole", "none")
    assert outcome(sliced, run(sliced, path)) == outcome(whole, run(whole, path))


class Canceler(Observer):
    """Cancels the job as another process would, once its workers run."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder, self.before, self.canceled_at = folder, children(), 0.0
        self.thread = threading.Thread(target=self._cancel, daemon=True)

    def on_phase(self, status: JobStatus) -> None:
        if status is JobStatus.LOADING:
            self.thread.start()

    def _cancel(self) -> None:
        wait_until(lambda: [pid for pid in children() - self.before if is_worker(pid)])
        time.sleep(0.7)  # past their imports
        self.canceled_at = time.monotonic()
        self.folder.request_cancel()


def test_a_cancellation_reaches_the_workers_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 2_000_000)
    path = tmp_path / "a.ndjson"
    path.write_text("".join(f'{{"email": "u{n}@example.com", "name": "{"x" * 100}"}}\n' for n in range(60_000)))
    settings = settings_in(tmp_path / "db", "processes:2")
    job_id = new_id()
    canceler = Canceler(JobFolder(settings.jobs_folder / job_id))
    options = JobOptions(sources=(str(path),))
    summary = run_job(options, settings=settings, job_id=job_id, observer=canceler)
    took = time.monotonic() - canceler.canceled_at
    assert summary.status is JobStatus.CANCELED
    assert took < 3  # on a busy machine; the workers look four times a second
    assert [pid for pid in children() - canceler.before if is_worker(pid)] == []
