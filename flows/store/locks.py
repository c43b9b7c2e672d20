"""How many jobs of a connection may run at once: OS locks, which die with the process that holds them."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.settings import Settings
from flows.store.job_folder import locked_at_once
from flows.store.private_files import private_folder
from schemas.codes import ErrorCode
from schemas.faults import JobFault


@contextmanager
def slot(settings: Settings, *, connection: str) -> Iterator[None]:
    """Hold one of the slots of a connection of the database.

    Raises:
        JobFault: `TOO_MANY_JOBS` when all are taken.

    """
    limit = settings.jobs_per_connection
    whose = f"{os.path.realpath(settings.database)}\n{connection}"
    descriptor = _free_slot(private_folder(settings.jobs_folder / ".slots"), whose=whose, limit=limit)
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


def _free_slot(folder: Path, *, whose: str, limit: int) -> int | None:
    """An open, locked descriptor of a free slot, or none."""
    name = hashlib.sha256(whose.encode()).hexdigest()[:16]  # a connection's name may be no file name
    for number in range(limit):
        descriptor = os.open(folder / f"{name}-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        if locked_at_once(descriptor):
            return descriptor
        os.close(descriptor)
    return None
