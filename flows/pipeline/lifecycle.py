"""The edge of a job: it begins as a whole, and whatever breaks inside, or whoever stops it, it says how it ended.

What the stages of a job are is in `flows.pipeline.run` and `flows.pipeline.undo`.
"""

import contextvars
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TypeVar

from polars.exceptions import PanicException

from flows.pipeline.job import Job, ended_with
from flows.pipeline.stop import A_SIGNAL, POLL_SECONDS, Stop, canceled_by
from flows.pipeline.verify import BrokenCommit
from flows.store.database import Store
from flows.store.errors import shortage
from flows.store.jobs import insert_job, record_broken, record_end, remove_job
from flows.store.private_files import no_core_dumps, private_umask
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, Fault, JobFault
from schemas.job import JobSummary

Result = TypeVar("Result")


@contextmanager
def running_job(job: Job, *, kind: str = "import") -> Iterator[None]:
    """Within the block the job is there for everybody: its folder and lock, its row, its ear for requests to stop.

    Raises:
        DatabaseFault: it could not begin; nothing of it is left.

    """
    no_core_dumps()
    with private_umask(), job.folder.locked(), job.stop.watched():
        job.folder.write_owner(job.store.path)
        try:
            insert_job(job.store, job.summary, options=job.options, kind=kind)
        except BaseException:
            with suppress(DatabaseFault):
                remove_job(Store(replace(job.settings, wait_seconds=0)), job_id=job.id)
            job.folder.remove()
            raise
        yield


def in_worker(stage: Callable[[], Result], *, stop: Stop) -> Result:
    """Run a stage in a thread, so that a signal is heard at once, also while an engine works.

    Raises:
        Canceled: a signal came before the stage had ended.

    """
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage") as pool:
        future = pool.submit(context.run, stage)
        while not future.done():
            try:
                # not for ever: an engine's signal handler lets no wait be broken off
                wait([future], timeout=POLL_SECONDS)
            except BaseException:  # noqa: BLE001 - an interrupt of this thread, by whatever name
                stop.request(canceled_by(A_SIGNAL))
        return future.result()


@contextmanager
def faults_recorded(job: Job) -> Iterator[list[JobSummary]]:
    """Collect the summary of a job; a fault inside the block becomes the summary of a failed or canceled one."""
    ended: list[JobSummary] = []
    try:
        yield ended
    except BrokenCommit as broken:
        ended.append(record_broken(job.store, job.folder, broken.summary))
    except Fault as fault:
        ended.append(_recorded(job, fault))
    except (Exception, PanicException, SystemExit) as error:  # noqa: BLE001 - the edge of the job: whatever broke, it must say so
        ended.append(_recorded(job, shortage(error) or _unforeseen(job, error)))
    except KeyboardInterrupt:
        ended.append(_recorded(job, canceled_by(A_SIGNAL)))


def _recorded(job: Job, fault: Fault) -> JobSummary:
    """The end that stands: of a job that had committed before the fault, that it is done."""
    return record_end(job.store, job.folder, ended_with(fault, job=job, summary=job.summary))


def _unforeseen(job: Job, error: BaseException) -> JobFault:
    """A fault of ours: its text may hold a user's data, so it is told in the private folder only."""
    notes = job.folder.path / "traceback.txt"
    with suppress(OSError):
        notes.touch(mode=0o600)
        notes.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return JobFault(
        ErrorCode.INTERNAL,
        f"the job broke down with {type(error).__name__}; nothing was merged",
        f"the details, which may hold personal data, are in {notes}",
    )
