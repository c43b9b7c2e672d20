"""An import from its options to its summary: prepare, load, plan, merge, report. Knows no Prefect and prints nothing.

What each stage does is in the module of its name; how a job begins, is stopped and ends is in
`flows.pipeline.lifecycle`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol, TypeVar

from flows.pipeline.apply import keep_loaded
from flows.pipeline.instructions.read import read_instructions
from flows.pipeline.job import Job, Observer, accept_job
from flows.pipeline.lifecycle import recording_faults, report_end, running_job
from flows.pipeline.load import content_hash, load, open_sources
from flows.pipeline.merge import merge
from flows.pipeline.plan import make_plan
from flows.pipeline.plan_file import check_plan_path
from flows.pipeline.stop import Stop
from flows.settings import Settings
from flows.store.connections import find_connection
from flows.store.database import Store
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import find_holder, find_same_import, record_repeat
from flows.store.locks import slot
from schemas.job import RUNNING, JobSummary
from schemas.options import JobOptions

Result = TypeVar("Result")


class RunStage(Protocol):
    """Run a stage under a name, for example as a task of an orchestrator."""

    def __call__(self, name: str, stage: Callable[[], Result], /) -> Result:
        """Return what the stage returns, raise what it raises."""


def call_directly(_name: str, stage: Callable[[], Result], /) -> Result:
    """Run the stage and nothing else."""
    return stage()


def run_job(
    options: JobOptions,
    *,
    settings: Settings,
    job_id: str,
    flow_run_id: str | None = None,
    observer: Observer,
    run_stage: RunStage = call_directly,
    stop: Stop | None = None,
    on_lost: Callable[[JobSummary], None] = lambda _: None,
    waits_for_slot: bool = False,
) -> JobSummary:
    """Run an import and return its summary, however it ended.

    Where the import would repeat an earlier one, the summary is that of the earlier job. A job that has merged nothing
    can be run again under its id, as its next attempt; one that has merged answers with its summary. The caller can
    stop the job through `stop`, and hears through `on_lost` of jobs whose process is gone. Raise `DatabaseFault` if the
    job could not begin because the database cannot be opened, `JobFault` if another process runs it or its id belongs
    to another job, and `Canceled` if it was stopped before it began.
    """
    stop = stop or Stop.for_job(settings, job_id=job_id)
    stop.folder.discard_cancel()
    stop.time_limit_seconds = options.time_limit or stop.time_limit_seconds
    store = Store(settings, on_retry=stop.check)
    store.prepare()
    for lost in end_lost_jobs(store):
        on_lost(lost)
    job = accept_job(options, store=store, stop=stop, observer=observer, job_id=job_id)
    with running_job(job, flow_run_id=flow_run_id) as summary:
        if summary.status not in RUNNING:
            return summary
        job = replace(job, summary=summary)
        return _import_users(job, run_stage=run_stage, waiting=stop.check if waits_for_slot else None)


@recording_faults
def _import_users(job: Job, *, run_stage: RunStage, waiting: Callable[[], None] | None) -> JobSummary:
    """Prepare, load, plan, merge and report, unless an earlier job has imported the same."""
    with slot(job.settings, connection=job.options.connection, waiting=waiting):
        connection = find_connection(job.store, job.options.connection)
        instructions = read_instructions(job.options, connection=connection, settings=job.settings)
        with open_sources(job) as sources:
            if job.options.time_limit is None:
                job.stop.allow_time_for(sum(source.size for source in sources))
            if job.options.plan:
                check_plan_path(Path(job.options.plan), sources, settings=job.settings)
            content = cache(
                partial(content_hash, sources, of_instructions=instructions.fingerprint, waiting=job.stop.check)
            )
            holder = find_holder(job.store, job.options, job_id=job.id, content=content)
            if earlier := holder or find_same_import(job.store, job.options, content=content):
                return _replace_by(job, earlier)
            loaded = run_stage("load", partial(load, job, sources, connection=connection, instructions=instructions))
        if job.options.dry_run:
            keep_loaded(job, loaded)
        planned = run_stage("plan", partial(make_plan, job, loaded))
        summary = run_stage("merge", partial(merge, job, loaded, planned))
        return report_end(job, summary)


def _replace_by(job: Job, earlier: JobSummary) -> JobSummary:
    """Remove the job, or this attempt of it, and return the summary of the earlier one that it would repeat."""
    job.observer.on_already_imported(earlier.job_id)
    record_repeat(job.store, job.summary, earlier=earlier.job_id)
    job.folder.remove()
    return earlier
