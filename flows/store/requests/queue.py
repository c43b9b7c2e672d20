"""The queue of requested jobs: which wait for a process, in the order in which they came, and how one leaves it.

A file per job, whose name is its place and its id: to look at the queue is to list a folder, however many jobs there
are. What starts the jobs is `flows.api.dispatcher`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flows.settings import Settings
from flows.store.job_folder import JobFolder, folders_in
from flows.store.locks import try_file_lock
from flows.store.private_files import private_folder
from flows.store.requests.request import changing, has_begun, read_request, write_request
from schemas.faults import Fault
from schemas.job import JobStatus, fault_record

QUEUE = ".queue"


def enqueue(settings: Settings, job_id: str) -> None:
    """Let a requested job wait for a process."""
    (_queue_of(settings) / f"{time.time_ns():020}-{job_id}").touch(mode=0o600)


def queued_jobs(settings: Settings) -> list[str]:
    """Return the ids of the jobs that wait for a process, first come first."""
    with suppress(FileNotFoundError):
        return [name.split("-", 1)[1] for name in sorted(path.name for path in _markers(settings))]
    return []


def dequeue(settings: Settings, job_id: str) -> None:
    """Remove a job from the queue."""
    for path in _markers(settings):
        if path.name.split("-", 1)[1] == job_id:
            path.unlink(missing_ok=True)


def enqueue_forgotten(settings: Settings, database: Path) -> None:
    """Enqueue the requests that are whole and wait, and that a server's death has kept out of the queue."""
    known = set(queued_jobs(settings))
    for folder in folders_in(settings.jobs_folder):
        if folder.is_requested and folder.path.name not in known and folder.belongs_to(database):
            request = read_request(folder)
            if request and not request.is_staged and not has_begun(folder):
                enqueue(settings, request.job_id)


@contextmanager
def dispatching(settings: Settings) -> Iterator[bool]:
    """Yield whether this process is the one that starts the jobs of the queue, which it is within the block."""
    with try_file_lock(_queue_of(settings) / ".lock") as is_acquired:
        yield is_acquired


def end_request(folder: JobFolder, status: JobStatus, fault: Fault) -> None:
    """Record that a requested job ends without having begun; do nothing if it has begun meanwhile."""
    with changing(folder) as request:
        if not has_begun(folder):
            summary = request.summary(status, sources=_sources(folder))
            now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            ended = replace(summary, finished_at=now, fault=fault_record(fault))
            folder.write_status(ended.to_dict())
            write_request(folder, replace(request, is_staged=False))


def expired_requests(settings: Settings, database: Path, *, before: datetime) -> list[JobFolder]:
    """Return the folders of requests that were last changed before a time and do not wait for a process; their jobs
    may have begun."""
    waiting = set(queued_jobs(settings))
    return [
        folder
        for folder in folders_in(settings.jobs_folder)
        if folder.is_requested and folder.path.name not in waiting and folder.belongs_to(database)
        if datetime.fromtimestamp(folder.path.stat().st_mtime, UTC) < before and not folder.is_running
    ]


def _sources(folder: JobFolder) -> list[str]:
    sources = folder.read_status().get("sources")
    return [*map(str, sources)] if isinstance(sources, list) else []


def _queue_of(settings: Settings) -> Path:
    return private_folder(settings.jobs_folder / QUEUE)


def _markers(settings: Settings) -> list[Path]:
    return [path for path in (settings.jobs_folder / QUEUE).glob("*-*") if not path.name.startswith(".")]
