"""Runs trips in processes of their own, each with a limit of time and of memory."""

import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tests.scoreboard.trips import Task, Trip, travel

SECONDS = 15.0  # one that takes longer is slow; it counts as a failure
MEGABYTES = 4096  # of addresses, which are more than what is used
AT_ONCE = os.cpu_count() or 2
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class _Running:
    number: int
    process: BaseProcess
    answer: Connection
    until: float


def trips(tasks: Iterable[Task]) -> list[Trip]:
    """What came of each task, in their order."""
    waiting = iter(enumerate(tasks))
    running: list[_Running] = []
    done: dict[int, Trip] = {}
    while True:
        running += [_start(number, task) for number, task in _next(waiting, AT_ONCE - len(running))]
        if not running:
            return [done[number] for number in sorted(done)]
        ended = [(run, trip) for run in running if (trip := _answer(run)) is not None]
        done.update({run.number: trip for run, trip in ended})
        running = [run for run in running if run.number not in done]
        if not ended:
            time.sleep(0.005)


def _next(waiting: Iterator[tuple[int, Task]], count: int) -> Iterator[tuple[int, Task]]:
    for _ in range(count):
        yield from [item for item in [next(waiting, None)] if item is not None]


def _start(number: int, task: Task) -> _Running:
    answer, end = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_travel, args=(task, end))
    process.start()
    end.close()
    return _Running(number, process, answer, time.monotonic() + SECONDS)


def _travel(task: Task, end: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - it is the process's own to its end
    try:
        trip = travel(task)
    except Exception as error:  # noqa: BLE001 - what readers may not raise is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        trip = Trip(
            status="crashed", message=f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"[:300]
        )
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    end.send(replace(trip, megabytes=used))
    end.close()


def _answer(run: _Running) -> Trip | None:
    """What came of a task, if it is over."""
    if run.answer.poll():
        try:
            trip = run.answer.recv()
        except EOFError:
            run.process.join()
            trip = Trip(status="crashed", message=f"exit {run.process.exitcode}")
    elif time.monotonic() > run.until:
        run.process.kill()
        trip = Trip(status="slow", message=f"over {SECONDS} s")
    else:
        return None
    run.process.join()
    run.answer.close()
    return trip
