"""What people and programs do to a job that is there: cancel, undo, apply. An undo is a job itself, with its own id."""

from collections.abc import Mapping

from flows.api.guard.tokens import Token
from flows.api.jobs import JobService
from flows.api.own.bodies import FACE
from flows.pipeline.apply import find_application, find_options, require_plan
from flows.pipeline.undo import find_complete_undo
from flows.store.job_folder import JobFolder
from flows.store.job_status import KnownJob
from flows.store.jobs import find_job


def undo(jobs: JobService, job: KnownJob, *, token: Token, dry_run: bool) -> tuple[KnownJob, bool]:
    """Request that a job is undone, and return the undo and whether it is new; where nothing is left to undo, the one
    that has done it. Raise `Problem` (503), or `JobFault` if the job has not ended or cannot be undone."""
    with jobs.reading():
        earlier = find_complete_undo(jobs.patient, find_job(jobs.patient, job.summary.job_id))
    if earlier:
        return jobs.find(earlier.job_id, token=token), False
    return _act("undo", jobs, job, token=token, options={"dry_run": True} if dry_run else {})


def apply(jobs: JobService, job: KnownJob, *, token: Token) -> tuple[KnownJob, bool]:
    """Request that the plan of a dry run is carried out, and return the import and whether it is new; the one that has
    carried it out if there is one. Raise `Problem` (503), or `JobFault` if the job has no plan that is kept."""
    with jobs.reading():
        find_options(jobs.patient, job.summary.job_id)
        earlier = find_application(jobs.patient, job.summary.job_id)
    if earlier:
        return jobs.find(earlier.job_id, token=token), False
    require_plan(JobFolder(jobs.settings.jobs_folder / job.summary.job_id))
    return _act("apply", jobs, job, token=token, options={})


def _act(
    kind: str, jobs: JobService, job: KnownJob, *, token: Token, options: Mapping[str, object]
) -> tuple[KnownJob, bool]:
    """Submit the job that acts on another, unless one that does the same waits or runs."""
    job_id, connection = job.summary.job_id, job.summary.connection
    with (
        jobs.one_at_a_time(FACE),
        jobs.begin(face=FACE, token=token, connection=connection, options=options, kind=kind) as draft,
    ):
        for other in jobs.active_requests():
            if (other.kind, other.paths, other.options) == (kind, (job_id,), options):
                return jobs.find(other.job_id, token=token), False
        draft.add_job(job_id)
        return draft.submit(), True
