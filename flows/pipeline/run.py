"""One job from its options to its summary: load, plan, merge, report. Knows no Prefect and prints nothing.

What each stage does is in `flows.pipeline.load` and `flows.pipeline.merge`; where the tables live is in
`flows.store.database`.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from flows.pipeline import load, merge
from flows.pipeline.job import Job, Observer, Progress, Silent, utc_now
from flows.pipeline.lifecycle import faults_recorded, in_worker, running_job
from flows.pipeline.path_checks import refuse_database, refuse_sources
from flows.pipeline.plan_file import check_plan_path
from flows.pipeline.stop import Stop
from flows.readers.sources import Source
from flows.settings import Settings
from flows.store.connections import find_connection
from flows.store.database import Store
from flows.store.jobs import find_same_import, remove_job
from flows.store.live_jobs import sweep
from flows.store.locks import slot
from schemas.job import JobStatus, JobSummary
from schemas.options import JobOptions

Result = TypeVar("Result")


class RunStage(Protocol):
    """Runs a stage under a name: plainly, or as a task of an orchestrator."""

    def __call__(self, name: str, stage: Callable[[], Result], /) -> Result:
        """Return what the stage returns."""


def call_directly(_name: str, stage: Callable[[], Result], /) -> Result:
    """Run the stage in this process and nothing else."""
    return stage()


def run_job(
    options: JobOptions,
    *,
    settings: Settings,
    job_id: str,
    observer: Observer,
    run_stage: RunStage = call_directly,
    stop: Stop | None = None,
) -> JobSummary:
    """The summary of the job, however it ended; of the earlier job where this one would repeat it.

    `stop` is the caller's, who may stop the job by it.

    Raises:
        DatabaseFault: no job could begin, because the database cannot be opened.
        Canceled: somebody stopped it before it began.

    """
    stop = stop or Stop.of(settings, job_id=job_id)
    store = Store(settings, waiting=stop.check)
    store.prepare()
    sweep(store)
    accepted = _accepted(options, job_id=job_id)
    job = Job(accepted, options, settings, store, stop.folder, stop, observer, started=time.monotonic())
    with running_job(job):
        with faults_recorded(job) as ended, slot(settings, connection=options.connection):
            ended.append(_import(job, run_stage=run_stage))
        return ended[-1]


def _import(job: Job, *, run_stage: RunStage) -> JobSummary:
    """Load, plan, merge; or the summary of the job that has imported the same before."""
    connection = find_connection(job.store, job.options.connection)
    sources = load.open_sources(job)
    if job.options.plan:
        _check_plan(Path(job.options.plan), sources, settings=job.settings)
    repeated = find_same_import(job.store, job.options, content=lambda: load.content_hash(sources))
    if repeated is not None:
        job.observer.repeats(repeated.job_id)
        remove_job(job.store, job_id=job.id)
        job.folder.remove()
        return repeated
    loaded = run_stage("load", lambda: in_worker(lambda: load.load(job, sources, connection=connection), stop=job.stop))
    planned = run_stage("plan", lambda: in_worker(lambda: merge.make_plan(job, loaded), stop=job.stop))
    return run_stage("merge", lambda: in_worker(lambda: merge.merge(job, loaded, planned), stop=job.stop))


def _check_plan(path: Path, sources: Sequence[Source], *, settings: Settings) -> None:
    """Complain before the work about a plan that could not be written, or not without a loss."""
    check_plan_path(path)
    refuse_database(path, settings)
    refuse_sources(path, [source.path for source in sources])


def _accepted(options: JobOptions, *, job_id: str) -> JobSummary:
    now = utc_now()
    return JobSummary(
        job_id=job_id,
        external_id=options.external_id,
        connection=options.connection,
        sources=options.sources,
        profile=options.profile,
        mode=options.mode.value,
        dry_run=options.dry_run,
        status=JobStatus.PENDING,
        created_at=now,
        started_at=now,
    )


__all__ = ["Observer", "Progress", "RunStage", "Silent", "call_directly", "run_job"]
