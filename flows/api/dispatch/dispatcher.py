"""Start requested jobs, each in a process of its own or as a run of Prefect; nothing of a job depends on this process.

A process that is started holds a lock from before its first instruction, so that no job is started twice, also by a
server that has just been restarted. One server per database starts jobs: the one that holds the queue's lock.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.api.dispatch.prefect_queue import PrefectQueue
from flows.api.guard.middleware import report_error
from flows.import_users.requested import TRY_AGAIN
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs
from flows.store.private_files import open_regular
from flows.store.requests.queue import dequeue, dispatching, end_request, enqueue_forgotten, queued_jobs
from flows.store.requests.request import (
    START_LOCK,
    JobRequest,
    changing,
    has_begun,
    is_started,
    read_request,
    remove_drafts,
    write_request,
)
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, Fault, JobFault
from schemas.job import RUNNING, JobStatus

LOG_FILE = "process.log"
LOOK_SECONDS = 0.5  # between two looks at the queue; a submitted job wakes the dispatcher at once
SWEEP_SECONDS = 10.0
MOST_STARTS = 3
WAIT_SECONDS = 2.0  # before a job is started again whose database was busy
NEVER_BEGAN = JobFault(
    ErrorCode.JOB_LOST,
    f"{MOST_STARTS} processes were started for the job and ended before it began",
    "see the log in the job's folder",
)


@dataclass
class Dispatcher:
    """The thread that starts jobs."""

    settings: Settings
    prefect: PrefectQueue = field(default_factory=PrefectQueue)
    is_dispatching: bool = False
    ended: Counter[str] = field(default_factory=Counter)  # jobs that left the queue since the start, by status
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)
    _wake: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _swept: float = 0.0

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the processes of jobs go on."""
        self._ended.set()
        self._wake.set()
        if self._thread:
            self._thread.join()

    def wake(self) -> None:
        """Look at the queue at once."""
        self._wake.set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError), dispatching(self.settings) as is_acquired:  # another server may do it
                if is_acquired:
                    self._dispatch()
            self._ended.wait(1.0)

    def _dispatch(self) -> None:
        """Start jobs until the server ends."""
        remove_drafts(self.settings)
        enqueue_forgotten(self.settings, self._database)
        self.is_dispatching = True
        while not self._ended.is_set():
            try:
                self._sweep()
                self.start_waiting()
            except Exception as error:  # noqa: BLE001 - the queue must go on whatever is wrong with a job or a disk
                report_error(error, failed="serving the queue")
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
        self.is_dispatching = False

    @property
    def _database(self) -> Path:
        return Path(os.path.realpath(self.settings.database))

    def start_waiting(self) -> None:
        """Start the jobs of the queue that may run now, first come first."""
        for job_id, process in [*self._processes.items()]:
            if process.poll() is not None:
                del self._processes[job_id]
                if process.returncode == TRY_AGAIN:
                    self._not_before[job_id] = time.monotonic() + WAIT_SECONDS
        running: Counter[str] = Counter()
        waiting: list[tuple[JobFolder, JobRequest]] = []
        for job_id in queued_jobs(self.settings):
            folder = JobFolder(self.settings.jobs_folder / job_id)
            request = read_request(folder)
            has_ended = folder.read_status().get("status") != JobStatus.PENDING and not is_started(folder)
            if request is None or has_ended:
                dequeue(self.settings, job_id)
                self.ended[_last_status(folder)] += 1
            elif is_started(folder) or request.flow_run_id:
                running[request.connection] += not request.flow_run_id
                self.prefect.check(folder, request)
            else:
                waiting.append((folder, request))
        for folder, request in waiting:
            if running[request.connection] < self.settings.jobs_per_connection and self._is_due(request.job_id):
                self._start(folder)
                running[request.connection] += 1

    def _is_due(self, job_id: str) -> bool:
        return time.monotonic() >= self._not_before.get(job_id, 0.0)

    def _start(self, folder: JobFolder) -> None:
        """Start a job: by Prefect, if it takes the run, else in a process."""
        with suppress(Fault), changing(folder) as request:
            if request.is_staged or has_begun(folder) or is_started(folder):
                return
            if run_id := self.prefect.submit(request, folder, database=self._database):
                write_request(folder, replace(request, flow_run_id=run_id))
                return
            if request.starts < MOST_STARTS:
                write_request(folder, replace(request, starts=request.starts + 1))
                self._processes[request.job_id] = start_process(folder, self.settings)
                return
        end_request(folder, JobStatus.FAILED, NEVER_BEGAN)

    def _sweep(self) -> None:
        """Record the ends of jobs whose process is gone."""
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            if self._database.exists():
                with suppress(DatabaseFault):
                    end_lost_jobs(Store(replace(self.settings, wait_seconds=0.0)))


def _last_status(folder: JobFolder) -> str:
    """Return the status that a job has ended with; one whose process is gone has failed."""
    status = str(folder.read_status().get("status"))
    return JobStatus.FAILED if status in RUNNING else status


def start_process(folder: JobFolder, settings: Settings) -> subprocess.Popen[bytes]:
    """Start the process of a requested job, in a session of its own: it outlives this process and its terminal."""
    number = open_regular(folder.path / START_LOCK, os.O_RDWR | os.O_CREAT)
    log = open_regular(folder.path / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the process inherits it with the open file
        database = os.path.realpath(settings.database)
        command = [sys.executable, "-m", "flows.import_users.requested", folder.path.name, database]
        return subprocess.Popen(  # noqa: S603 - this program
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(number,),
            cwd=Path(__file__).resolve().parents[3],
        )
    finally:
        os.close(number)
        os.close(log)
