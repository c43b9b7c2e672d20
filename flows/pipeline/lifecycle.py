"""The lifecycle of a job: it begins completely or not at all, can be interrupted, and always records how it ended.

What a job does between its beginning and its end is in `flows.pipeline.run` and `flows.pipeline.undo`.
"""

import contextvars
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from polars.exceptions import PanicException

from flows.pipeline.job import Job, failed_summary
from flows.pipeline.stop import A_SIGNAL, POLL_SECONDS, canceled_by
from flows.pipeline.verify import BrokenCommit
from flows.store.database import Store
from flows.store.errors import find_shortage
from flows.store.fault_points import fault_point
from flows.store.job_status import begin_attempt
from flows.store.jobs import overwrite_end, record_end, remove_job
from flows.store.private_files import no_core_dumps
from flows.store.slices.bucket import remove_slices
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, Fault, JobFault
from schemas.job import JobSummary

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
JobFunction = Callable[Concatenate[Job, Parameters], Result]


@contextmanager
def running_job(job: Job, *, kind: str = "import", flow_run_id: str | None = None) -> Iterator[JobSummary]:
    """Begin a job, or its next attempt: hold its folder and lock, add its row, and watch for a request to stop it
    within the block. Yield its summary, which has its end if an earlier attempt has completed.
    Raise `DatabaseFault` or `JobFault` if it could not begin; nothing of it remains."""
    no_core_dumps()
    with job.folder.locked(), job.stop.watching(), ExitStack() as space:
        is_new = not job.folder.read_status()
        job.folder.write_database_name(job.store.path)
        try:
            if is_new:
                with suppress(OSError):
                    job.publish(job.summary.status)
            space.enter_context(job.folder.reserved_space())
            summary = begin_attempt(
                job.store, job.folder, job.summary, options=job.options, kind=kind, flow_run_id=flow_run_id
            )
        except BaseException as error:  # noqa: BLE001 - raised again
            with suppress(DatabaseFault):
                remove_job(Store(replace(job.settings, wait_seconds=0)), job.summary)
            if is_new:
                job.folder.remove()
            raise find_shortage(error) or error from None
        yield summary


def recording_faults(run: JobFunction[Parameters, JobSummary]) -> JobFunction[Parameters, JobSummary]:
    """Make a function return the summary of a failed or canceled job where it raises, and record that end."""

    @wraps(run)
    def run_and_record(job: Job, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> JobSummary:
        try:
            return run(job, *args, **kwargs)
        except BrokenCommit as broken:
            return overwrite_end(job.store, job.folder, broken.summary)
        except Fault as fault:
            return _record_fault(job, fault)
        except (Exception, PanicException) as error:  # noqa: BLE001 - whatever it is, the job ends with it
            return _record_fault(job, find_shortage(error) or _internal_fault(job, error))
        except BaseException:  # noqa: BLE001 - Ctrl-C, the end of the process, or what an orchestrator raises to stop it
            return _record_fault(job, job.stop.fault or canceled_by(A_SIGNAL))

    return run_and_record


def in_worker_thread(stage: JobFunction[Parameters, Result]) -> JobFunction[Parameters, Result]:
    """Make a function run in a thread, so that a signal requests a stop at once, even while an engine is busy."""

    @wraps(stage)
    def run_in_thread(job: Job, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        call = partial(contextvars.copy_context().run, partial(stage, job, *args, **kwargs))
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage") as pool:
            future = pool.submit(call)
            while not future.done():
                try:
                    # with a timeout: an engine's signal handler does not let a wait be interrupted
                    wait([future], timeout=POLL_SECONDS)
                except BaseException:  # noqa: BLE001 - an interrupt of this thread, whatever its type
                    job.stop.request(canceled_by(A_SIGNAL))
            return future.result()

    return run_in_thread


@in_worker_thread
def report_end(job: Job, summary: JobSummary) -> JobSummary:
    """Publish the end of the job in its folder and return it."""
    fault_point("report")
    job.folder.write_status(summary.to_dict())
    try:
        remove_slices(job.settings, job.id)
    except JobFault as fault:  # until retention
        job.observer.on_warning(f"{fault.message}: what workers staged is still there")
    return summary


def _record_fault(job: Job, fault: Fault) -> JobSummary:
    """Return the recorded end of the job: that of the fault, unless the job had committed before."""
    return record_end(job.store, job.folder, failed_summary(job, replace(job.summary, total=job.read.rows), fault))


def _internal_fault(job: Job, error: BaseException) -> JobFault:
    """Return the fault of an unexpected error; its text may hold personal data and stays in the job folder."""
    details = job.folder.path / "traceback.txt"
    with suppress(OSError):
        details.touch(mode=0o600)
        details.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    message = f"the job broke down with {type(error).__name__}; nothing was merged"
    return JobFault(ErrorCode.INTERNAL, message, f"the details, which may hold personal data, are in {details}")
