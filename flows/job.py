"""One job from its options to its summary: load, plan, merge, report. Knows no Prefect and prints nothing.

What each stage does is in `flows.load` and `flows.merge`; where the tables live is in `flows.store`.
"""

import contextvars
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

from flows import load, merge
from flows.job_folder import JobFolder
from flows.connection_records import find_connection
from flows.records import find_same_import, insert_job, record_end, remove_job, sweep
from flows.running import Job, Observer, Progress, ended_with, utc_now
from flows.settings import Settings
from flows.slots import slot
from flows.stop import Stop, canceled
from flows.store import Store
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault
from schemas.job import JobOptions, JobStatus, JobSummary

Result = TypeVar("Result")


class RunStage(Protocol):
    """Runs a stage under a name: plainly, or as a task of an orchestrator."""

    def __call__(self, name: str, stage: Callable[[], Result], /) -> Result:
        """Return what the stage returns."""


def call_directly(_name: str, stage: Callable[[], Result], /) -> Result:
    """Run the stage in this process and nothing else."""
    return stage()


class Silent:
    """An observer that nothing is shown to."""

    def phase(self, status: JobStatus) -> None:
        """Do nothing."""

    def progress(self, progress: Progress) -> None:
        """Do nothing."""

    def repeats(self, job_id: str) -> None:
        """Do nothing."""


def run_job(
    options: JobOptions,
    *,
    settings: Settings,
    job_id: str,
    observer: Observer,
    run_stage: RunStage = call_directly,
) -> JobSummary:
    """The summary of the job, however it ended; of the earlier job where this one would repeat it.

    Raises:
        DatabaseFault: no job could begin, because the database cannot be opened.

    """
    store = Store(settings)
    store.prepare()
    sweep(store)
    folder = JobFolder(settings.jobs_folder / job_id)
    folder.create()
    stop = Stop(folder, settings.time_limit_seconds)
    job = Job(
        _accepted(options, job_id=job_id), options, settings, store, folder, stop, observer, started=time.monotonic()
    )
    with folder.locked(), stop.watched():
        insert_job(store, job.summary, options=options)
        limit = settings.jobs_per_connection
        with _faults_recorded(job) as ended, slot(settings.jobs_folder, connection=options.connection, limit=limit):
            ended.append(_import(job, run_stage=run_stage))
        return ended[-1]


def _import(job: Job, *, run_stage: RunStage) -> JobSummary:
    """Load, plan, merge; or the summary of the job that has imported the same before."""
    connection = find_connection(job.store, job.options.connection)
    sources = load.open_sources(job)
    repeated = find_same_import(job.store, job.options, content=lambda: load.content_hash(sources))
    if repeated is not None:
        job.observer.repeats(repeated.job_id)
        remove_job(job.store, job_id=job.id)
        shutil.rmtree(job.folder.path)
        return repeated
    loaded = run_stage("load", lambda: in_worker(lambda: load.load(job, sources, connection=connection), stop=job.stop))
    planned = run_stage("plan", lambda: in_worker(lambda: merge.make_plan(job, loaded), stop=job.stop))
    return run_stage("merge", lambda: in_worker(lambda: merge.merge(job, loaded, planned), stop=job.stop))


def in_worker(stage: Callable[[], Result], *, stop: Stop) -> Result:
    """Run a stage in a thread, so that a signal is heard at once, also while an engine works.

    Raises:
        Canceled: a signal came before the stage had ended.

    """
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage") as pool:
        future = pool.submit(context.run, stage)
        try:
            return future.result()
        except Exception:
            raise
        except BaseException:  # noqa: BLE001 - an interrupt of the main thread, by whatever name
            stop.request(canceled("a signal"))
            return future.result()


@contextmanager
def _faults_recorded(job: Job) -> Iterator[list[JobSummary]]:
    """Collect the summary of a job; a fault inside the block becomes the summary of a failed or canceled one."""
    ended: list[JobSummary] = []
    try:
        yield ended
    except Fault as fault:
        ended.append(_recorded(job, fault))
    except Exception as error:  # noqa: BLE001 - the edge of the job: whatever broke, the job must say that it failed
        ended.append(_recorded(job, _unforeseen(job, error)))


def _recorded(job: Job, fault: Fault) -> JobSummary:
    ended = ended_with(fault, job=job, summary=job.summary)
    record_end(job.store, job.folder, ended)
    return ended


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


def _unforeseen(job: Job, error: Exception) -> JobFault:
    """A fault of ours: its text may hold a user's data, so it is told in the private folder only."""
    notes = job.folder.path / "traceback.txt"
    notes.touch(mode=0o600)
    notes.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return JobFault(
        ErrorCode.INTERNAL,
        f"the import broke down with {type(error).__name__}; nothing was merged",
        f"the details, which may hold personal data, are in {notes}",
    )


__all__ = ["Observer", "Progress", "RunStage", "Silent", "call_directly", "run_job"]
