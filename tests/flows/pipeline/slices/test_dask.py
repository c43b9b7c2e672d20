"""A job that is loaded by workers of Dask has the result of one that is not, also when workers and schedulers die."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.slices import gather
from flows.settings import Settings
from flows.store.job_folder import JobFolder
from schemas.job import JobStatus, Mode
from schemas.options import JobOptions
from tests.flows.pipeline.slices.test_gather import (
    JOB,
    outcome,
    run,
    settings_in,
    slices_of,
    wait_until,
    write_lines,
    write_table,
)

ROOT = Path(__file__).parents[4]


class Cluster:
    """A scheduler and two workers, in processes of their own."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        self.scheduler = self._start("distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard")
        assert self.scheduler.stderr
        for line in self.scheduler.stderr:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                self.address = found[1]
                break
        threading.Thread(target=self.scheduler.stderr.read, daemon=True).start()
        self.workers = [self.add_worker() for _ in range(2)]

    def add_worker(self) -> "subprocess.Popen[str]":
        options = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny")
        return self._start("distributed.cli.dask_worker", self.address, *options, quiet=True)

    def _start(self, module: str, *words: str, quiet: bool = False) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--host", "127.0.0.1", *words],
            stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    cluster = Cluster()
    yield cluster
    cluster.close()


def test_workers_of_a_scheduler_give_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    paths = [
        write_lines(tmp_path / "a.ndjson", records=1500, seed=1),
        write_table(tmp_path / "b.parquet", records=300, seed=2),
    ]
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", f"dask={cluster.address}")
    before = [cpu_of(worker.pid) for worker in cluster.workers]
    assert outcome(sliced, run(sliced, *paths)) == outcome(whole, run(whole, *paths))
    spent = [cpu_of(worker.pid) - used for worker, used in zip(cluster.workers, before, strict=True)]
    assert min(spent) > 10  # hundredths of a second: the workers did it


def cpu_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=4000, seed=3)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", f"dask={cluster.address}")

    def kill() -> None:
        wait_until(lambda: [*sliced.jobs_folder.glob("*/slices/*/manifest.json")])
        os.kill(cluster.workers[0].pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    summary = run(sliced, path)
    thread.join()
    assert cluster.workers[0].wait(5) == -signal.SIGKILL
    assert outcome(sliced, summary) == outcome(whole, run(whole, path))


@pytest.mark.slow  # the client waits ten seconds for the scheduler
def test_a_scheduler_that_is_killed_ends_the_job_which_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=6000, seed=8)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", f"dask={cluster.address}")

    def kill() -> None:
        wait_until(lambda: [*sliced.jobs_folder.glob("*/slices/*/manifest.json")])
        cluster.scheduler.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    summary = run(sliced, path)
    thread.join()
    assert summary.fault is not None
    assert summary.fault["code"] == "RUNNER_UNAVAILABLE"
    assert "any more" in summary.fault["message"]
    assert slices_of(sliced)
    resumed = replace(sliced, task_runner="processes:2")
    assert outcome(resumed, run(resumed, path)) == outcome(whole, run(whole, path))


@pytest.mark.slow
def test_a_cancellation_reaches_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 2_000_000)
    path = tmp_path / "a.ndjson"
    path.write_text("".join(f'{{"email": "u{n}@example.com", "name": "{"x" * 100}"}}\n' for n in range(100_000)))
    settings = settings_in(tmp_path / "db", f"dask={cluster.address}")
    folder = JobFolder(settings.jobs_folder / JOB)

    def cancel() -> None:
        wait_until(lambda: [*settings.jobs_folder.glob("*/slices/*/accepted-*")])
        folder.request_cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    options = JobOptions(sources=(str(path),), mode=Mode.INSERT)
    summary = run_job(options, settings=settings, job_id=JOB, observer=Observer())
    thread.join()
    assert summary.status is JobStatus.CANCELED
    time.sleep(1)
    used = [cpu_of(worker.pid) for worker in cluster.workers]
    time.sleep(1)
    assert sum(cpu_of(worker.pid) for worker in cluster.workers) - sum(used) < 30  # they rest


@pytest.mark.slow
def test_a_cluster_of_this_machine_gives_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=1000, seed=5)
    whole, sliced = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "sliced", "dask")
    assert outcome(sliced, run(sliced, path)) == outcome(whole, run(whole, path))


def test_a_scheduler_that_does_not_answer_ends_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(gather, "SLICE_BYTES", 1000)
    monkeypatch.setattr("flows.pipeline.slices.dask.CONNECT_SECONDS", 1)
    settings = settings_in(tmp_path / "db", "dask=tcp://127.0.0.1:1")
    summary = run(settings, write_lines(tmp_path / "a.ndjson", records=100, seed=6))
    assert summary.fault is not None
    assert summary.fault["code"] == "RUNNER_UNAVAILABLE"


@pytest.mark.slow
def test_slices_can_be_staged_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=800, seed=7)
    (tmp_path / "db").mkdir()
    staging = tmp_path / "shared"
    settings = Settings(database=tmp_path / "db" / "users.duckdb", task_runner="processes:2", staging=staging)
    whole = settings_in(tmp_path / "whole", "none")
    assert outcome(settings, run(settings, path)) == outcome(whole, run(whole, path))
    assert [*staging.rglob("*.parquet")] == []  # removed after the merge
