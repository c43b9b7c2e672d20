"""Why a database could not be opened, as a user's sentence with what to do next."""

import errno
import re
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

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


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large", "max_temp_directory_size")
NO_MEMORY_TEXTS = ("can't start new thread", "Resource temporarily unavailable", "Cannot allocate memory")
ENGINE_ERRORS = (duckdb.Error, pl.exceptions.PolarsError, pl.exceptions.PanicException, pa.ArrowException, OSError)
MEGABYTE = 1_000_000
LOG_BYTES = 8 * MEGABYTE


def find_shortage(error: BaseException) -> DatabaseFault | None:
    """The fault that an error means, where it means that disk or memory ran out."""
    if _is_full(error):
        hint = "make room on the disk and run it again; nothing was merged"
        return DatabaseFault(ErrorCode.DISK_FULL, "the disk is full", hint)
    if _is_out_of_memory(error):
        hint = "close other programs, or allow more by --memory-limit or IMPORT_MEMORY_LIMIT; nothing was merged"
        return DatabaseFault(ErrorCode.OUT_OF_MEMORY, "there is not enough memory for the job", hint)
    return None


def require_space(folder: Path, *, staged: int) -> None:
    """Go on when the folder's disk has room for the merge of that many staged bytes.

    Measured: the tables, the rows before and the log grew by 1.3 times the staged bytes for 300,000 users, by up to 6.6
    times for 20,000, which go through the log uncompressed.

    Raises:
        DatabaseFault: `DISK_FULL`.

    """
    needed = 3 * staged + LOG_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatabaseFault(
            ErrorCode.DISK_FULL,
            f"the merge may need {_megabytes(needed)} on the disk of the database, which has {_megabytes(free)} free",
            "make room on the disk and run it again; nothing was merged",
        )


def _is_full(error: BaseException) -> bool:
    """By its number, else by its text: engines pass on what the system says."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return isinstance(error, ENGINE_ERRORS) and any(text in str(error) for text in FULL_TEXTS)


def _is_out_of_memory(error: BaseException) -> bool:
    """No memory, or none for one more thread."""
    if isinstance(error, (MemoryError, duckdb.OutOfMemoryException)):
        return True
    return isinstance(error, (*ENGINE_ERRORS, RuntimeError)) and any(text in str(error) for text in NO_MEMORY_TEXTS)


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
