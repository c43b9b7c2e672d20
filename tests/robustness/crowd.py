"""Many processes import into one database at once, some of them are killed; no row may be lost or appear from nowhere.

`python -m tests.robustness.crowd [--processes 4] [--imports 25] [--kills 10]` prints what was found.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.settings import Settings
from schemas.job import DONE
from schemas.options import JobOptions

ROWS = 20  # of an import


@dataclass(frozen=True)
class Outcome:
    """What the processes left: the number of users by the job that created them, and the jobs."""

    users: dict[str, int]
    jobs: dict[str, tuple[str, int]]  # status and inserted rows

    @property
    def lost(self) -> int:
        """Count rows that a completed job counted but that are missing, and rows that no completed job counted."""
        counted = {job: inserted for job, (status, inserted) in self.jobs.items() if status in DONE}
        return sum(abs(self.users.get(job, 0) - counted.get(job, 0)) for job in self.users.keys() | counted.keys())


def crowd_settings(folder: Path) -> Settings:
    """Return settings with which every process waits for its turn."""
    return Settings(database=folder / "users.duckdb", wait_seconds=120, jobs_per_connection=64)


def run_crowd(folder: Path, *, processes: int, imports: int, kills: int = 0) -> list[int]:
    """Run that many imports in each process, kill that many, and return the exit codes, negative for a signal."""
    import flows.pipeline.run  # noqa: F401, PLC0415 - loaded once, before any fork

    children = [_fork(folder, number, imports) for number in range(processes)]
    chance = random.Random(processes * 1000 + imports)  # noqa: S311 - moments to kill at
    codes: list[int] = []
    number = processes
    while children:
        if kills and len(codes) < kills:
            time.sleep(chance.uniform(0.3, 1.5))
            victim = children.pop(chance.randrange(len(children)))
            os.kill(victim, signal.SIGKILL)
            codes.append(_code(victim))
            children.append(_fork(folder, number, imports))
            number += 1
        else:
            codes.append(_code(children.pop()))
    return codes


def read_outcome(folder: Path) -> Outcome:
    """Return what the database holds after all processes have ended."""
    from flows.store.database import Store  # noqa: PLC0415
    from flows.store.job_status import JobFilter, find_jobs  # noqa: PLC0415 - no engine before the forks

    store = Store(crowd_settings(folder))
    jobs = {
        job.summary.job_id: (job.summary.status.value, job.summary.inserted)
        for job in find_jobs(store, JobFilter(limit=10_000))[0]
    }
    with store.reading() as connection:
        users = connection.execute("select created_by_job, count(*) from users group by all").fetchall()
    return Outcome(dict(users), jobs)


def _fork(folder: Path, number: int, imports: int) -> int:
    process = os.fork()
    if process == 0:
        code = 1
        try:
            code = _import(folder, number, imports)
        finally:
            os._exit(code)
    return process


def _code(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _import(folder: Path, number: int, imports: int) -> int:
    from flows.pipeline.job import Observer  # noqa: PLC0415 - no engine before the forks
    from flows.pipeline.run import run_job  # noqa: PLC0415
    from tests.population import user, write_ndjson  # noqa: PLC0415

    failed = 0
    for count in range(imports):
        first = (number * imports + count) * ROWS
        path = write_ndjson(folder / f"{number}-{count}.ndjson", (user(n) for n in range(first, first + ROWS)))
        summary = run_job(
            JobOptions(sources=(str(path),)),
            settings=crowd_settings(folder),
            job_id=str(uuid.uuid4()),
            observer=Observer(),
        )
        failed += summary.inserted != ROWS
    return min(failed, 100)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the processes and print what they left; return 1 if a row was lost."""
    parse = argparse.ArgumentParser(prog="python -m tests.robustness.crowd", description=__doc__)
    parse.add_argument("--processes", type=int, default=4)
    parse.add_argument("--imports", type=int, default=25)
    parse.add_argument("--kills", type=int, default=0)
    arguments = parse.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        codes = run_crowd(Path(name), processes=arguments.processes, imports=arguments.imports, kills=arguments.kills)
        found = read_outcome(Path(name))
    done = sum(status in DONE for status, _ in found.jobs.values())
    sys.stdout.write(
        f"{len(found.jobs)} imports by {arguments.processes} processes at once, {arguments.kills} killed: "
        f"{done} completed, {sum(found.users.values())} rows, {found.lost} lost\n"
    )
    return 1 if found.lost or any(code > 0 for code in codes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
