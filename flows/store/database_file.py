"""Create and compact the database file: each is done under a temporary name, then renamed.

Its tables are in `schemas/sql`; `flows.store.database` opens it.
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


def create_database(path: Path, *, temp_folder: Path, fill: Callable[[Path], None]) -> bool:
    """Create the database with `fill` and return true; false if it exists, also after waiting for another process.
    Raise `DatabaseFault` if there is a log without its database, which a new database would destroy."""
    if path.exists():
        return False
    with file_lock(temp_folder / ".new.lock"):
        if path.exists():
            return False
        log = _log_of(path)
        if log.exists():
            raise DatabaseFault(
                ErrorCode.DATABASE_UNREADABLE,
                f"{log} holds changes of a database that does not exist",
                f"move {path} back beside the log, or remove the log if you do not need its changes",
            )
        temp = temp_folder / ".new.duckdb"
        for leftover in (temp, _log_of(temp)):
            leftover.unlink(missing_ok=True)
        with atomic_write(path, temporary=temp):
            fill(temp)
            fault_point("database: name it")
        return True


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def compact_database(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Replace the file of the attached database `store` by a fresh copy; the connection must not be used afterwards.
    The connection keeps the lock on the old file until the copy has replaced it."""
    with atomic_write(path, temporary=temp_path(path)) as temp:
        _copy(connection, temp)
        with temp.open("rb") as file:
            os.fsync(file.fileno())
        fault_point("put the copy in its place")


def _copy(connection: duckdb.DuckDBPyConnection, temp: Path) -> None:
    fault_point("copy the database")
    connection.execute("checkpoint store")
    quoted = str(temp).replace("'", "''")
    connection.execute(f"attach '{quoted}' as rewritten (storage_version 'v1.5.0')")
    connection.execute("copy from database store to rewritten")
    connection.execute("checkpoint rewritten")
    connection.execute("detach rewritten")
    make_private(temp)


def temp_path(path: Path) -> Path:
    """Return the path of the compacted copy; a holder of the write lock may remove what a dead process left there."""
    return path.parent / "jobs" / f".{path.name}.rewritten"
