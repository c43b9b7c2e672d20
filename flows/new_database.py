"""How a new database comes to be: made under another name, and given its own when it is whole.

What is in it is `flows.store`'s.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.steps import reached
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault

DRAFT = ".new.duckdb"
LOCK = ".new.lock"


def created_whole(path: Path, *, drafts: Path, create: Callable[[Path], None]) -> None:
    """Create the database with `create` unless it is there; another process that does the same is waited for.

    Raises:
        DatabaseFault: a log without its database lies there, which a new database would destroy.

    """
    if path.exists():
        return
    with _alone(drafts / LOCK):
        if path.exists():
            return
        log = _log_of(path)
        if log.exists():
            raise _log_without_database(log, path)
        draft = drafts / DRAFT
        for leftover in (draft, _log_of(draft)):
            leftover.unlink(missing_ok=True)
        create(draft)
        reached("database: name it")
        draft.rename(path)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _log_without_database(log: Path, path: Path) -> DatabaseFault:
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"{log} holds changes of a database that is not there",
        f"bring {path} back to where the log is, or remove the log if those changes are not needed",
    )
