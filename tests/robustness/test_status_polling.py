"""A script that asks for the status of a job every 50 ms never gets a false answer, whoever holds the database."""

import io
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from itertools import cycle
from multiprocessing.synchronize import Event
from typing import Any

import pytest

from flows.jobs.cli import app
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from schemas.faults import DatabaseFault
from schemas.job import VENDOR_STATUS, JobStatus
from tests.flows.importing import import_records, new_id
from tests.population import user

ORDER = (JobStatus.PENDING, JobStatus.LOADING, JobStatus.READY, JobStatus.IMPORTING, JobStatus.COMPLETED)
STATUS_IN: Mapping[str, Callable[[Any], str]] = {
    "auth0": lambda answer: answer["status"],
    "fullstory": lambda answer: answer["job"]["status"],
    "rocketchat": lambda answer: answer["state"],
    "liferay": lambda answer: answer["executeStatus"],
}
SPAWN = multiprocessing.get_context("spawn")
JOBS, ROWS = 100, 2_000
PERIOD_SECONDS = 0.05


def run_jobs(settings: Settings, jobs: list[str]) -> None:
    """Import other users with each job."""
    patient = replace(settings, wait_seconds=60.0)
    for number, job in enumerate(jobs):
        import_records(patient, [user(number * ROWS + row) for row in range(ROWS)], name=job)


def hold_now_and_then(settings: Settings, ended: Event) -> None:
    """Hold the database for some of the time, as another import or an analyst does."""
    while not ended.wait(0.4):
        with suppress(DatabaseFault), Store(settings).writing():
            time.sleep(0.3)


@contextmanager
def in_processes(settings: Settings, jobs: list[str]) -> Iterator[Callable[[], bool]]:
    """Run the jobs and hold the database in processes of their own; yield whether the jobs run."""
    ended = SPAWN.Event()
    runner = SPAWN.Process(target=run_jobs, args=(settings, jobs))
    holder = SPAWN.Process(target=hold_now_and_then, args=(settings, ended))
    runner.start()
    holder.start()
    try:
        yield runner.is_alive
    finally:
        ended.set()
        holder.join()
        runner.join()
    assert (runner.exitcode, holder.exitcode) == (0, 0)


@dataclass
class Poller:
    """Asks for the status of jobs and checks that no answer contradicts an earlier one."""

    settings: Settings
    reached: dict[str, int]  # by job: the place in `ORDER` that the answers show at least; -1 until it is known
    slowest_seconds: float = 0.0
    shapes: Iterator[str | None] = field(default_factory=lambda: cycle([None, *STATUS_IN]))

    def ask(self, job: str) -> None:
        """Ask for the status of a job in the next shape."""
        shape, output = next(self.shapes), io.StringIO()
        began = time.monotonic()
        with redirect_stdout(output):
            code = main(app, ["status", job, *_options(shape), "--database", str(self.settings.database)])
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        if code and self.reached[job] == -1:
            return  # it has not begun
        assert code == 0, (shape, output.getvalue())
        answer = json.loads(output.getvalue())
        places = [place for place, status in enumerate(ORDER) if _shows(answer, status, shape)]
        assert max(places) >= self.reached[job], (shape, answer)
        self.reached[job] = max(self.reached[job], min(places))

    def has_ended(self, job: str) -> bool:
        """Return whether an answer has shown the end of the job."""
        return self.reached[job] == len(ORDER) - 1


def _options(shape: str | None) -> list[str]:
    return ["--as", shape] if shape else ["--json"]


def _shows(answer: Any, status: JobStatus, shape: str | None) -> bool:
    if shape:
        return STATUS_IN[shape](answer) == VENDOR_STATUS[status][shape]
    return bool(answer["status"] == status)


@pytest.mark.slow
def test_no_answer_about_a_job_is_false(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    jobs = [new_id() for _ in range(JOBS)]
    poller = Poller(settings, dict.fromkeys(jobs, -1))
    with in_processes(settings, jobs) as are_running:
        for job in jobs:
            while are_running() and not poller.has_ended(job):
                poller.ask(job)
                time.sleep(PERIOD_SECONDS)
            poller.ask(jobs[0])  # which has ended, and whose row the database has, be it busy or not
    for job in jobs * (1 + len(STATUS_IN)):
        poller.ask(job)
    assert all(map(poller.has_ended, jobs))
    print(f"{JOBS:,} jobs; the longest answer took {poller.slowest_seconds * 1000:,.0f} ms")
