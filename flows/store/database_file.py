"""How a new database comes to be: made under another name, and given its own when it is whole.

What is in it is `flows.store.database`'s.
"""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from flows.store.fault_points import fault_point
from flows.store.locks import file_lock
from flows.store.private_files import atomic_write, make_private
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
    with file_lock(drafts / LOCK):
        if path.exists():
            return
        log = _log_of(path)
        if log.exists():
            raise _log_without_database(log, path)
        draft = drafts / DRAFT
        for leftover in (draft, _log_of(draft)):
            leftover.unlink(missing_ok=True)
        with atomic_write(path, temporary=draft):
            create(draft)
            fault_point("database: name it")


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _log_without_database(log: Path, path: Path) -> DatabaseFault:
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"{log} holds changes of a database that is not there",
        f"bring {path} back to where the log is, or remove the log if those changes are not needed",
    )


def rewrite(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Replace the file of the attached database `store` by a fresh copy; the connection is of no more use after.

    The lock on the old file is held until the new one stands in its place.
    """
    with atomic_write(path, temporary=temp_path(path)) as draft:
        _copy(connection, draft)
        _synced(draft)
        fault_point("put the copy in its place")


def _copy(connection: duckdb.DuckDBPyConnection, draft: Path) -> None:
    fault_point("copy the database")
    connection.execute("checkpoint store")
    connection.execute(f"attach '{_quoted(draft)}' as rewritten (storage_version 'v1.5.0')")
    connection.execute("copy from database store to rewritten")
    connection.execute("checkpoint rewritten")
    connection.execute("detach rewritten")
    make_private(draft)


def temp_path(path: Path) -> Path:
    """Where the copy is made; who holds the write lock of the database may remove what a dead process left there."""
    return path.parent / "jobs" / f".{path.name}.rewritten"


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
