"""The flow `import-users`: a job as Prefect runs it, from the command line, the Prefect pages or a schedule.

What a job does is in `flows.pipeline.run`; the arguments, the terminal and the choice of the API are in
`flows.import_users.cli`.
"""

import asyncio
import logging
import os
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from prefect import flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from pydantic import Field

from flows.import_users import local_server
from flows.import_users.prefect_run import ended_by, run_job_in_flow
from flows.pipeline.job import Observer
from flows.report.artifacts import mask_emails
from flows.report.prefect import API_ERRORS, FLOW_NAME, drain, final_state
from flows.settings import NoticeSettings, Settings, settings_from
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault
from schemas.job import JobOptions, JobSummary, Mode, OnError
from schemas.profiles import PROFILES

Sources = Annotated[list[str], Field(min_length=1)]
ProfileName = Annotated[str, Field(json_schema_extra={"enum": ["auto", *sorted(PROFILES)]})]
FileFormat = Literal["auto", "json", "ndjson", "csv", "parquet"]
MatchKeys = Annotated[list[Literal["email", "user_id", "username"]], Field(min_length=1)]
NO_LIMIT = -1  # a form shows an optional number as two tabs
Limit = Annotated[int, Field(ge=NO_LIMIT)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass
class LocalRun:
    """What a run that this process has asked for brings along and takes home, past Prefect's parameters."""

    settings: Settings
    observer: Observer
    summary: JobSummary | None = None
    fault: Fault | None = None

    def take(self, summary: JobSummary) -> None:
        """Keep the summary, whatever Prefect makes of the run."""
        self.summary = summary


local_run: ContextVar[LocalRun | None] = ContextVar("local_run", default=None)


def run_name() -> str:
    """The run's name on the Prefect pages: what it imports."""
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
async def import_users(
    sources: Sources,
    *,
    database: str = "",
    connection: str = "default",
    profile: ProfileName = "auto",
    format: FileFormat = "auto",  # noqa: A002 - the name of the option
    mode: Mode = Mode.INSERT,
    on_error: OnError = OnError.CONTINUE,
    max_error_rate: Share = 1.0,
    max_errors: Limit = NO_LIMIT,
    max_updates_rate: Share = 1.0,
    match_on: MatchKeys = ["email", "user_id", "username"],  # noqa: B006 - Prefect shows it, and nobody changes it
    metadata: Literal["replace", "merge"] = "replace",
    fill_only: bool = False,
    plan: str = "",
    dry_run: bool = False,
    external_id: str = "",
    again: bool = False,
    unknown_fields: Literal["refuse", "ignore"] = "refuse",
    reset_unsupported_hashes: bool = False,
) -> State[dict[str, object]]:
    """Import users.

    Args:
        sources: Files or folders that the worker can read.
        database: The DuckDB file to import into; empty for the worker's own (IMPORT_DATABASE).
        connection: The connection that the users belong to.
        profile: Whose field names the files use; auto looks at the file.
        format: What the files are; auto looks at the file.
        mode: What a match with an existing user means. insert refuses the row, upsert updates the user,
            update does too and refuses a row without a match.
        on_error: What a refused row means. continue imports the others, fail imports nothing.
        max_error_rate: The share of refused rows above which nothing is imported, 0 to 1.
        max_errors: The number of refused rows above which nothing is imported; -1 for no limit.
        max_updates_rate: The share of the connection's users above which nothing is imported if so many would
            change, 0 to 1.
        match_on: By which keys a row may match an existing user, in order. A row that matches two is refused.
        metadata: What becomes of a matched user's metadata. replace replaces them by the row's, merge merges
            them (RFC 7396, null removes a key).
        fill_only: Set only what is empty today.
        plan: A file to write what every row would do to (.ndjson, .csv or .parquet); empty for none.
        dry_run: Say what every row would do and change nothing.
        external_id: Your own name for this job.
        again: Import even when the same content has been imported already.
        unknown_fields: What a field that users do not have means. refuse refuses the row, ignore leaves it out.
        reset_unsupported_hashes: Import a row whose only fault is its password hash without the hash.
            The user has to choose a new password.

    """
    options = JobOptions(
        sources=tuple(sources),
        connection=connection,
        profile=profile,
        format=format,
        mode=mode,
        on_error=on_error,
        max_error_rate=max_error_rate,
        max_errors=None if max_errors == NO_LIMIT else max_errors,
        max_updates_rate=max_updates_rate,
        match_on=tuple(match_on),
        metadata=metadata,
        fill_only=fill_only,
        plan=plan or None,
        dry_run=dry_run,
        external_id=external_id or None,
        again=again,
        unknown_fields=unknown_fields,
        reset_unsupported_hashes=reset_unsupported_hashes,
    )
    return _run(options, database=database)


def _run(options: JobOptions, *, database: str) -> State[dict[str, object]]:
    """The final state; a local run also takes the summary home."""
    local = local_run.get()
    settings = local.settings if local else settings_from(os.environ, database=Path(database) if database else None)
    try:
        summary = run_job_in_flow(
            options,
            settings=settings,
            notices=NoticeSettings.from_environment(os.environ),
            run=_this_run(),
            terminal=local.observer if local else None,
            keep=local.take if local else _keep_nothing,
        )
    except Fault as fault:  # no job began
        if local is not None:
            local.fault = fault
        return ended_by(fault)
    return final_state(summary)


def run_locally(options: JobOptions, *, settings: Settings, observer: Observer) -> JobSummary:
    """The summary of a job that this process runs as a flow, recorded by the API that
    `flows.import_users.local_server` chose.

    Raises:
        Fault: no job could begin.

    """
    logging.raiseExceptions = False  # a log line that Prefect cannot send is not the user's concern
    try:
        return asyncio.run(run_as_flow(options, settings=settings, observer=observer))
    finally:
        drain()


async def run_as_flow(options: JobOptions, *, settings: Settings, observer: Observer) -> JobSummary:
    """The summary of a job that runs as a flow, or as a flow inside a flow.

    Raises:
        Fault: no job could begin.

    """
    local = LocalRun(settings, observer)
    token = local_run.set(local)
    lists = {"sources": [*options.sources], "match_on": [*options.match_on]}
    texts = {"external_id": options.external_id or "", "plan": options.plan or ""}
    limits = {"max_errors": NO_LIMIT if options.max_errors is None else options.max_errors}
    parameters = {**asdict(options), **lists, **texts, **limits}
    reason = "Prefect did not start the run"
    try:
        state = await import_users(**parameters, database=str(settings.database), return_state=True)
        reason = mask_emails(state.message or reason)
    except API_ERRORS as error:  # the job's own row is the record; without it the run never began
        reason = f"{reason}: {type(error).__name__}"
    finally:
        local_run.reset(token)
    if local.fault is not None:
        raise local.fault
    if local.summary is None:
        raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, reason, local_server.HINT)
    return local.summary


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, "this is no run of a flow", "call run_locally")
    return context.flow_run


def _keep_nothing(_summary: JobSummary) -> None:
    """Do nothing: nobody waits for the summary."""
