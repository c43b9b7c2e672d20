"""Tells Prefect of a job, and hears from Prefect that the job shall stop.

While the job runs all of it happens beside it, in a thread: a server that is slow or gone costs the job nothing and
is never a reason to fail it. What is told is made in `flows.report.artifacts`; the flow is in
`flows.import_users.flow`.
"""

import atexit
import contextvars
import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectException
from prefect.logging.handlers import APILogWorker
from prefect.states import Cancelled, Completed, Crashed, Failed, Running

from flows.pipeline.job import Observer, Progress
from flows.report import artifacts
from schemas.job import JobStatus, JobSummary

TICK_SECONDS = 0.25
PROGRESS_SECONDS = 1.5  # an update costs the server 25 ms
POLL_SECONDS = 2.0
GIVE_UP_SECONDS = 15.0
DRAIN_SECONDS = 5.0
FLOW_NAME = "import-users"
LOOKED_AT = 50
SURELY_LOCKED = timedelta(seconds=60)  # a job that began before has taken its lock
GONE = "the process that ran the job is gone"
NO_ANSWER = (httpx.HTTPError, PrefectException)


def final_state(summary: JobSummary) -> State[dict[str, object]]:
    """How the run ends: the sentence, and the summary as plain JSON."""
    make = {JobStatus.FAILED: Failed, JobStatus.CANCELED: Cancelled}.get(summary.status, Completed)
    name = artifacts.STATE_NAMES[summary.status]
    return make(name=name, message=artifacts.masked(summary.sentence), data=summary.to_dict())


def drain() -> None:
    """Wait until Prefect's own threads have sent what they hold, so that a private server can be stopped."""
    APILogWorker.drain_all(timeout=DRAIN_SECONDS)
    EventsWorker.drain_all(timeout=DRAIN_SECONDS)


@atexit.register
def silence_stderr() -> None:
    """Close the mouth of a process that ends: DuckDB lists what Prefect's threads still hold, forty lines a run."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@dataclass
class RunPage:
    """The run as Prefect shows it; nothing here fails when Prefect does not answer."""

    client: SyncPrefectClient
    run_id: UUID
    progress_id: UUID | None = None

    def enter(self, state: State[object]) -> None:
        """Show the run in a phase."""
        with suppress(*NO_ANSWER):
            self.client.set_flow_run_state(self.run_id, state)

    def show_progress(self, progress: Progress) -> None:
        """Make the progress artifact, later bring it up to date."""
        percent, sentence = round(progress.percent, 1), artifacts.progress_sentence(progress)
        with suppress(*NO_ANSWER):
            if self.progress_id is None:
                self.progress_id = self._put("progress", artifacts.PROGRESS_KEY, percent, sentence)
            else:
                self.client.update_artifact(self.progress_id, ArtifactUpdate(data=percent, description=sentence))

    def show_end(self, summary: JobSummary, errors: Sequence[artifacts.ErrorRow]) -> None:
        """Add the counts as labels, the summary and the first errors as artifacts."""
        with suppress(*NO_ANSWER):
            self.client.update_flow_run_labels(self.run_id, dict(artifacts.labels(summary)))
            self._put("markdown", artifacts.SUMMARY_KEY, artifacts.summary_markdown(summary), summary.sentence)
            if errors:
                rows = artifacts.error_table(errors)
                sentence = artifacts.errors_sentence(summary, shown=len(rows))
                self._put("table", artifacts.ERRORS_KEY, json.dumps(rows), sentence)  # a table is JSON text there

    def mark_crashed(self, is_gone: Callable[[str], bool]) -> None:
        """Show as crashed what runs for ever since its process was killed: nobody else would in a local run."""
        running = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING"]}}})
        imports = FlowFilter.model_validate({"name": {"any_": [FLOW_NAME]}})
        with suppress(*NO_ANSWER):
            for run in self.client.read_flow_runs(flow_filter=imports, flow_run_filter=running, limit=LOOKED_AT):
                age = datetime.now(UTC) - (run.start_time or run.created or datetime.now(UTC))
                if run.id != self.run_id and age > SURELY_LOCKED and is_gone(str(run.id)):
                    self.client.set_flow_run_state(run.id, Crashed(message=GONE), force=True)

    def is_canceling(self) -> bool:
        """Whether somebody canceled the run in Prefect."""
        with suppress(*NO_ANSWER):
            state = self.client.read_flow_run(self.run_id).state
            return state is not None and (state.is_cancelling() or state.is_cancelled())
        return False

    def _put(self, kind: str, key: str, data: object, description: str) -> UUID:
        artifact = ArtifactCreate(type=kind, key=key, data=data, description=description, flow_run_id=self.run_id)
        return self.client.create_artifact(artifact).id


@contextmanager
def run_page(run_id: UUID) -> Iterator[RunPage]:
    """The run, with a connection to Prefect for the block."""
    with get_client(sync_client=True) as client:
        yield RunPage(client, run_id)


@dataclass
class Every:
    """A clock that is due every so many seconds."""

    seconds: float
    last: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        """Whether the time has come; if so the next one starts."""
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


@dataclass
class PrefectObserver(Observer):
    """Passes on what it is told: to the terminal at once, to Prefect when the thread of `telling` gets to it."""

    run_id: UUID
    request_stop: Callable[[], None] | None  # none where Prefect's worker itself delivers a cancel
    is_gone: Callable[[str], bool]  # whether the process of the job with that id was killed
    terminal: Observer | None = None
    _phases: deque[State[object]] = field(default_factory=deque)
    _progress: Progress | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def on_phase(self, status: JobStatus) -> None:
        """The job enters a phase: a named running state with the time at which it began."""
        if self.terminal is not None:
            self.terminal.on_phase(status)
        self._phases.append(Running(name=status.value.capitalize()))

    def on_progress(self, progress: Progress) -> None:
        """A batch has been loaded."""
        if self.terminal is not None:
            self.terminal.on_progress(progress)
        self._progress = progress

    def on_already_imported(self, job_id: str) -> None:
        """The job would repeat an earlier one."""
        if self.terminal is not None:
            self.terminal.on_already_imported(job_id)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Within the block Prefect is told; after it nothing more is, so that no late phase follows the final state."""
        context = contextvars.copy_context()  # holds the settings of this run
        teller = threading.Thread(target=context.run, args=(self._tell,), name="prefect-report", daemon=True)
        teller.start()
        try:
            yield
        finally:
            self._ended.set()
            teller.join(GIVE_UP_SECONDS)

    def _tell(self) -> None:
        progress, poll = Every(PROGRESS_SECONDS), Every(POLL_SECONDS)
        with run_page(self.run_id) as page:
            page.mark_crashed(self.is_gone)
            ended = False
            while not ended:
                ended = self._ended.wait(TICK_SECONDS)
                self._tell_phases(page)
                if ended or progress.due():
                    self._tell_progress(page)
                if not ended and self.request_stop is not None and poll.due() and page.is_canceling():
                    self.request_stop()

    def _tell_phases(self, page: RunPage) -> None:
        while self._phases:
            page.enter(self._phases.popleft())

    def _tell_progress(self, page: RunPage) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            page.show_progress(progress)
