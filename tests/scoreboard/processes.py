"""Run tasks in processes of their own, each with limits of time and memory."""

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

from tests.scoreboard.tasks import Result, Task, run_task

SECONDS = 15.0  # a task that takes longer is slow, which is a failure
MEGABYTES = 4096  # of address space, which exceeds the memory in use
MAX_PROCESSES = os.cpu_count() or 2
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class _Running:
    number: int
    process: BaseProcess
    answer: Connection
    until: float


def run_tasks(tasks: Iterable[Task]) -> list[Result]:
    """Return the result of each task, in order."""
    waiting = iter(enumerate(tasks))
    running: list[_Running] = []
    done: dict[int, Result] = {}
    while True:
        running += [_start(number, task) for number, task in _next(waiting, MAX_PROCESSES - len(running))]
        if not running:
            return [done[number] for number in sorted(done)]
        ended = [(run, result) for run in running if (result := _answer(run)) is not None]
        done.update({run.number: result for run, result in ended})
        running = [run for run in running if run.number not in done]
        if not ended:
            time.sleep(0.005)


def _next(waiting: Iterator[tuple[int, Task]], count: int) -> Iterator[tuple[int, Task]]:
    for _ in range(count):
        yield from [item for item in [next(waiting, None)] if item is not None]


def _start(number: int, task: Task) -> _Running:
    answer, end = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_run, args=(task, end))
    process.start()
    end.close()
    return _Running(number, process, answer, time.monotonic() + SECONDS)


def _run(task: Task, end: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open until the process ends
    try:
        result = run_task(task)
    except Exception as error:  # noqa: BLE001 - the exceptions that readers must not raise are what is counted
        where = traceback.extract_tb(error.__traceback__)[-1]
        result = Result(
            status="crashed", message=f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"[:300]
        )
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    end.send(replace(result, megabytes=used))
    end.close()


def _answer(run: _Running) -> Result | None:
    """Return the result of a task, if it has ended."""
    if run.answer.poll():
        try:
            result: Result = run.answer.recv()
        except EOFError:
            run.process.join()
            result = Result(status="crashed", message=f"exit {run.process.exitcode}")
    elif time.monotonic() > run.until:
        run.process.kill()
        result = Result(status="slow", message=f"over {SECONDS} s")
    else:
        return None
    run.process.join()
    run.answer.close()
    return result
