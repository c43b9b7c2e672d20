"""Checks of the files that a job reads and writes: the database is not a source, and no output replaces either."""

from collections.abc import Iterable
from pathlib import Path

from flows.readers.sources import escape_bytes, printable
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import FileFault

SHOWN_CHARACTERS = 300  # of a path that is too long


def refuse_database(path: Path, settings: Settings) -> None:
    """Raise `FileFault` if the file is the database or its log: closing it would release DuckDB's lock."""
    database = settings.database
    if any(_is_same(path, own) for own in (database, database.with_name(f"{database.name}.wal"))):
        raise FileFault(ErrorCode.FILE_FORMAT, f"{printable(str(path))} is the database itself", "name another file")


def require_folder(path: Path) -> None:
    """Raise `FileFault` unless a file of that path can exist: its folder does, and the name is not too long."""
    shown = printable(str(path))
    try:
        path.absolute().lstat()
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            message = f"the folder {printable(str(path.parent))} for {printable(path.name)} is missing"
            raise FileFault(ErrorCode.FILE_NOT_FOUND, message, "create it first") from None
    except (OSError, ValueError) as error:  # too long, a file in place of the folder, a null character
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        message = f"{shown[:SHOWN_CHARACTERS]}{'…' * (len(shown) > SHOWN_CHARACTERS)} cannot be written: {reason}"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "name another file") from None


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
