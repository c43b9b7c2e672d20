"""Requests to stop a job: by a user, a signal or the time limit, effective even inside a long statement."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import duckdb

from flows.settings import MOST_SECONDS, SOURCE_BYTES_PER_SECOND, Settings
from flows.store.job_folder import JobFolder
from schemas.codes import ErrorCode
from schemas.faults import Canceled, Fault, JobFault
from schemas.job import FaultRecord, fault_record

POLL_SECONDS = 0.25
PHASES = {"loading": "loading", "ready": "planning", "importing": "merging"}
A_SIGNAL = "a signal"


def canceled_by(source: str) -> Canceled:
    """Return the fault of a job that was canceled."""
    return Canceled(ErrorCode.CANCELED, f"the job was canceled by {source}", "run it again; nothing was merged")


def is_by_signal(fault: FaultRecord) -> bool:
    """Return whether the fault is that of a job that a signal stopped, and no person."""
    return fault == fault_record(canceled_by(A_SIGNAL))


@contextmanager
def on_signals(act: Callable[[], object]) -> Iterator[None]:
    """Within the block, Ctrl-C and SIGTERM do only this; in a thread other than the main one they are left alone."""
    is_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if is_main else ()  # only the main thread may set handlers
    before = {number: signal.signal(number, lambda *_: act()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Stop:
    """The request to stop a job, once there is one; safe to use from several threads and in signal handlers."""

    folder: JobFolder
    time_limit_seconds: float
    fault: Fault | None = None
    clock: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _connections: set[duckdb.DuckDBPyConnection] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)  # reentrant: a signal may interrupt its holder

    def __post_init__(self) -> None:
        """Start the clock."""
        self._started = self.clock()

    @classmethod
    def for_job(cls, settings: Settings, *, job_id: str) -> Self:
        """Return the stop of the job with that id, which need not have begun."""
        return cls(JobFolder(settings.jobs_folder / job_id), settings.time_limit_seconds)

    def request(self, fault: Fault) -> None:
        """Stop the job with this fault, unless it has one already; interrupt its running statements."""
        with self._lock:
            self.fault = self.fault or fault
            for connection in self._connections:
                connection.interrupt()

    def allow_time_for(self, source_bytes: int) -> None:
        """Extend the time limit by what sources of that size may take."""
        self.time_limit_seconds += source_bytes / SOURCE_BYTES_PER_SECOND

    def check(self) -> None:
        """Raise the fault if the job must stop."""
        self._look()
        if self.fault is not None:
            raise self.fault

    @contextmanager
    def interruptible(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt the connection within the block when a stop is requested, and raise the fault."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        except Exception:
            self.check()  # an interrupted statement raises many errors: `OSError` where its rows are read in batches
            raise
        finally:
            with self._lock:
                self._connections.discard(connection)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for cancellation and the time limit in a thread within the block."""
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,), name="stop-watcher", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(POLL_SECONDS):
            self._look()
            if self.fault is not None:
                self.request(self.fault)  # repeatedly: another statement may have begun since

    def _look(self) -> None:
        if self.fault is None and self.folder.cancel_requested:
            self.request(canceled_by("request"))
        seconds = self.clock() - self._started
        if self.fault is None and seconds > self.time_limit_seconds:
            self.request(self._timed_out(seconds))

    def _timed_out(self, seconds: float) -> JobFault:
        """Return the fault of a job that has run for that long: how far it was, and how to give it more time."""
        reached = self.folder.read_status()
        texts = {"percent": "{:g} % of the sources", "rows": "{:,} rows"}
        done = [text.format(reached[name]) for name, text in texts.items() if name in reached]
        where = ", ".join([f"was {PHASES.get(str(reached.get('status')), 'not loading yet')}", *done])
        message = f"the job took longer than {self.time_limit_seconds:,.0f} seconds: after {seconds:,.0f} it {where}"
        more = math.ceil(min(MOST_SECONDS, max(60, 2 * self.time_limit_seconds)))
        hint = (
            f"run it again with --time-limit {more} (an undo with IMPORT_TIME_LIMIT_SECONDS={more}); nothing was merged"
        )
        return JobFault(ErrorCode.TIMED_OUT, message, hint)
