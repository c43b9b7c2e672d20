"""How many jobs of a connection may run at once: OS locks, which die with the process that holds them."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.job_folder import locked_at_once
from flows.private_files import private_folder
from schemas.codes import ErrorCode
from schemas.faults import JobFault


@contextmanager
def slot(jobs_folder: Path, *, connection: str, limit: int) -> Iterator[None]:
    """Hold one of the connection's slots.

    Raises:
        JobFault: `TOO_MANY_JOBS` when all are taken.

    """
    descriptor = _free_slot(private_folder(jobs_folder / ".slots"), connection=connection, limit=limit)
    if descriptor is None:
        raise JobFault(
            ErrorCode.TOO_MANY_JOBS,
            f"{limit} jobs of the connection {connection} are running, which is the limit",
            "wait until one of them has ended (`python -m flows.jobs list`), or cancel it",
        )
    try:
        yield
    finally:
        os.close(descriptor)


def _free_slot(folder: Path, *, connection: str, limit: int) -> int | None:
    """An open, locked descriptor of a free slot, or none."""
    name = hashlib.sha256(connection.encode()).hexdigest()[:16]  # a connection's name may be no file name
    for number in range(limit):
        descriptor = os.open(folder / f"{name}-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        if locked_at_once(descriptor):
            return descriptor
        os.close(descriptor)
    return None
