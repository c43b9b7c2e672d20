"""The database file written anew, so that nothing of a deleted row is left in its unused blocks."""

import os
from pathlib import Path

import duckdb

from flows.private_files import make_private


def rewrite(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Replace the file of the attached database `store` by a fresh copy; the connection is of no more use after.

    The lock on the old file is held until the new one stands in its place.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    connection.execute("checkpoint store")
    connection.execute(f"attach '{_quoted(draft)}' as rewritten (storage_version 'v1.5.0')")
    connection.execute("copy from database store to rewritten")
    connection.execute("checkpoint rewritten")
    connection.execute("detach rewritten")
    make_private(draft)
    _synced(draft)
    os.replace(draft, path)  # noqa: PTH105 - the atomic call by its name


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
