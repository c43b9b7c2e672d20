"""The flow `import-users`: a job as Prefect runs it, from the command line, the Prefect pages or a schedule.

What a job does is in `flows.pipeline.run`; the arguments, the terminal and the choice of the API are in
`flows.import_users.cli`.
"""

import asyncio
import inspect
import logging
import os
from collections.abc import Coroutine
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

from prefect import Flow, flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from flows.import_users import local_server
from flows.import_users.arguments import form, from_form, to_form
from flows.import_users.prefect_run import ended_by, report_end, run_job_in_flow
from flows.pipeline.job import Observer
from flows.report.artifacts import mask_emails
from flows.report.prefect import API_ERRORS, FLOW_NAME, drain, final_state
from flows.settings import NoticeSettings, Settings, settings_from
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault
from schemas.job import JobSummary
from schemas.options import JobOptions

RunState = State[dict[str, object]]


def run_name() -> str:
    """Return the run's name on the Prefect pages: what it imports."""
    first, *more = flow_run.parameters["sources"]
    others = f" and {len(more)} more" if more else ""
    return f"import {Path(first).name or first}{others}"


@flow(
    name=FLOW_NAME,
    description="Import files of users into a connection: every fault named, one transaction, nothing on failure.",
    flow_run_name=run_name,
    persist_result=True,
    result_serializer="json",
)
@form(JobOptions)
async def import_users(sources: list[str], *, database: str = "", **options: object) -> RunState:
    """Import users.

    Args:
        database: The DuckDB file to import into; empty for the worker's own (IMPORT_DATABASE).

    """
    settings = settings_from(os.environ, database=Path(database) if database else None)
    return JobRun(from_form(JobOptions, {"sources": sources, **options}), settings).finish()


@dataclass
class JobRun:
    """The job of one flow run, and its outcome, which no return value brings home when Prefect's API falls silent."""

    options: JobOptions
    settings: Settings
    terminal: Observer = field(default_factory=Observer)
    outcome: JobSummary | Fault | None = None

    def finish(self) -> RunState:
        """Run the job to its end and return the final state of the run."""
        notices = NoticeSettings.from_environment(os.environ)
        try:
            run = _this_run()
            summary = run_job_in_flow(self.options, settings=self.settings, run=run, terminal=self.terminal)
        except Fault as fault:  # no job began
            self.outcome = fault
            return ended_by(fault)
        self.outcome = summary
        report_end(summary, settings=self.settings, notices=notices, run=run)
        return final_state(summary)

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
    Raise a `Fault` if no job could begin."""
    logging.raiseExceptions = False  # a log line that Prefect cannot send is not the user's concern
    try:
        return asyncio.run(run_as_flow(options, settings=settings, observer=observer))
    finally:
        drain()


async def run_as_flow(options: JobOptions, *, settings: Settings, observer: Observer) -> JobSummary:
    """Run a job as a flow, or as a flow inside a flow, with settings that are not parameters.
    Raise a `Fault` if no job could begin."""
    job = JobRun(options, settings, observer)
    reason = "Prefect did not start the run"
    try:
        state = await job.as_flow()(**to_form(options), database=str(settings.database), return_state=True)
        reason = mask_emails(state.message or reason)
    except API_ERRORS as error:  # the job's own row is the record; without it the run never began
        reason = f"{reason}: {type(error).__name__}"
    outcome = job.outcome or JobFault(ErrorCode.PREFECT_UNAVAILABLE, reason, local_server.HINT)
    if isinstance(outcome, Fault):
        raise outcome
    return outcome


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, "this is not a run of a flow", "call run_locally")
    return context.flow_run
