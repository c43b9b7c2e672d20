"""Checks of the files that a job reads and writes: the database is not a source, and no output replaces either."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from flows.readers.sources import escape_bytes, printable
from flows.settings import OUTSIDE, ROOTS, Settings, is_in_roots, is_listed_url
from flows.store.database_file import log_of
from flows.store.errors import find_shortage
from schemas.codes import ErrorCode
from schemas.faults import Fault, FileFault
from schemas.source_names import without_secrets

SHOWN_CHARACTERS = 300  # of a path that is too long


def refuse_database(path: Path, settings: Settings) -> None:
    """Raise `FileFault` if the file is the database or its log: closing it would release DuckDB's lock."""
    log = log_of(settings.database)
    is_log = os.path.realpath(path) == os.path.realpath(log)  # which need not exist yet
    if is_log or _is_same(path, settings.database) or _is_same(path, log):
        raise FileFault(ErrorCode.FILE_FORMAT, f"{printable(str(path))} is the database itself", "name another file")


def require_in_roots(path: Path, settings: Settings, *, name: str = "") -> None:
    """Raise `FileFault` if the path leads out of the folders that runs may use, whether or not there is a file."""
    if not is_in_roots(path, settings.roots):
        hint = f"move it into one of them, or name its folder in {ROOTS} of the worker"
        raise FileFault(ErrorCode.FILE_UNREADABLE, f"{name or printable(str(path))} {OUTSIDE}", hint)


def require_source_in_roots(path: Path, settings: Settings) -> None:
    """Raise `FileFault` as `require_in_roots` does, also for each link in a folder, wherever it leads."""
    require_in_roots(path, settings)
    with suppress(OSError, ValueError):  # what cannot be read is a fault of its own
        for link in (link for link in sorted(path.iterdir()) if settings.roots and link.is_symlink()):
            require_in_roots(link, settings)


def require_url_in_roots(url: str, settings: Settings) -> None:
    """Raise `FileFault` if a run may use some folders only, and the URL is not listed with them."""
    if settings.roots and not is_listed_url(url, settings.url_roots):
        message = f"{printable(without_secrets(url))} is not among the URLs that runs may use ({ROOTS})"
        hint = f"download the file first, or list the beginning of its URL in {ROOTS} of the worker"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, hint)


def require_output(path: Path, settings: Settings) -> None:
    """Raise `FileFault` unless a file can be written there: in the roots, in a folder that exists, and in place of
    nothing but a file that is neither the database nor its log. Devices, pipes, links and folders are left alone."""
    shown = printable(str(path))
    shown = f"{shown[:SHOWN_CHARACTERS]}{'…' * (len(shown) > SHOWN_CHARACTERS)}"
    hint = "name another file"
    if path == Path("-"):
        raise FileFault(ErrorCode.FILE_FORMAT, "this is not written to standard output", "name a file")
    require_in_roots(path, settings)
    try:
        if not stat.S_ISREG(path.absolute().lstat().st_mode):
            raise FileFault(ErrorCode.FILE_UNREADABLE, f"{shown} is not a file, and is not replaced by one", hint)
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            message = f"there is no folder {printable(str(path.absolute().parent))} for {printable(path.name)}"
            raise FileFault(ErrorCode.FILE_NOT_FOUND, message, "create it, or name a file in another folder") from None
    except (OSError, ValueError) as error:  # too long, a file in place of the folder, a null character
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise FileFault(ErrorCode.FILE_UNREADABLE, f"{shown} cannot be written: {reason}", hint) from None
    refuse_database(path, settings)


def output_fault(path: Path, error: Exception) -> Fault:
    """Return the fault of a file that could not be written: the shortage that stopped it, or the reason given."""
    shown, shortage = printable(str(path)), find_shortage(error)
    if shortage and shortage.code is ErrorCode.DISK_FULL:
        hint = "free space on it, or name a file on another one"
        return FileFault(ErrorCode.DISK_FULL, f"{shown} cannot be written: its disk is full", hint)
    reason = (getattr(error, "strerror", None) or type(error).__name__).lower()
    return shortage or FileFault(ErrorCode.FILE_UNREADABLE, f"{shown} cannot be written: {reason}", "name another file")


def refuse_sources(path: Path, sources: Iterable[Path]) -> None:
    """Raise `FileFault` if the file to write is one of those that are or were imported."""
    if any(
        _is_same(path, source) or (path.exists() and escape_bytes(str(path)) == escape_bytes(str(source)))
        for source in sources
    ):
        message = f"{printable(str(path))} is an imported file and would be overwritten"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "name another file")


def _is_same(path: Path, other: Path) -> bool:
    """Return whether both paths lead to one file, through whatever links."""
    try:
        return path.samefile(other)
    except OSError:  # one of them does not exist
        return False
