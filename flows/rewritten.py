"""The database file written anew, so that nothing of a deleted row is left in its unused blocks."""

import os
from pathlib import Path

import duckdb

from flows.private_files import make_private
from flows.steps import reached


def rewrite(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Replace the file of the attached database `store` by a fresh copy; the connection is of no more use after.

    The lock on the old file is held until the new one stands in its place.
    """
    draft = draft_of(path)
    draft.unlink(missing_ok=True)
    try:
        _copy(connection, draft)
        _synced(draft)
        reached("put the copy in its place")
        os.replace(draft, path)  # noqa: PTH105 - the atomic call by its name
    finally:
        draft.unlink(missing_ok=True)


def _copy(connection: duckdb.DuckDBPyConnection, draft: Path) -> None:
    reached("copy the database")
    connection.execute("checkpoint store")
    connection.execute(f"attach '{_quoted(draft)}' as rewritten (storage_version 'v1.5.0')")
    connection.execute("copy from database store to rewritten")
    connection.execute("checkpoint rewritten")
    connection.execute("detach rewritten")
    make_private(draft)


def draft_of(path: Path) -> Path:
    """Where the copy is made; who holds the write lock of the database may remove what a dead process left there."""
    return path.parent / "jobs" / f".{path.name}.rewritten"


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
