"""Engine errors as faults with a sentence for the user: databases that cannot be opened, full disks, little memory."""

import errno
import os
import re
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from flows.readers.sources import printable
from flows.settings import DEFAULT_DATABASE
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault

NO_ACCESS_TEXTS = ("Read-only file system", "Permission denied")
HELD_TEXTS = ("Could not set lock on file", "Unique file handle conflict")  # by another process, by this one
UNUSABLE_CHARACTERS = "?\\"  # DuckDB takes `?` for the end of an address, and puts its log elsewhere
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large", "max_temp_directory_size")
NO_MEMORY_TEXTS = (
    "Out of Memory Error",  # of DuckDB, which is an OSError where rows are read in batches
    "can't start new thread",
    "Resource temporarily unavailable",
    "Cannot allocate memory",
)
ENGINE_ERRORS = (duckdb.Error, pl.exceptions.PolarsError, pl.exceptions.PanicException, pa.ArrowException, OSError)
NOT_UTF8 = re.compile(r"[\ud800-\udfff]")  # how Python reads such bytes of a path
LONGEST_NAME = 240  # bytes; 255 with `.` and `.rewritten.wal`
LONGEST_PATH = 4000  # bytes; 4,096 with the names of a job's files
SHOWN_CHARACTERS = 300
LOG_BYTES = 8_000_000


def is_held(error: duckdb.Error) -> bool:
    """Return whether another connection holds the database, so that a retry may help."""
    return any(text in str(error) for text in HELD_TEXTS)


def busy_fault(path: Path, error: duckdb.Error) -> DatabaseFault:
    """Return the fault of a database that another connection held until the deadline."""
    holder = re.search(r"\(PID (\d+)\)", str(error))
    holder_name = f"process {holder[1]}" if holder else "another connection of this process"
    return DatabaseFault(
        ErrorCode.DATABASE_BUSY,
        f"{path} is held by {holder_name}",
        "close the program that has it open, or wait for the other import and try again",
    )


def unreadable_fault(path: Path, error: duckdb.Error) -> DatabaseFault:
    """Return the fault of a file that DuckDB cannot open as a database, or that this user cannot open or change."""
    first_line = str(error).splitlines()[0]
    for reason in NO_ACCESS_TEXTS:
        if reason in first_line:
            hint = "make it readable and writable for this user, or name another file with --database"
            return DatabaseFault(ErrorCode.DATABASE_UNREADABLE, f"{path} cannot be opened: {reason.lower()}", hint)
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"{path} cannot be opened as a DuckDB database: {first_line}",
        "name another file with --database",
    )


def require_usable_path(path: Path) -> None:
    """Raise `DatabaseFault` unless DuckDB keeps the log of a database with that path beside it."""
    reason = ""
    if any(character in str(path) for character in UNUSABLE_CHARACTERS):
        reason = "it contains a question mark or a backslash"
    elif NOT_UTF8.search(str(path)):
        reason = "it contains bytes that are not UTF-8"
    elif len(path.name.encode()) > LONGEST_NAME:
        reason = f"its name has more than {LONGEST_NAME} bytes, and those of its log and copies are longer"
    elif len(str(path).encode()) > LONGEST_PATH:
        reason = f"it has more than {LONGEST_PATH} bytes"
    if reason:
        shown = NOT_UTF8.sub(lambda byte: ascii(byte[0])[1:-1], str(path))
        shown = shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"
        raise DatabaseFault(
            ErrorCode.DATABASE_UNREADABLE,
            f"{shown} cannot be the path of a DuckDB database: {reason}",
            "name another path with --database",
        )


def require_folder(database: Path) -> None:
    """Raise `DatabaseFault` if the folder to create a database in is missing, unless it is that of the default."""
    folder = Path(os.path.realpath(database)).parent
    try:
        if database.absolute() != DEFAULT_DATABASE.absolute():
            folder.stat()
    except FileNotFoundError:
        message = f"there is no folder {printable(str(folder))} for the database {printable(database.name)}"
        hint = "create it, or name another path with --database"
        raise DatabaseFault(ErrorCode.DATABASE_UNREADABLE, message, hint) from None
    except OSError:  # the attempt to create what is in it says why
        return


def folder_fault(folder: Path, error: Exception) -> DatabaseFault:
    """Return the fault of a folder in which neither jobs nor databases can be created."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"the folder {folder} cannot be created or written: {reason.lower()}",
        "name a database with --database in a folder that you may write to",
    )


def find_shortage(error: BaseException) -> DatabaseFault | None:
    """Return the fault that an error stands for if disk, memory or open files ran out, else None."""
    if _is_full(error):
        hint = "free space on the disk and run it again; nothing was merged"
        return DatabaseFault(ErrorCode.DISK_FULL, "the disk is full", hint)
    if _is_out_of_memory(error):
        hint = "close other programs, or allow more with --memory-limit or IMPORT_MEMORY_LIMIT; nothing was merged"
        return DatabaseFault(ErrorCode.OUT_OF_MEMORY, "there is not enough memory for the job", hint)
    if isinstance(error, ENGINE_ERRORS) and "Too many open files" in str(error):
        hint = "allow more with `ulimit -n` and run it again; nothing was merged"
        return DatabaseFault(ErrorCode.DATABASE_UNREADABLE, "the process cannot open more files", hint)
    return None


def require_space(folder: Path, *, staged: int) -> None:
    """Raise `DatabaseFault` (`DISK_FULL`) unless the folder's disk has space for the merge of that many staged bytes.

    Measured growth of tables, rows before and log: 1.3 times the staged bytes for 300,000 users, up to 6.6 times for
    20,000, which pass through the log uncompressed.
    """
    needed = 3 * staged + LOG_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatabaseFault(
            ErrorCode.DISK_FULL,
            f"the merge may need {needed / 1e6:,.1f} MB on the disk of the database, "
            f"which has {free / 1e6:,.1f} MB free",
            "free space on the disk and run it again; nothing was merged",
        )


def _is_full(error: BaseException) -> bool:
    """Return whether the error number, or else the text from the system, means a full disk."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return isinstance(error, ENGINE_ERRORS) and any(text in str(error) for text in FULL_TEXTS)


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether there is no memory, or none for another thread."""
    if isinstance(error, (MemoryError, duckdb.OutOfMemoryException)):
        return True
    return isinstance(error, (*ENGINE_ERRORS, RuntimeError)) and any(text in str(error) for text in NO_MEMORY_TEXTS)
