"""What a machine runs out of, disk and memory: told by the errors of four libraries, looked for before a merge."""

import errno
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large", "max_temp_directory_size")
NO_MEMORY_TEXTS = ("can't start new thread", "Resource temporarily unavailable", "Cannot allocate memory")
ENGINE_ERRORS = (duckdb.Error, pl.exceptions.PolarsError, pl.exceptions.PanicException, pa.ArrowException, OSError)
MEGABYTE = 1_000_000
LOG_BYTES = 8 * MEGABYTE


def shortage(error: BaseException) -> DatabaseFault | None:
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
