"""Create and rewrite the database file: each is done under a temporary name, then renamed.

Its tables are in `schemas/sql`; `flows.store.database` opens it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb

from flows.settings import jobs_folder_of
from flows.store.fault_points import fault_point
from flows.store.locks import file_lock
from flows.store.private_files import atomic_write
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
        log = log_of(path)
        if log.exists():
            raise DatabaseFault(
                ErrorCode.DATABASE_UNREADABLE,
                f"{log} holds changes of a database that does not exist",
                f"move {path} back beside the log, or remove the log if you do not need its changes",
            )
        temp = temp_folder / ".new.duckdb"
        for leftover in (temp, log_of(temp)):
            leftover.unlink(missing_ok=True)
        with atomic_write(path, temporary=temp):
            fill(temp)
            fault_point("database: name it")
        return True


def log_of(path: Path) -> Path:
    """Return the path of the changes that a database file does not have yet."""
    return path.with_name(f"{path.name}.wal")


def rewrite_database(connection: duckdb.DuckDBPyConnection, path: Path, change: Callable[[], None]) -> None:
    """Replace the file of the attached database `store` by a copy to which `change` has been applied.

    The new file has no byte of what was removed; until it is complete the old one stays as it was, and the connection
    keeps the lock on it. The connection must not be used afterwards; `change` finds the tables by their names.
    """
    draft, temp = temp_paths(path)
    try:
        connection.execute("checkpoint store")
        _copy(connection, "store", draft, name="draft")
        connection.execute("use draft")
        change()
        fault_point("copy the changed database")
        with atomic_write(path, temporary=temp, keep_owner=True):
            _copy(connection, "draft", temp, name="rewritten")
            connection.execute("checkpoint rewritten")
            connection.execute("detach rewritten")
            with temp.open("rb") as file:
                os.fsync(file.fileno())
            fault_point("put the copy in its place")
    finally:
        with suppress(duckdb.Error):
            connection.execute("use memory")
            connection.execute("detach draft")
        remove_temporary(path)


def _copy(connection: duckdb.DuckDBPyConnection, source: str, target: Path, *, name: str) -> None:
    """Copy an attached database to a new file, and leave that attached."""
    fault_point(f"copy the database: {name}")
    quoted = str(target).replace("'", "''")
    connection.execute(f"attach '{quoted}' as {name} (storage_version 'v1.5.0')")
    connection.execute(f"copy from database {source} to {name}")


def temp_paths(path: Path) -> tuple[Path, Path]:
    """Return the paths of the copy that is changed, and of its own copy, which replaces the database."""
    folder = jobs_folder_of(path)
    return folder / f".{path.name}.draft", folder / f".{path.name}.rewritten"


def remove_temporary(path: Path) -> None:
    """Remove the copies that a dead process left, with their logs; only for a holder of the write lock."""
    for temp in temp_paths(path):
        for leftover in (temp, log_of(temp)):
            leftover.unlink(missing_ok=True)
