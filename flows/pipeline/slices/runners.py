"""Where slices are loaded: in processes of this machine. What a slice is, is in `flows.pipeline.slices.worker`.

A runner maps a function over orders and yields the results as they come; closing it ends its processes.
"""

import ctypes
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

from flows.store.resources import available_processors
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault

Order = TypeVar("Order")
Result = TypeVar("Result")
POLL_SECONDS = 0.1
MOST_TRIES = 3
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Processes:
    """Worker processes, which are started once and end with this process, however it ends."""

    count: int

    def run(
        self,
        task: Callable[[Order], Result],
        orders: Sequence[Order],
        *,
        again: Callable[[Order], Order],
        waiting: Callable[[], None],
    ) -> Generator[Result, None, None]:
        """Yield the result of each order, as they come.

        `again` makes the order of another try; `waiting` is called repeatedly and may raise, which ends the workers at
        once. An order whose worker is killed, or that fails by anything but a `Fault`, is tried again;
        raise `JobFault` after the third time, and a `Fault` at once.
        """
        left, tries = dict(enumerate(orders)), Counter[int]()
        while left:
            others = {*multiprocessing.active_children()}
            pool = self._start(len(left))
            try:
                futures = {pool.submit(task, order): number for number, order in left.items()}
                yield from _results(futures, left, waiting)
            except (BrokenProcessPool, _FailedError) as error:
                suspects = [error.number] if isinstance(error, _FailedError) else [*left][: self.count]
                tries.update(suspects)
                if max(tries.values()) >= MOST_TRIES:
                    is_killed = isinstance(error, BrokenProcessPool)
                    raise given_up(error.__cause__ or error, is_killed=is_killed) from error
                left |= {number: again(left[number]) for number in left}
            except BaseException:
                for worker in {*multiprocessing.active_children()} - others:
                    worker.terminate()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, orders: int) -> ProcessPoolExecutor:
        count = min(self.count, orders)
        threads = max(1, available_processors() // count)
        return ProcessPoolExecutor(
            count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin_worker,
            initargs=(os.getpid(), threads),
        )


def _results(
    futures: "dict[Future[Result], int]", left: dict[int, Order], waiting: Callable[[], None]
) -> Generator[Result, None, None]:
    """Yield the results as they come, and take their orders from those that are left."""
    pending = set(futures)
    while pending:
        waiting()
        done, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=futures.__getitem__):
            try:
                result = future.result()
            except (Fault, BrokenProcessPool):
                raise
            except Exception as error:
                raise _FailedError(futures[future]) from error
            del left[futures[future]]
            yield result


class _FailedError(Exception):
    """An order whose task raised something unexpected."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def given_up(error: BaseException, *, is_killed: bool) -> JobFault:
    """Return the fault of a job one of whose slices could not be loaded."""
    if is_killed:
        message = f"a process that loaded a part of the sources was killed {MOST_TRIES} times"
        return JobFault(
            ErrorCode.OUT_OF_MEMORY, message, "give the machine more memory, or set IMPORT_TASK_RUNNER=none"
        )
    message = f"loading a part of the sources broke down {MOST_TRIES} times with {type(error).__name__}"
    return JobFault(ErrorCode.INTERNAL, f"{message}; nothing was merged", "please report this")


def _begin_worker(parent: int, threads: int) -> None:
    """Let the worker end with its parent, leave Ctrl-C to that, and share the processors with the other workers."""
    os.environ["POLARS_MAX_THREADS"] = str(threads)  # before anything loads Polars
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)
