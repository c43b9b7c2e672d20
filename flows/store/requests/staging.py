"""Staged users of a connection: files that are added by and by, over HTTP or on the command line, and imported later.

A connection has one current operation: the latest request that began as a staging. Once it runs, it is a job as others.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from flows.settings import Settings
from flows.store.job_folder import JobFolder, folders_in
from flows.store.locks import file_lock
from flows.store.private_files import private_folder
from flows.store.requests.request import (
    START_LOCK,
    Draft,
    JobRequest,
    changing,
    has_begun,
    new_job_id,
    new_source,
    read_request,
    sent_files,
    write_pending,
    write_request,
)
from schemas.codes import ErrorCode
from schemas.faults import JobFault

LOCK = ".staging.lock"  # held by whoever creates or removes an operation
IS_STAGING, RECORDS = "is_staging", "records"  # details of a request: its kind, and how many records are known


def find_operation(settings: Settings, *, connection: str) -> JobRequest | None:
    """Return the current operation of a connection, also when it has run; None if there was none."""
    database = Path(settings.database).resolve()
    folders = [folder for folder in folders_in(settings.jobs_folder) if folder.is_requested]
    found = [read_request(folder) for folder in folders if folder.belongs_to(database)]
    staged = [r for r in found if r and r.connection == connection and r.details.get(IS_STAGING)]
    return max(staged, key=lambda request: request.created_at, default=None)


@contextmanager
def one_operation(settings: Settings) -> Iterator[None]:
    """Let one process at a time create or remove operations."""
    with file_lock(private_folder(settings.jobs_folder) / LOCK):
        yield


def find_or_create(settings: Settings, *, connection: str, requested_by: str) -> JobRequest:
    """Return the staged operation of a connection; a new one if it has none or that has begun."""
    with one_operation(settings):
        found = find_operation(settings, connection=connection)
        if found and found.is_staged:
            return found
        request = JobRequest(
            job_id=new_job_id(),
            face="stage",
            requested_by=requested_by,
            connection=connection,
            details={IS_STAGING: True},
        )
        draft = Draft(settings, request)
        try:
            draft.publish(is_staged=True)
        finally:
            draft.close()
        return draft.request


def clear(settings: Settings, *, connection: str) -> bool:
    """Remove what is staged for a connection and has not begun; return whether there was something."""
    request = find_operation(settings, connection=connection)
    if request is None or not request.is_staged:
        return False
    return folder_of(settings, request.job_id).remove()


@contextmanager
def add_source(settings: Settings, job_id: str, *, name: str, records: int = 0) -> Iterator[BinaryIO]:
    """Yield one more source file of an operation, with so many records, as far as that is known; it counts once the
    block has ended. Raise `JobFault` as `changing_staged`."""
    folder = folder_of(settings, job_id)
    with changing_staged(settings, job_id):
        pass
    with ExitStack() as stack, new_source(folder, name) as file:
        yield file
        request = stack.enter_context(changing_staged(settings, job_id))  # until the file counts
        count = cast("int", request.details.get(RECORDS, 0)) + records
        write_request(folder, replace(request, details={**request.details, RECORDS: count}))
        stack.callback(write_pending, folder, request)


@contextmanager
def starting(settings: Settings, job_id: str, *, options: Mapping[str, object]) -> Iterator[None]:
    """Take an operation out of the staging with the options of its job, which runs within the block and which nothing
    else starts meanwhile; put it back if the job could not begin. Raise `JobFault` as `changing_staged`."""
    folder = folder_of(settings, job_id)
    with file_lock(folder.path / START_LOCK):
        with changing_staged(settings, job_id) as request:
            write_request(folder, replace(request, is_staged=False, options=options))
        try:
            yield
        finally:
            with changing(folder) as begun:
                if not has_begun(folder):
                    write_request(folder, replace(begun, is_staged=True, options=request.options))


@contextmanager
def changing_staged(settings: Settings, job_id: str) -> Iterator[JobRequest]:
    """Yield a staged request, which no other process changes within the block.
    Raise `JobFault`: `JOB_NOT_FOUND` if there is none, `JOB_RUNNING` if it has begun."""
    with changing(folder_of(settings, job_id)) as request:
        if not request.is_staged:
            raise JobFault(ErrorCode.JOB_RUNNING, f"job {job_id} has already begun", "stage its users anew")
        yield request


def staged_files(settings: Settings, job_id: str) -> list[Path]:
    """Return the files that are staged, in the order in which they came."""
    return sent_files(folder_of(settings, job_id))


def folder_of(settings: Settings, job_id: str) -> JobFolder:
    """Return the folder of an operation."""
    return JobFolder(settings.jobs_folder / job_id)


def describe_operation(settings: Settings, *, connection: str) -> dict[str, str | int | None]:
    """Return the state of a connection's operation and what is staged: none, new or ready, else the job's status."""
    operation = find_operation(settings, connection=connection)
    files = staged_files(settings, operation.job_id) if operation else []
    if operation is None:
        state = "none"
    elif operation.is_staged:
        state = "ready" if files else "new"
    else:
        state = str(folder_of(settings, operation.job_id).read_status().get("status", "purged"))
    return {
        "connection": connection,
        "state": state,
        "job_id": operation.job_id if operation else None,
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
    }
