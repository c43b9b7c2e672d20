"""Files that a job may not touch as what it was told they are: the database is no source, and no output replaces it."""

from collections.abc import Iterable
from pathlib import Path

from flows.readers.sources import printable
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import FileFault


def refuse_database(path: Path, settings: Settings) -> None:
    """Go on unless the file is the database or its log: opening it beside the engine would break the engine's lock.

    Raises:
        FileFault: it is.

    """
    database = settings.database
    if any(_is_same(path, own) for own in (database, database.with_name(f"{database.name}.wal"))):
        raise FileFault(ErrorCode.FILE_FORMAT, f"{printable(str(path))} is the database itself", "name another file")


def refuse_sources(path: Path, sources: Iterable[Path]) -> None:
    """Go on unless the file to write is one of those that are or were imported.

    Raises:
        FileFault: it is.

    """
    if any(_is_same(path, source) for source in sources):
        message = f"{printable(str(path))} is an imported file and would be overwritten"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "name another file")


def _is_same(path: Path, other: Path) -> bool:
    """Whether both name one file, through whatever links."""
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there
        return False
