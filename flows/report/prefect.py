"""Report a job to Prefect, and stop the job when its run is cancelled there.

While the job runs, a background thread makes these calls: a Prefect API that is slow or unreachable neither delays nor
fails the job. The texts are made in `flows.report.artifacts`; the flow is in `flows.import_users.flow`.
"""

import atexit
import contextvars
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName, FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectException
from prefect.logging.handlers import APILogWorker
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows.pipeline.job import Observer, Progress
from flows.pipeline.run import RunStage
from flows.readers.sources import Source
from flows.report import artifacts, run_lines
from flows.report.next_steps import Step
from schemas.job import DONE, JobStatus, JobSummary

Result = TypeVar("Result")
Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

TICK_SECONDS = 0.25
PROGRESS_TICKS = 6  # between two updates of the progress, each of which costs the server 25 ms
POLL_TICKS = 8  # between two questions whether the run was cancelled
JOIN_SECONDS = 3.0
DRAIN_SECONDS = 3.0
FLOW_NAME = "import-users"
WITH_ERRORS_EVENT = f"user-import.{artifacts.WITH_ERRORS}"
LOCK_AGE = timedelta(seconds=60)  # a job that has run for longer has taken its lock
PROCESS_GONE = "the process that ran the job is gone"
API_ERRORS = (httpx.HTTPError, PrefectException)


def final_state(summary: JobSummary, *, is_repeat: bool = False) -> State[dict[str, object]]:
    """Return the state that ends the run, with the name that Prefect's pages filter by: its message is the result in a
    sentence, its data the summary as JSON. `is_repeat` means that the summary is that of an earlier job."""
    make = {JobStatus.FAILED: Failed, JobStatus.CANCELED: Cancelled}.get(summary.status, Completed)
    message = artifacts.format_sentence(summary, is_repeat=is_repeat)
    return make(message=message, data=artifacts.format_data(summary))


def drain() -> None:
    """Wait until Prefect's own threads have sent their queues, so that a private server can be stopped."""
    APILogWorker.drain_all(timeout=DRAIN_SECONDS)
    EventsWorker.drain_all(timeout=DRAIN_SECONDS)


@atexit.register
def silence_stderr() -> None:
    """Discard what is printed while the process exits: DuckDB lists objects that Prefect's threads still hold."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def drop_empty_traceback(record: logging.LogRecord) -> bool:
    """Log a task that returned a failed state without `NoneType: None`, the traceback of an exception that is none."""
    if record.exc_info == (None, None, None):
        record.exc_info = None
    return True


logging.getLogger("prefect.task_runs").addFilter(drop_empty_traceback)


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """What the page of a run shows of a job that has ended."""

    summary: JobSummary
    errors: Sequence[artifacts.ErrorRow]
    plan: Sequence[artifacts.PlannedRow]
    steps: Sequence[Step]
    database: Path
    is_repeat: bool = False


@dataclass
class FlowRunClient:
    """Updates one flow run in Prefect; an error is ignored in all of its methods, whatever the API answers."""

    client: SyncPrefectClient
    run_id: UUID
    progress_id: UUID | None = None

    def write_labels(self, **labels: str) -> None:
        """Add labels to the run."""
        with suppress(Exception):
            self.client.update_flow_run_labels(self.run_id, {f"import.{name}": text for name, text in labels.items()})

    def write_progress(self, percent: float, sentence: str) -> None:
        """Create the progress artifact, or update it if it exists."""
        with suppress(Exception):
            if self.progress_id is None:
                self.progress_id = self.create_artifact("progress", "import-progress", percent, sentence)
            else:
                self.client.update_artifact(self.progress_id, ArtifactUpdate(data=percent, description=sentence))

    def write_page(self, page: RunPage, *, tags: Sequence[str]) -> None:
        """Add the counts as labels, the tag `with-errors` to those that the run has, and as artifacts the summary, the
        first errors and the first rows of the plan."""
        summary = page.summary
        with suppress(Exception):
            labels = artifacts.format_labels(summary, is_repeat=page.is_repeat)
            self.client.update_flow_run_labels(self.run_id, dict(labels))
            if summary.status is JobStatus.COMPLETED_WITH_ERRORS and not page.is_repeat:
                self.client.update_flow_run(self.run_id, tags=sorted({*tags, artifacts.WITH_ERRORS}))
                self.emit_with_errors(artifacts.format_sentence(summary))
            deployments = self.find_deployments(page.steps)
            markdown = artifacts.format_summary(
                summary, steps=page.steps, deployments=deployments, is_repeat=page.is_repeat
            )
            sentence = artifacts.format_sentence(summary, is_repeat=page.is_repeat)
            self.create_artifact("markdown", "import-summary", markdown, sentence)
            if page.errors:
                rows = artifacts.format_errors(page.errors)
                sentence = artifacts.describe_errors(summary, shown=len(rows), database=page.database)
                self.create_table("import-errors", rows, sentence)
            if page.plan:
                rows = artifacts.format_plan(page.plan)
                self.create_table("import-plan", rows, artifacts.describe_plan(summary, shown=len(rows)))

    def emit_with_errors(self, sentence: str) -> None:
        """Emit an event for automations: the server's own events have the tags that the run had when it began."""
        emit_event(
            WITH_ERRORS_EVENT, {"prefect.resource.id": f"prefect.flow-run.{self.run_id}"}, payload={"message": sentence}
        )

    def find_deployments(self, steps: Sequence[Step]) -> dict[str, str]:
        """Return the ids of the deployments that the server has, of those that the steps name."""
        names = [step.deployment for step in steps if step.deployment]
        if not names:
            return {}
        found = self.client.read_deployments(deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=names)))
        return {deployment.name: str(deployment.id) for deployment in found}

    def mark_crashed(self, is_gone: Callable[[str], bool]) -> None:
        """Set runs without a deployment to Crashed whose process was killed; the others are `flows.jobs.recover`'s."""
        running = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING"]}}})
        imports = FlowFilter.model_validate({"name": {"any_": [FLOW_NAME]}})
        with suppress(Exception):
            for run in self.client.read_flow_runs(flow_filter=imports, flow_run_filter=running, limit=50):
                age = datetime.now(UTC) - (run.start_time or run.created or datetime.now(UTC))
                if run.id != self.run_id and run.deployment_id is None and age > LOCK_AGE and is_gone(job_of(run)):
                    self.client.set_flow_run_state(run.id, Crashed(message=PROCESS_GONE), force=True)

    def is_stopped(self) -> bool:
        """Return whether the run was cancelled or suspended in Prefect."""
        with suppress(Exception):
            state = self.client.read_flow_run(self.run_id).state
            return state is not None and (state.is_cancelling() or state.is_cancelled() or is_suspended(state))
        return False

    def create_table(self, key: str, rows: Sequence[artifacts.ErrorRow], description: str) -> UUID:
        """Create a table artifact, whose data is JSON text."""
        return self.create_artifact("table", key, json.dumps(rows), description)

    def create_artifact(self, kind: str, key: str, data: object, description: str) -> UUID:
        """Create an artifact of the run."""
        artifact = ArtifactCreate(type=kind, key=key, data=data, description=description, flow_run_id=self.run_id)
        return self.client.create_artifact(artifact).id


def is_stopped(run_id: UUID) -> bool:
    """Return whether the run was cancelled or suspended in Prefect; false if that cannot be found out."""
    with suppress(Exception), flow_run_client(run_id) as client:
        return client.is_stopped()
    return False


def is_suspended(state: State) -> bool:
    """Return whether a run ends its process and is resumed in another; one that is only paused goes on."""
    return state.is_paused() and bool(state.state_details.pause_reschedule)


def job_of(run: FlowRun) -> str:
    """Return the id of the job that a run of the import was created for."""
    return str(run.parameters.get("job_id") or run.id)


@contextmanager
def flow_run_client(run_id: UUID) -> Iterator[FlowRunClient]:
    """Connect to Prefect for the block."""
    with get_client(sync_client=True) as client:
        yield FlowRunClient(client, run_id)


def write_page(run_id: UUID, page: RunPage, *, tags: Sequence[str]) -> None:
    """Show the end of a job on the page of its run, if Prefect can be reached."""
    with suppress(Exception), flow_run_client(run_id) as client:
        client.write_page(page, tags=tags)


def write_artifact(
    run_id: UUID, key: str, markdown: str, description: str, *, steps: Sequence[Step], tags: Sequence[str]
) -> None:
    """Show a page of Markdown with what to do next, and set the tags of the run, if Prefect can be reached."""
    with suppress(Exception), flow_run_client(run_id) as client:
        client.client.update_flow_run(run_id, tags=sorted({*tags}))
        next_steps = artifacts.format_steps(steps, client.find_deployments(steps))
        client.create_artifact("markdown", key, f"{markdown}\n\n{next_steps}".rstrip(), description)


def write_parameters(run_id: UUID, parameters: dict[str, object]) -> None:
    """Replace the parameters of the run as Prefect keeps them."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(run_id, parameters=parameters)


@dataclass
class PrefectObserver(Observer):
    """Passes events of a job on: to the terminal and the log of the run at once, to Prefect's page of the run from the
    thread of `reporting`."""

    run_id: UUID
    job_id: str
    request_stop: Callable[[], None]
    is_gone: Callable[[str], bool]  # whether the process of the job with that id was killed
    terminal: Observer
    log: Log
    is_dry_run: bool = False
    _phase: str = "starting"
    _progress: Progress | None = None  # the latest
    _end: tuple[JobSummary, bool] | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def on_open(self, sources: Sequence[Source]) -> None:
        """Pass the files on."""
        self.terminal.on_open(sources)

    def around(self, run_stage: RunStage) -> RunStage:
        """Return `run_stage` such that each stage that it runs is the phase to show."""

        def run(name: str, stage: Callable[[], Result], /) -> Result:
            self._phase = run_lines.format_phase(name, is_dry_run=self.is_dry_run)
            self.log.info(run_lines.format_progress(self._phase, self._progress))
            return run_stage(name, stage)

        return run

    def on_phase(self, status: JobStatus) -> None:
        """Show the phase on the terminal."""
        self.terminal.on_phase(status)

    def on_progress(self, progress: Progress) -> None:
        """Show the progress, and keep it for the next update of the artifact."""
        self.terminal.on_progress(progress)
        self._progress = progress

    def on_already_imported(self, job_id: str) -> None:
        """Show that the job repeats an earlier one."""
        self.terminal.on_already_imported(job_id)

    def on_end(self, summary: JobSummary) -> None:
        """Log how the job ended, and keep it for the last update of the artifact."""
        is_repeat = summary.job_id != self.job_id
        self._end = (summary, is_repeat)
        self.log.log(
            logging.ERROR if summary.status is JobStatus.FAILED else logging.INFO,
            run_lines.format_log_line(summary, is_repeat=is_repeat),
        )

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report to Prefect within the block, and not after it."""
        context = contextvars.copy_context()  # holds Prefect's settings of this run
        thread = threading.Thread(target=context.run, args=(self._report,), name="prefect-report", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(JOIN_SECONDS)

    def _report(self) -> None:
        with suppress(Exception), flow_run_client(self.run_id) as client:
            client.write_labels(job_id=self.job_id)
            client.mark_crashed(self.is_gone)
            phase, shown = "", ""
            for tick in count(1):
                ended = self._ended.wait(TICK_SECONDS)
                if self._phase != phase or ended or tick % PROGRESS_TICKS == 0:
                    percent, sentence = self._progress_now()
                    if sentence != shown:
                        client.write_progress(percent, sentence)
                        shown = sentence
                if ended:
                    return
                if self._phase != phase:
                    phase = self._phase
                    client.write_labels(phase=phase)
                if tick % POLL_TICKS == 0 and client.is_stopped():
                    self.request_stop()

    def _progress_now(self) -> tuple[float, str]:
        """Return the number and the sentence of the progress artifact."""
        phase, progress = self._phase, self._progress
        if self._end is None:
            return run_lines.percent_of(phase, progress), run_lines.format_progress(phase, progress)
        summary, is_repeat = self._end
        number = 100.0 if summary.status in DONE else run_lines.percent_of(phase, progress)
        return number, run_lines.format_end(summary, phase, progress, is_repeat=is_repeat)
