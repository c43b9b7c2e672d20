"""Why a database could not be opened, as a user's sentence with what to do next."""

import re
from pathlib import Path

import duckdb

from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault

HELD_BY_ANOTHER = "Could not set lock on file"
UNUSABLE = "?\\"
HELD_BY_THIS = "Unique file handle conflict"  # the engine knows every file that this process has open


def is_held(error: duckdb.Error) -> bool:
    """Whether the database is open elsewhere, so that trying again may help."""
    return HELD_BY_ANOTHER in str(error) or HELD_BY_THIS in str(error)


def busy(path: Path, error: duckdb.Error) -> DatabaseFault:
    """The fault of a database that stayed open elsewhere until the deadline."""
    holder = re.search(r"\(PID (\d+)\)", str(error))
    who = f"process {holder[1]}" if holder else "another connection of this process"
    return DatabaseFault(
        ErrorCode.DATABASE_BUSY,
        f"{path} is held by {who}",
        "close the program that has it open, or wait for the other import and try again",
    )


def unreadable(path: Path, error: duckdb.Error) -> DatabaseFault:
    """The fault of a file that is no database, or not of this engine."""
    first_line = str(error).splitlines()[0]
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"{path} cannot be opened as a DuckDB database: {first_line}",
        "name another file with --database",
    )


def require_usable(path: Path) -> None:
    """Go on when the engine puts its log beside a database of that path: it takes `?` for the end of an address.

    Raises:
        DatabaseFault: it does not.

    """
    if any(sign in str(path) for sign in UNUSABLE):
        raise DatabaseFault(
            ErrorCode.DATABASE_UNREADABLE,
            f"{path} cannot be the path of a DuckDB database: it has a question mark or a backslash in it",
            "name another file with --database",
        )


def no_folder(folder: Path, error: Exception) -> DatabaseFault:
    """The fault of a folder in which neither jobs nor databases can be made."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"the folder {folder} cannot be made or written: {reason.lower()}",
        "name a database with --database in a folder that you may write to",
    )
