"""Locks on files, and the slots that limit how many jobs of a connection run at once.

Every lock is an OS lock (`flock`): it ends with the process that holds it, however that process ends. Nothing here
imports an engine, because the child process of a local run needs these locks, too.
"""

import fcntl
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from flows.settings import Settings, format_command, owner_of
from flows.store.private_files import open_regular, private_folder
from schemas.codes import ErrorCode
from schemas.faults import JobFault

RETRY_SECONDS = 0.02
SLOT_SECONDS = 0.1  # between two looks at the slots of a connection


@contextmanager
def file_lock(path: Path, *, wait_seconds: float = math.inf) -> Iterator[None]:
    """Wait for the lock on a file, creating the file (0600) if it is missing, and hold the lock within the block.
    Raise `FileNotFoundError` if the folder is missing, or if the file was removed during the wait for its lock, and
    `BlockingIOError` if the wait takes too long."""
    with _open(path, os.O_RDWR | os.O_CREAT) as file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise BlockingIOError(path)
            time.sleep(RETRY_SECONDS)
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise FileNotFoundError(path)
        yield


@contextmanager
def try_file_lock(path: Path) -> Iterator[bool]:
    """Yield whether the lock on a file could be taken without waiting; hold it within the block if so.
    Raise `FileNotFoundError` if the folder is missing."""
    with _open(path, os.O_RDWR | os.O_CREAT) as file:
        yield _try_lock(file, fcntl.LOCK_EX)


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a file; a missing file is not locked."""
    try:
        with _open(path, os.O_RDONLY) as file:
            return not _try_lock(file, fcntl.LOCK_SH)  # shared: concurrent checks do not block one another
    except FileNotFoundError:
        return False


def find_holder(path: Path) -> int | None:
    """Return the id of a process that holds the lock on a file, or None where the system does not tell."""
    with suppress(OSError):
        inode = path.stat().st_ino
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            _, kind, *_, process, file, _, _ = line.split()
            if kind == "FLOCK" and file.endswith(f":{inode}") and int(process) > 0:
                return int(process)
    return None


@contextmanager
def slot(settings: Settings, *, connection: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold one of the slots of a connection of the database within the block.

    When all are taken, wait for one if there is a function to call meanwhile, which may raise to stop the wait; else
    raise `JobFault` (`TOO_MANY_JOBS`).
    """
    limit = settings.jobs_per_connection
    key = f"{os.path.realpath(settings.database)}\n{connection}"
    name = hashlib.sha256(key.encode()).hexdigest()[:16]  # the name of a connection may not be a valid file name
    folder = settings.jobs_folder / ".slots"
    with ExitStack() as locks:
        try:
            private_folder(folder, owner=owner_of(settings.database))
            while not (is_acquired := _take_slot(locks, [folder / f"{name}-{number}" for number in range(limit)])):
                if waiting is None:
                    break
                waiting()
                time.sleep(SLOT_SECONDS)
        except PermissionError:
            message, hint = (
                f"{folder} cannot be used: permission denied",
                "have its owner give it to that of the database",
            )
            raise JobFault(ErrorCode.DATABASE_UNREADABLE, message, hint) from None
        if not is_acquired:
            jobs = format_command("jobs", "list", database=settings.database)
            raise JobFault(
                ErrorCode.TOO_MANY_JOBS,
                f"{limit} jobs of the connection {connection} are running, which is the limit",
                f"wait until one of them has ended (`{jobs}`), or cancel it",
            )
        yield


def _take_slot(locks: ExitStack, slots: Sequence[Path]) -> bool:
    return any(locks.enter_context(try_file_lock(slot)) for slot in slots)


def _open(path: Path, flags: int) -> BinaryIO:
    """Open a lock file that is not a link: another user could lead one to a file that does not exist yet."""
    number = open_regular(path, flags)
    found, owner = os.fstat(number), path.parent.stat().st_uid
    if os.geteuid() == 0 != owner and (found.st_uid, found.st_size, found.st_nlink) == (0, 0, 1):
        os.fchown(number, owner, -1)  # new: root works for the owner of the folder, who has to lock it later
    return os.fdopen(number, "rb")


def _try_lock(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
