"""Report a job to Prefect, and stop the job when its run is cancelled there.

While the job runs, a background thread makes these calls: a Prefect API that is slow or unreachable neither delays nor
fails the job. The texts are made in `flows.report.artifacts`; the flow is in `flows.import_users.flow`.
"""

import atexit
import contextvars
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
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
from flows.readers.sources import Source
from flows.report import artifacts
from schemas.job import JobStatus, JobSummary

TICK_SECONDS = 0.25
PROGRESS_TICKS = 6  # between two updates of the progress, each of which costs the server 25 ms
POLL_TICKS = 8  # between two questions whether the run was cancelled
JOIN_SECONDS = 3.0
DRAIN_SECONDS = 3.0
FLOW_NAME = "import-users"
LOCK_AGE = timedelta(seconds=60)  # a job that has run for longer has taken its lock
PROCESS_GONE = "the process that ran the job is gone"
API_ERRORS = (httpx.HTTPError, PrefectException)


def final_state(summary: JobSummary) -> State[dict[str, object]]:
    """Return the state that ends the run: its message is the result in a sentence, its data the summary as JSON."""
    make = {JobStatus.FAILED: Failed, JobStatus.CANCELED: Cancelled}.get(summary.status, Completed)
    name = artifacts.STATE_NAMES[summary.status]
    return make(name=name, message=artifacts.mask_emails(summary.sentence), data=summary.to_dict())


def drain() -> None:
    """Wait until Prefect's own threads have sent their queues, so that a private server can be stopped."""
    APILogWorker.drain_all(timeout=DRAIN_SECONDS)
    EventsWorker.drain_all(timeout=DRAIN_SECONDS)


@atexit.register
def silence_stderr() -> None:
    """Discard what is printed while the process exits: DuckDB lists objects that Prefect's threads still hold."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@dataclass
class FlowRunClient:
    """Updates one flow run in Prefect; an error is ignored in all of its methods, whatever the API answers."""

    client: SyncPrefectClient
    run_id: UUID
    progress_id: UUID | None = None

    def set_state(self, state: State[object]) -> None:
        """Set the state of the run."""
        with suppress(Exception):
            self.client.set_flow_run_state(self.run_id, state)

    def write_progress(self, progress: Progress) -> None:
        """Create the progress artifact, or update it if it exists."""
        percent, sentence = round(progress.percent, 1), artifacts.format_progress(progress)
        with suppress(Exception):
            if self.progress_id is None:
                self.progress_id = self._create_artifact("progress", "import-progress", percent, sentence)
            else:
                self.client.update_artifact(self.progress_id, ArtifactUpdate(data=percent, description=sentence))

    def write_summary(self, summary: JobSummary, errors: Sequence[artifacts.ErrorRow]) -> None:
        """Add the counts as labels, and the summary and the first errors as artifacts."""
        with suppress(Exception):
            self.client.update_flow_run_labels(self.run_id, dict(artifacts.format_labels(summary)))
            markdown = artifacts.format_summary(summary)
            self._create_artifact("markdown", "import-summary", markdown, summary.sentence)
            if errors:
                rows = artifacts.format_errors(errors)
                sentence = artifacts.describe_errors(summary, shown=len(rows))
                # the data of a table artifact is JSON text
                self._create_artifact("table", "import-errors", json.dumps(rows), sentence)

    def mark_crashed(self, is_gone: Callable[[str], bool]) -> None:
        """Set runs to Crashed whose process was killed: for a local run, no worker of Prefect does it."""
        running = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING"]}}})
        imports = FlowFilter.model_validate({"name": {"any_": [FLOW_NAME]}})
        with suppress(Exception):
            for run in self.client.read_flow_runs(flow_filter=imports, flow_run_filter=running, limit=50):
                age = datetime.now(UTC) - (run.start_time or run.created or datetime.now(UTC))
                if run.id != self.run_id and age > LOCK_AGE and is_gone(str(run.id)):
                    self.client.set_flow_run_state(run.id, Crashed(message=PROCESS_GONE), force=True)

    def is_canceling(self) -> bool:
        """Return whether the run was cancelled in Prefect."""
        with suppress(Exception):
            state = self.client.read_flow_run(self.run_id).state
            return state is not None and (state.is_cancelling() or state.is_cancelled())
        return False

    def _create_artifact(self, kind: str, key: str, data: object, description: str) -> UUID:
        artifact = ArtifactCreate(type=kind, key=key, data=data, description=description, flow_run_id=self.run_id)
        return self.client.create_artifact(artifact).id


@contextmanager
def flow_run_client(run_id: UUID) -> Iterator[FlowRunClient]:
    """Connect to Prefect for the block."""
    with get_client(sync_client=True) as client:
        yield FlowRunClient(client, run_id)


def write_summary(run_id: UUID, summary: JobSummary, errors: Sequence[artifacts.ErrorRow]) -> None:
    """Show the end of a job on the page of its run, if Prefect can be reached."""
    with suppress(Exception), flow_run_client(run_id) as page:
        page.write_summary(summary, errors)


@dataclass
class PrefectObserver(Observer):
    """Passes events of a job on: to the terminal at once, to Prefect from the thread of `reporting`."""

    run_id: UUID
    request_stop: Callable[[], None] | None  # None where Prefect's worker itself delivers a cancellation
    is_gone: Callable[[str], bool]  # whether the process of the job with that id was killed
    terminal: Observer
    _phases: deque[State[object]] = field(default_factory=deque)
    _progress: deque[Progress] = field(default_factory=lambda: deque(maxlen=1))  # the latest
    _ended: threading.Event = field(default_factory=threading.Event)

    def on_open(self, sources: Sequence[Source]) -> None:
        """Pass the files on."""
        self.terminal.on_open(sources)

    def on_phase(self, status: JobStatus) -> None:
        """Show the phase, and queue it as a named running state, which holds the time of its creation."""
        self.terminal.on_phase(status)
        self._phases.append(Running(name=status.value.capitalize()))

    def on_progress(self, progress: Progress) -> None:
        """Show the progress, and keep it for the next update of the artifact."""
        self.terminal.on_progress(progress)
        self._progress.append(progress)

    def on_already_imported(self, job_id: str) -> None:
        """Show that the job repeats an earlier one."""
        self.terminal.on_already_imported(job_id)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report to Prefect within the block, and not after it: a late phase would replace the final state."""
        context = contextvars.copy_context()  # holds Prefect's settings of this run
        thread = threading.Thread(target=context.run, args=(self._report,), name="prefect-report", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(JOIN_SECONDS)
            self._phases.clear()  # those that a slow API has not heard of

    def _report(self) -> None:
        with suppress(Exception), flow_run_client(self.run_id) as client:
            client.mark_crashed(self.is_gone)
            for tick in count(1):
                ended = self._ended.wait(TICK_SECONDS)
                while self._phases:
                    client.set_state(self._phases.popleft())
                if self._progress and (ended or tick % PROGRESS_TICKS == 0):
                    client.write_progress(self._progress.pop())
                if ended:
                    return
                if self.request_stop is not None and tick % POLL_TICKS == 0 and client.is_canceling():
                    self.request_stop()
