"""The flow `import-users`: a job as Prefect runs it, from the command line, the Prefect pages or a schedule.

What a job does is in `flows.pipeline.run`; the arguments, the terminal and the choice of the API are in
`flows.import_users.cli`.
"""

import asyncio
import inspect
import logging
import math
import os
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import wait
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

from prefect import Flow, flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import Field

from flows.import_users import local_server
from flows.import_users.arguments import form, from_form, to_form
from flows.import_users.prefect_run import ended_by, report_end, run_job_in_flow
from flows.import_users.retries import leave_if_run_goes_on
from flows.import_users.run_settings import settings_of_run
from flows.pipeline.job import Observer, utc_now
from flows.pipeline.stop import A_SIGNAL, POLL_SECONDS, Stop, canceled_by, on_signals
from flows.report.artifacts import mask_emails
from flows.report.command_line import UsageError
from flows.report.deadline import in_thread
from flows.report.notices import end_of, notify
from flows.report.prefect import API_ERRORS, FLOW_NAME, drain, final_state
from flows.report.targets import NoticeSettings
from flows.settings import Settings
from flows.store.job_folder import JOB_ID
from flows.store.resources import PREFECT_BYTES, require_resources
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault
from schemas.job import JobSummary
from schemas.options import JobOptions
from schemas.source_names import without_secrets

JobId = Annotated[str, Field(pattern=f"^({JOB_ID.pattern})?$")]
RunState = State[dict[str, object]]
BEGIN_SECONDS = 45.0  # for Prefect to begin the job
END_SECONDS = 6.0  # for Prefect to record its end


def run_name() -> str:
    """Return the run's name on the Prefect pages: what it imports."""
    first, *more = flow_run.parameters["sources"]
    others = f" and {len(more)} more" if more else ""
    first = without_secrets(str(first))
    return f"import {Path(first).name or first}{others}"


@flow(
    name=FLOW_NAME,
    description="Import files of users into a connection: every fault named, one transaction, nothing on failure.",
    flow_run_name=run_name,
    persist_result=True,
    result_serializer="json",
)
@form(JobOptions)
async def import_users(sources: list[str], *, database: str = "", job_id: JobId = "", **options: object) -> RunState:
    """Import users.

    Args:
        database: The DuckDB file to import into; empty for the worker's own (IMPORT_DATABASE).
        job_id: The id of the job, a UUID; empty for the id of the run. A job that has not merged is run again.

    """
    try:
        settings = settings_of_run(database)
        job_options = from_form(JobOptions, {"sources": sources, **options})
        return JobRun(job_options, settings, job_id=job_id).finish()
    except (UsageError, ValueError) as error:  # a variable of the worker, or a value that the form cannot refuse
        return Failed(message=str(error))


@dataclass
class JobRun:
    """The job of one flow run, and its outcome, which no return value brings home when Prefect's API falls silent."""

    options: JobOptions
    settings: Settings
    terminal: Observer = field(default_factory=Observer)
    job_id: str = ""  # that of the flow run, unless the caller knows the job already
    outcome: JobSummary | Fault | None = None
    stop: Stop | None = None  # of the job, once Prefect has started its run
    give_up_at: float = math.inf  # when to wait for Prefect no longer, in seconds of the monotonic clock
    _lock: threading.RLock = field(default_factory=threading.RLock)  # reentrant: a signal may interrupt its holder

    def finish(self) -> RunState:
        """Run the job to its end and return the final state of the run."""
        notices = NoticeSettings.from_environment(os.environ, notify=self.options.notify, no_mail=self.options.no_mail)
        context = FlowRunContext.get()
        run = context.flow_run if isinstance(context, FlowRunContext) else None
        began = utc_now()
        try:
            require_resources(PREFECT_BYTES)
            if run is None:
                raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, "this is not a run of a flow", "call run_locally")
            self.job_id = self.job_id or str(run.id)
            stop = self._begin()
            summary = run_job_in_flow(
                self.options,
                settings=self.settings,
                run=run,
                job_id=self.job_id,
                terminal=self.terminal,
                stop=stop,
                on_end=self._end,
                on_lost=partial(self._send, settings=notices),
            )
        except Fault as fault:  # no job began
            self._end(fault)
            if run is not None:
                leave_if_run_goes_on(run, fault, settings=self.settings)
            return ended_by(fault)
        leave_if_run_goes_on(run, summary.fault, settings=self.settings)
        was_done = run.run_count <= 1 and (summary.finished_at or began) < began  # by another run
        is_repeat = was_done or summary.job_id != self.job_id  # of an earlier job, whose notices were sent
        if not is_repeat:
            self._notify(summary, notices)
        report_end(summary, options=self.options, settings=self.settings, run=run, is_repeat=is_repeat)
        return final_state(summary, is_repeat=is_repeat)

    def request_stop(self) -> None:
        """Stop the job; once it has ended, or while Prefect has not begun it, wait for Prefect no longer."""
        with self._lock:
            if self.stop is None or self.outcome is not None:
                self.give_up_at = 0.0
            if self.stop is not None:
                self.stop.request(canceled_by(A_SIGNAL))

    def is_given_up(self) -> bool:
        """Return whether Prefect took too long to begin the job or to record its end; it cannot begin any more."""
        with self._lock:
            if time.monotonic() < self.give_up_at:
                return False
            if self.stop is None:
                slow = f"Prefect did not start the run within {BEGIN_SECONDS:g} seconds"
                late = JobFault(ErrorCode.PREFECT_UNAVAILABLE, slow, local_server.HINT)
                self.outcome = self.outcome or (late if self.give_up_at else canceled_by(A_SIGNAL))
            return True

    def _begin(self) -> Stop:
        with self._lock:
            if self.outcome is not None:
                raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, "the run started too late", "run it again")
            self.stop, self.give_up_at = Stop.for_job(self.settings, job_id=self.job_id), math.inf
            return self.stop

    def _end(self, outcome: JobSummary | Fault) -> None:
        with self._lock:
            self.outcome = self.outcome or outcome
            self.give_up_at = time.monotonic() + END_SECONDS

    def _notify(self, summary: JobSummary, settings: NoticeSettings) -> None:
        """Send the notices, which have deadlines of their own; each failure is a warning."""
        with self._lock:
            left = self.give_up_at - time.monotonic()
            self.give_up_at = math.inf
        with on_signals(lambda: None):
            self._send(summary, settings)
        with self._lock:
            self.give_up_at = min(self.give_up_at, time.monotonic() + left)

    def _send(self, summary: JobSummary, settings: NoticeSettings) -> None:
        for failure in notify(end_of(summary, database=self.settings.database), settings):
            self.terminal.on_warning(failure)
            get_run_logger().warning(failure)

    def as_flow(self) -> Flow[..., Coroutine[object, object, RunState]]:
        """Return a copy of the flow that runs this very job; its parameters are only for Prefect to show."""

        async def run_here(*_: object, **__: object) -> RunState:
            return self.finish()

        run_here.__signature__ = inspect.signature(import_users.fn)  # type: ignore[attr-defined] # what `inspect` reads
        copied: Flow[..., Coroutine[object, object, RunState]] = copy(import_users)
        copied.fn = run_here
        return copied


def run_locally(options: JobOptions, *, settings: Settings, observer: Observer) -> JobSummary:
    """Run a job as a flow of this process, recorded by the API that `flows.import_users.local_server` chose.

    The flow has a thread of its own: an API that falls silent costs some seconds, never the result or the answer to a
    signal. Raise a `Fault` if no job could begin.
    """
    logging.raiseExceptions = False  # a log line that Prefect cannot send is not the user's concern
    job = JobRun(options, settings, observer, give_up_at=time.monotonic() + BEGIN_SECONDS)
    with on_signals(job.request_stop):
        flow_run = in_thread(partial(_run_flow, job))
        while not flow_run.done() and not job.is_given_up():
            wait([flow_run], timeout=POLL_SECONDS)
    if job.outcome is None:
        return flow_run.result()
    if isinstance(job.outcome, Fault):
        raise job.outcome
    return job.outcome


def _run_flow(job: JobRun) -> JobSummary:
    try:
        return asyncio.run(run_as_flow(job))
    finally:
        drain()


async def run_as_flow(job: JobRun) -> JobSummary:
    """Run a job as a flow, or as a flow inside a flow, with settings that are not parameters.
    Raise a `Fault` if no job could begin."""
    reason = "Prefect did not start the run"
    shown = job.options.model_copy(update={"sources": job.options.shown_sources})
    try:
        state = await job.as_flow()(
            **to_form(shown), database=str(job.settings.database), job_id=job.job_id, return_state=True
        )
        reason = mask_emails(state.message or reason)
    except Exception as error:  # the job's own row is the record
        if job.outcome is None and not isinstance(error, API_ERRORS):
            raise
        reason = f"{reason}: {type(error).__name__}"
    outcome = job.outcome or JobFault(ErrorCode.PREFECT_UNAVAILABLE, reason, local_server.HINT)
    if isinstance(outcome, Fault):
        raise outcome
    return outcome
