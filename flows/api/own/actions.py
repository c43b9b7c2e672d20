"""What people and programs do to a job that is there: cancel, undo, apply. An undo is a job itself, with its own id."""

from flows.api.jobs import JobService
from flows.api.own.bodies import FACE
from flows.api.tokens import Token
from flows.pipeline.undo import find_complete_undo
from flows.store.job_status import KnownJob
from flows.store.jobs import find_job


def undo(jobs: JobService, job: KnownJob, *, token: Token, dry_run: bool) -> tuple[KnownJob, bool]:
    """Request that a job is undone, and return the undo and whether it is new; where nothing is left to undo, the one
    that has done it. Raise `Problem` (503), or `JobFault` if the job has not ended or cannot be undone."""
    with jobs.reading():
        earlier = find_complete_undo(jobs.patient, find_job(jobs.patient, job.summary.job_id))
    if earlier:
        return jobs.find(earlier.job_id, token=token), False
    return _act("undo", jobs, job, token=token, dry_run=dry_run), True


def _act(kind: str, jobs: JobService, job: KnownJob, *, token: Token, dry_run: bool = False) -> KnownJob:
    options: dict[str, object] = {"dry_run": True} if dry_run else {}
    with jobs.begin(face=FACE, token=token, connection=job.summary.connection, options=options, kind=kind) as draft:
        draft.add_job(job.summary.job_id)
        return draft.submit()
