"""The edge of a job: whatever breaks inside, or whoever stops it, the job says how it ended.

What the stages of a job are is in `flows.job` and `flows.undo`.
"""

import contextvars
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from flows.records import record_end
from flows.running import Job, ended_with
from flows.stop import Stop, canceled
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault
from schemas.job import JobSummary

Result = TypeVar("Result")


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
def faults_recorded(job: Job) -> Iterator[list[JobSummary]]:
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


def _unforeseen(job: Job, error: Exception) -> JobFault:
    """A fault of ours: its text may hold a user's data, so it is told in the private folder only."""
    notes = job.folder.path / "traceback.txt"
    notes.touch(mode=0o600)
    notes.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return JobFault(
        ErrorCode.INTERNAL,
        f"the job broke down with {type(error).__name__}; nothing was merged",
        f"the details, which may hold personal data, are in {notes}",
    )
