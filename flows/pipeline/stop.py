"""How a job is stopped from outside: cancel mark, signal or time limit, also inside a long statement."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import duckdb

from flows.settings import Settings
from flows.store.job_folder import JobFolder
from schemas.codes import ErrorCode
from schemas.faults import Canceled, Fault, JobFault

POLL_SECONDS = 0.25
A_SIGNAL = "a signal"


def canceled_by(by: str) -> Canceled:
    """The fault of a job that somebody stopped."""
    return Canceled(ErrorCode.CANCELED, f"the job was canceled by {by}", "run it again; nothing was merged")


@dataclass
class Stop:
    """The one place where a job learns that it must stop; safe to use from several threads."""

    folder: JobFolder
    time_limit_seconds: float
    fault: Fault | None = None
    _started: float = field(default_factory=time.monotonic)
    _connections: set[duckdb.DuckDBPyConnection] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)  # a signal may interrupt who holds it

    @classmethod
    def for_job(cls, settings: Settings, *, job_id: str) -> Self:
        """Where the job of that id learns it; the job itself need not have begun."""
        return cls(JobFolder(settings.jobs_folder / job_id), settings.time_limit_seconds)

    def request(self, fault: Fault) -> None:
        """Stop the job for this reason; the first reason counts. Running statements are interrupted."""
        with self._lock:
            self.fault = self.fault or fault
            for connection in self._connections:
                connection.interrupt()

    def check(self) -> None:
        """Go on, or raise the reason to stop."""
        self._look()
        if self.fault is not None:
            raise self.fault

    @contextmanager
    def interrupting(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Within the block, a request to stop interrupts the connection and comes out as its reason."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        except duckdb.InterruptException:
            self.check()
            raise
        finally:
            with self._lock:
                self._connections.discard(connection)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within the block a thread looks for the cancel mark and the time limit."""
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
                self.request(self.fault)  # again and again: a statement may have begun since

    def _look(self) -> None:
        if self.fault is None and self.folder.cancel_requested:
            self.request(canceled_by("`jobs cancel`"))
        if self.fault is None and time.monotonic() - self._started > self.time_limit_seconds:
            limit = f"{self.time_limit_seconds:g} seconds"
            hint = "set a longer limit with IMPORT_TIME_LIMIT_SECONDS; nothing was merged"
            self.request(JobFault(ErrorCode.TIMED_OUT, f"the job took longer than {limit}", hint))
