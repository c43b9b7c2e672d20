"""Purge job folders and refused records after the retention period; the rows of the jobs stay.

The scheduled flow is `flows.jobs.purge`, the command in `flows.jobs.cli`; one user is erased by `flows.store.forget`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from flows.store.database import Store, vacuum_if_worthwhile
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder
from flows.store.requests.queue import expired_requests
from flows.store.slices.bucket import remove_slices
from schemas.faults import JobFault
from transforms.statements import run


@dataclass(frozen=True)
class Purged:
    """What a purge removed, or would remove: the jobs whose data is purged, and the number of their refused records."""

    jobs: tuple[str, ...]
    rejected_users: int
    left: tuple[Path, ...] = ()  # that this user may not remove, or slices in a store; their jobs are not purged


def purge(store: Store, *, days: int | None = None, dry_run: bool = False) -> Purged:
    """Remove folders and refused records of jobs that ended more than `days` ago; the rows of `import_jobs` stay.
    Raise `DatabaseFault` if the database is busy or unreadable."""
    period = timedelta(days=store.settings.retention_days if days is None else days)
    before = datetime.now(UTC) - period
    with store.reading() as connection:
        ended = [str(job) for (job,) in run(connection, "jobs_to_purge", before=before.isoformat())]
        _remove_requests(store, connection, before=before, dry_run=dry_run)
    folders = {job: JobFolder(store.settings.jobs_folder / job) for job in ended}
    idle = {job: folder for job, folder in folders.items() if not (folder.is_accessible and folder.is_running)}
    left = [
        job
        for job, folder in idle.items()
        if not (_remove_slices(store, job, dry_run=dry_run) and _remove(folder, dry_run=dry_run))
    ]
    jobs = tuple(job for job in idle if job not in left)
    with store.reading() as connection:
        ((rejected,),) = run(connection, "rejected_to_purge", jobs=jobs)
    if jobs and not dry_run:
        with store.transaction() as connection:
            vacuum_if_worthwhile(connection)
            _purge_rows(connection, jobs)
    return Purged(jobs, int(str(rejected)), tuple(folders[job].path for job in left))


def purge_job(store: Store, job_id: str) -> None:
    """Remove the folder and the refused records of one job that has ended; its row stays.
    Raise `JobFault` (`JOB_RUNNING`) if it runs, and `DatabaseFault` if the database is busy: nothing is removed."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    with folder.locked(), store.transaction() as connection:
        _purge_rows(connection, (job_id,))
        remove_slices(store.settings, job_id)
        folder.remove()


def _purge_rows(connection: duckdb.DuckDBPyConnection, jobs: tuple[str, ...]) -> None:
    for name in ("purge_rejected_users", "purge_keys", "set_purged"):
        fault_point(name)
        run(connection, name, jobs=jobs)


def _remove_requests(store: Store, connection: duckdb.DuckDBPyConnection, *, before: datetime, dry_run: bool) -> None:
    """Remove the folders of requests that have not become jobs."""
    expired = {folder.path.name: folder for folder in expired_requests(store.settings, store.path, before=before)}
    begun = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=[*expired])}
    for job_id in expired.keys() - begun:
        _remove(expired[job_id], dry_run=dry_run)


def _remove_slices(store: Store, job_id: str, *, dry_run: bool) -> bool:
    """Remove what workers staged; return whether nothing of it is left, as far as a store can be reached."""
    if not dry_run:
        try:
            remove_slices(store.settings, job_id)
        except JobFault:
            return False
    return True


def _remove(folder: JobFolder, *, dry_run: bool) -> bool:
    """Remove the folder before its job is marked, so that the next purge repeats one that was interrupted."""
    if dry_run or not folder.is_accessible:
        return folder.is_accessible
    fault_point("remove a folder")
    return folder.remove()
