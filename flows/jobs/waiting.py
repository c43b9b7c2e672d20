"""Wait for a job to end, and say on stderr how far it is. The job itself is not touched: the waiting can be stopped."""

import sys
import time
from contextlib import suppress
from dataclasses import replace

from flows.import_users.cli import Common
from flows.jobs.lookup import describe_progress, find_job
from flows.jobs.queued import find_queued
from flows.settings import format_command
from flows.store.database import Store
from flows.store.job_status import KnownJob
from schemas.codes import ErrorCode
from schemas.faults import Canceled, DatabaseFault, JobFault
from schemas.job import JobStatus, fault_record

POLL_SECONDS = 0.5
QUEUE_SECONDS = 2.0  # between two questions to Prefect
LINE_SECONDS = 5.0  # between two lines of a phase, without --follow


def wait_for(common: Common, name: str, *, timeout: float | None, follow: bool) -> KnownJob:
    """Return the job once it has ended. Raise `JobFault` (`JOB_RUNNING`) if that takes longer than `timeout` seconds,
    and `Canceled` if a signal stops the waiting."""
    job, began = find_job(common, name), time.monotonic()
    again = f"`{format_command('jobs', 'wait', job.summary.job_id, database=common.settings.database)}`"
    shown, shown_at = "", 0.0
    try:
        while job.is_running:
            text, now = describe_progress(job), time.monotonic()
            is_new_phase = text.partition(":")[0] != shown.partition(":")[0]
            if text != shown and (follow or is_new_phase or now - shown_at > LINE_SECONDS):
                sys.stderr.write(f"{text}\n")
                shown, shown_at = text, now
            pause = QUEUE_SECONDS if job.summary.status is JobStatus.PENDING else POLL_SECONDS
            if timeout is not None and (pause := min(pause, began + timeout - now)) <= 0:
                message = f"job {job.summary.job_id} has not ended within {timeout:,g} seconds; it goes on ({text})"
                raise JobFault(ErrorCode.JOB_RUNNING, message, f"wait on with {again}")
            time.sleep(pause)
            job = _look_again(common, job)
    except KeyboardInterrupt:
        message = f"stopped waiting for job {job.summary.job_id}, which goes on"
        raise Canceled(ErrorCode.CANCELED, message, f"wait on with {again}") from None
    return job


def _look_again(common: Common, job: KnownJob) -> KnownJob:
    """Return the job as it is now; as it was, where neither the database nor Prefect answers."""
    job_id = job.summary.job_id
    with suppress(DatabaseFault):
        try:
            return find_job(common, job_id)
        except JobFault:
            if find_queued(Store(common.settings).path) is None:
                return job
        try:
            return find_job(common, job_id)  # the run may have ended between the questions to both
        except JobFault:
            lost = JobFault(ErrorCode.JOB_LOST, "the run ended before its job began", "see its page in Prefect")
            return replace(job, summary=replace(job.summary, status=JobStatus.FAILED, fault=fault_record(lost)))
    return job
