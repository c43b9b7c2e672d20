"""Back up the database while imports run. To restore, put the copy back while nothing runs: see the server guide."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flows.pipeline.path_checks import output_fault, require_output
from flows.readers.sources import printable
from flows.store.database import Store
from flows.store.database_file import log_of
from flows.store.errors import FULL_TEXTS
from flows.store.private_files import atomic_write
from schemas.codes import ErrorCode
from schemas.faults import FileFault


def back_up(store: Store, path: Path) -> int:
    """Write a copy of the database to a new file and return its size in bytes.

    Raise `FileFault` if the file exists, is the log of the database or cannot be written, and `DatabaseFault` if the
    database is busy beyond the deadline.
    """
    require_output(path, store.settings)
    for taken in (path, log_of(path)):  # beside the log of another database, a copy would take on its changes
        if os.path.lexists(taken):
            message = f"{printable(str(taken))} exists, and a backup replaces nothing"
            raise FileFault(ErrorCode.FILE_UNREADABLE, message, "name another file, or remove it first")
    with _naming(path), atomic_write(path) as temp:
        try:
            with store.reading():  # keeps writers out for the seconds of the copy
                for file, copy in ((store.path, temp), (log_of(store.path), log_of(temp))):
                    if file.exists():
                        _copy(file, copy)
            with Store(replace(store.settings, database=temp)).writing() as connection:
                connection.execute("checkpoint")  # a log that a dead process left becomes part of the copy
        finally:
            log_of(temp).unlink(missing_ok=True)
        return temp.stat().st_size


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Raise the fault of the backup in place of an error about its temporary file."""
    try:
        yield
    except OSError as error:
        raise output_fault(path, error) from None


def _copy(file: Path, copy: Path) -> None:
    """Copy a file in a process of its own: opened and closed in this one, it would lose DuckDB's lock."""
    command = ["/bin/cp", "--", str(file), str(copy)]
    done = subprocess.run(command, env={"LC_ALL": "C"}, capture_output=True, check=False)  # noqa: S603 - two paths
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().rpartition(": ")[2].lower() or "the copy was stopped"
        if any(text.lower() in reason for text in FULL_TEXTS):
            raise output_fault(copy.parent, OSError(errno.ENOSPC, reason))
        message = f"the database cannot be copied to {printable(str(copy.parent))}: {reason}"
        raise FileFault(
            ErrorCode.FILE_UNREADABLE, message, "choose a folder that this user may write and that has room"
        )
