"""The inbox folder: its lock, its subfolders, the files that are ready to be imported and those that wait, and why.

Importing them is in `flows.inbox.importing`, filing them in `flows.inbox.archive`.
"""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import cast

from flows.readers.sources import printable
from flows.report.artifacts import format_duration
from flows.settings import is_in_roots
from flows.store.connections import list_connections
from flows.store.database import Store
from flows.store.locks import try_file_lock
from flows.store.private_files import open_regular
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from transforms.statements import run_mapped

LOCK_NAME = ".user-import.lock"  # holds the ids of the Prefect runs that may not have ended
TOLD_NAME = ".user-import.blocked"  # its time is when people were told of a run that blocks the folder
PURGED_NAME = ".user-import.purged"  # what was filed before its time may have been purged
OWN_NAMES = (LOCK_NAME, TOLD_NAME, PURGED_NAME)
BLOCKED_SECONDS = 3600.0  # that a run takes for one file, or hangs
ARCHIVES = ("done", "partly", "refused", "canceled")
REPORT = ".report.json"  # after the name of the file that it is about
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")  # suffixes of files that are not complete


@dataclass(frozen=True)
class Waiting:
    """Something in the inbox that is not imported, why, and since when, in seconds since 1970."""

    path: Path
    reason: str
    since: float

    def describe(self, now: float) -> str:
        """Return a sentence."""
        return f"{printable(self.path.name)} {self.reason}; it has waited for {format_duration(now - self.since)}"


@dataclass(frozen=True)
class Inbox:
    """A folder for new files, with the subfolders `done`, `partly`, `refused` and `canceled`."""

    path: Path

    def require_usable(self) -> None:
        """Raise `JobFault` if there is no such folder, or it or one of its subfolders cannot be used."""
        if not self.path.is_dir():
            raise JobFault(ErrorCode.FILE_NOT_FOUND, f"there is no folder {self.path}", "create it, or choose another")
        archives = [path for name in ARCHIVES if os.path.lexists(path := self.path / name)]
        for folder in archives:
            if folder.is_symlink() or not folder.is_dir():
                hint = "rename it: imported files are filed in a folder of that name"
                raise JobFault(ErrorCode.FILE_UNREADABLE, f"{folder} is not a folder", hint)
        for folder in (self.path, *archives):
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                is_read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
                reason = "read-only file system" if is_read_only else "permission denied"
                hint = "mount it for writing" if is_read_only else "give this user the permissions of its owner"
                message = f"the folder {folder} cannot be read and changed: {reason}"
                raise JobFault(ErrorCode.FILE_UNREADABLE, message, hint)

    def fault(self, error: OSError) -> JobFault:
        """Return the fault of a folder in which something is not what it has to be, or is not this user's."""
        message = f"the folder {self.path} cannot be read and changed: {(error.strerror or '').lower()}"
        hint = "remove links and pipes from it, and look whose its files are"
        return JobFault(ErrorCode.FILE_UNREADABLE, message, hint)

    @contextmanager
    def try_lock(self) -> Iterator[bool]:
        """Lock the folder for the block, and yield whether no other process has it locked.
        Raise `JobFault` if there is no such folder, or it cannot be used."""
        self.require_usable()
        with ExitStack() as lock:
            try:
                is_acquired = lock.enter_context(try_file_lock(self.path / LOCK_NAME))
            except OSError as error:
                message = f"{self.path / LOCK_NAME} cannot be locked: {(error.strerror or '').lower()}"
                raise JobFault(ErrorCode.FILE_UNREADABLE, message, "remove it, if it is a link or a folder") from None
            yield is_acquired

    @contextmanager
    def open_archive(self, name: str, *, create: bool = True) -> Iterator[Path]:
        """Create the subfolder (0700) if it is missing, and yield a path that leads to it within the block, whatever
        takes its name meanwhile. Raise `OSError` if the name is that of a link or a file."""
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(FileExistsError):
                if create:
                    os.mkdir(name, 0o700, dir_fd=folder)
            archive = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
        try:
            held = Path(f"/proc/{os.getpid()}/fd/{archive}")  # where there is none, the check of its name must do
            yield held if held.exists() else self.path / name
        finally:
            os.close(archive)

    @property
    def purged_until(self) -> float:
        """Until when what was filed may have been purged, in seconds since 1970; 0 if nothing was."""
        with suppress(FileNotFoundError):
            return (self.path / PURGED_NAME).stat().st_mtime
        return 0.0

    def note_purge(self, *, days: int) -> None:
        """Note that what was filed more than that many days ago has been removed."""
        until = max(time.time() - days * 86_400, self.purged_until)
        _touch(self.path / PURGED_NAME)
        os.utime(self.path / PURGED_NAME, (until, until), follow_symlinks=False)

    def show_life(self) -> None:
        """Note that the run which holds the lock begins another file."""
        with suppress(FileNotFoundError):  # of a folder that no one has locked
            os.utime(self.path / LOCK_NAME, follow_symlinks=False)

    def find_block(self, *, now: float) -> float | None:
        """Return for how many seconds the run that holds the lock has begun no other file, if that is too long and
        people have not been told of it, as they are now."""
        since, told = (self.path / LOCK_NAME).stat().st_mtime, self.path / TOLD_NAME
        if now - since < BLOCKED_SECONDS or (told.exists() and told.stat().st_mtime >= since):
            return None
        _touch(told)
        return now - since

    def scan(self, *, now: float, settle_seconds: float) -> tuple[list[Path], list[Waiting]]:
        """Return the files to import, by name, and whatever else is in the folder, the oldest first.
        Raise `JobFault` if there is no such folder any more, or it cannot be used."""
        self.require_usable()
        ready, waiting = [], []
        for path in sorted(self.path.iterdir()):
            if path.name in (*ARCHIVES, *OWN_NAMES):
                continue
            with suppress(FileNotFoundError):  # withdrawn meanwhile
                item = find_why_it_waits(path, now=now, settle_seconds=settle_seconds)
                if item is None:
                    ready.append(path)
                else:
                    waiting.append(item)
        return ready, sorted(waiting, key=lambda item: item.since)

    def opened_archives(self) -> Iterator[tuple[str, Path]]:
        """Yield the name of each subfolder that there is, and a path that leads to it until the next one."""
        for name in ARCHIVES:
            with suppress(FileNotFoundError), self.open_archive(name, create=False) as folder:
                yield name, folder

    def files(self) -> Iterator[Path]:
        """Yield every file that waits or was filed, also those of refused records; neither links nor own files."""
        yield from (path for path in files_in(self.path) if path.name not in OWN_NAMES)
        for name, folder in self.opened_archives():
            yield from (self.path / name / path.name for path in files_in(folder) if not path.name.endswith(REPORT))


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder by name, without links."""
    yield from (path for path in sorted(folder.iterdir()) if not path.is_symlink() and path.is_file())


def _touch(path: Path) -> None:
    """Create a private file, or set its time; raise `OSError` if it is a link."""
    os.close(open_regular(path, os.O_WRONLY | os.O_CREAT))
    os.utime(path, follow_symlinks=False)


def find_inbox(folder: Path, store: Store) -> Inbox | None:
    """Return the inbox that a job read from, if the folder is one that this run may use: relative to here, or to one
    above the database."""
    for path in (base / folder for base in (Path.cwd(), *store.path.parents)):
        if is_in_roots(path, store.settings.roots) and (path / LOCK_NAME).exists():
            return Inbox(path.resolve())
    return None


def find_inboxes(store: Store) -> list[Inbox]:
    """Return the inboxes that jobs have read, of all connections."""
    connections = list_connections(store)
    with store.reading() as connection:
        of_each = [run_mapped(connection, "jobs_of_connection", connection=one.connection) for one in connections]
    names = chain(
        *((*cast("list[str]", job["files"] or []), *cast("list[str]", job["sources"])) for job in chain(*of_each))
    )
    folders = dict.fromkeys(Path(name).parent for name in names)
    return [*dict.fromkeys(inbox for folder in folders if (inbox := find_inbox(folder, store)))]


def find_why_it_waits(path: Path, *, now: float, settle_seconds: float) -> Waiting | None:
    """Return why and since when something is not imported; None for a file that is complete and regular.
    Raise `FileNotFoundError` if it is gone."""
    found = path.lstat()
    reason = _why_it_waits(path, found, now=now, settle_seconds=settle_seconds)
    since = found.st_mtime if found.st_mtime <= now else min(found.st_ctime, now)
    return Waiting(path, reason, since) if reason else None


def _why_it_waits(  # noqa: PLR0911 - one reason a line
    path: Path, found: os.stat_result, *, now: float, settle_seconds: float
) -> str | None:
    if stat.S_ISLNK(found.st_mode):  # it could lead to a file that its creator must not read
        return "is a link, which is never followed: copy the file itself here"
    if stat.S_ISDIR(found.st_mode):
        return "is a folder: move its files into the inbox"
    if not stat.S_ISREG(found.st_mode):
        return "is not a file: remove it"
    if path.name.startswith("."):
        return "is hidden: rename it to have it imported, or remove it"
    if path.name.lower().endswith(UNFINISHED):
        return "is named as if it were not complete: rename it once it is"
    if not os.access(path, os.R_OK):
        return "cannot be read: change its permissions"
    settled = now - settle_seconds
    if found.st_mtime <= settled or (found.st_mtime > now and found.st_ctime <= settled):
        return None  # a time in the future says nothing; when the file changed last cannot be set
    if min(found.st_mtime, found.st_ctime) > now:
        return f"is dated {datetime.fromtimestamp(found.st_mtime, UTC):%Y-%m-%d %H:%M} UTC, in the future: touch it"
    return f"was written to within the last {settle_seconds:g} seconds"
