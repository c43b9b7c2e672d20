"""Forget one user: search tables, job folders and inboxes, and erase what is found. The command is in `flows.jobs.cli`.

First the files, each replaced whole, then the database: a run that is broken is completed by the next one, which finds
the user's other keys in the tables.
"""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from json import loads
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows.inbox.folder import ARCHIVES, REPORT, UNFINISHED, Inbox, find_inbox
from flows.inbox.reports import keeping_report
from flows.jobs.staged_records import find_staged, remove_staged, replace_file, replace_user_in_messages, write_json
from flows.readers.remove_records import HINT, FileContent, UserSearch
from flows.readers.sources import SPOOLED, Source, printable
from flows.settings import format_command
from flows.store.connections import find_connection, list_connections
from flows.store.database import RETRY_SECONDS, Store, scratch
from flows.store.errors import find_shortage
from flows.store.forget import RECORDS_OF_USER, Scope, WantedUser, count_rows, find_keys, find_rejected, rewrite_without
from flows.store.job_folder import REJECTS_NAME, JobFolder, folders_in
from flows.store.job_status import end_lost_jobs
from flows.store.requests.request import has_begun, read_request, sent_files
from flows.store.slices.bucket import remove_slices
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, FileFault, JobFault
from transforms.statements import run_mapped
from transforms.user_records import UserKeys, erase_in_name, erase_names

MARGIN_BYTES = 1_000_000
STDIN_COPY = "stdin"
Job = Mapping[str, Any]  # a row of `jobs_of_connection`, and its connection


@dataclass(frozen=True)
class FoundFile:
    """A file that holds records of the user, or whose name does."""

    path: Path
    search: UserSearch
    content: FileContent | None  # None: only the name

    @property
    def records(self) -> int:
        """The number of the user's records."""
        return len(self.content.found) if self.content else 0


@dataclass
class Forgotten:
    """Where the user was found: rows by table, records by job, files; and what could not be searched or changed."""

    tables: Mapping[str, int] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)
    files: list[FoundFile] = field(default_factory=list)
    left: dict[Path, str] = field(default_factory=dict)  # with the reason
    sources: list[str] = field(default_factory=list)  # imported files outside an inbox, which are not searched

    @property
    def is_nothing(self) -> bool:
        """Whether nothing names the user."""
        return not (any(self.tables.values()) or self.jobs or self.files)

    @contextmanager
    def naming(self, path: Path) -> Iterator[None]:
        """Note a file or folder that the block cannot read or change; a full disk is raised."""
        try:
            yield
        except (OSError, pl.exceptions.PolarsError) as error:
            if find_shortage(error):
                raise
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            self.left[path] = reason.lower()
        except (FileFault, JobFault) as fault:
            self.left[path] = f"{fault.message}; {fault.hint}"


def forget(
    store: Store,
    wanted: WantedUser,
    *,
    connection_id: str | None = "default",
    inboxes: Sequence[Path] = (),
    dry_run: bool = False,
) -> Forgotten:
    """Erase a user of a connection, or of every connection where that is None, and return where it was found.

    Raise `JobFault` if there is no such user or a job runs, `AmbiguousUserError` if two users are meant, and
    `DatabaseFault` if the database is busy or the disk has too little room.
    """
    end_lost_jobs(store)
    names = [find_connection(store, connection_id)] if connection_id is not None else list_connections(store)
    with (
        _undisturbed(store, [name.connection for name in names]) as (connection, jobs),
        _naming_shortages("free some and run it again; nothing was erased"),
        ExitStack() as locks,
        scratch(store.settings) as engine,
    ):
        scopes = {
            name.connection: Scope(name.connection, find_keys(connection, wanted, name.connection)) for name in names
        }
        search = _Search(store, scopes, jobs, engine)
        staged = [(job_id, record) for job_id, records in search.find_staged().items() for record in records]
        folders = search.lock_inboxes(inboxes, locks)
        search.find_files(folders)
        rejected = [find_rejected(connection, scope) for scope in scopes.values()]
        records = pl.concat([pl.DataFrame(staged, schema=RECORDS_OF_USER, orient="row"), *rejected]).unique()
        found = search.found
        found.tables = count_rows(connection, [*scopes.values()], records)
        if found.is_nothing:
            unread = "".join(f"; {path} was not searched: {reason}" for path, reason in found.left.items())
            hint = "check the value and the connection"
            raise JobFault(ErrorCode.USER_NOT_FOUND, f"nothing names that user{unread}", hint)
        if not dry_run:
            _require_replaceable(store, found)
            with _naming_shortages("free some and run it again to complete it; the tables still have the user"):
                search.erase(folders, records)
                rewrite_without(store, connection, [*scopes.values()], records)
    return found


@contextmanager
def _undisturbed(
    store: Store, connections: Sequence[str]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Mapping[str, Job]]]:
    """Open the database to write when no job of the connections runs, and yield it with their jobs by id.
    Raise `JobFault` (`JOB_RUNNING`) if one still runs at the deadline."""
    deadline = time.monotonic() + store.settings.wait_seconds
    while True:
        with store.writing() as connection:
            jobs: dict[str, Job] = {
                str(row["job_id"]): {**row, "connection": name}
                for name in connections
                for row in run_mapped(connection, "jobs_of_connection", connection=name)
            }
            jobs = {**_requested_jobs(store, connections), **jobs}
            running = next((job_id for job_id in jobs if _is_running(store, job_id)), None)
            if not running:
                yield connection, jobs
                return
        if time.monotonic() >= deadline:
            stop = format_command("jobs", "cancel", running, database=store.path)
            hint = f"wait until it has ended, or stop it with `{stop}`; nothing was erased"
            raise JobFault(ErrorCode.JOB_RUNNING, f"job {running} is running and may import the user", hint)
        time.sleep(RETRY_SECONDS)


def _requested_jobs(store: Store, connections: Sequence[str]) -> dict[str, Job]:
    """Return the requested jobs of the connections by id, which need not have begun."""
    folders = [folder for folder in folders_in(store.settings.jobs_folder) if folder.is_requested]
    found = [request for folder in folders if folder.belongs_to(store.path) and (request := read_request(folder))]
    return {
        request.job_id: {"connection": request.connection, "files": [], "sources": []}
        for request in found
        if request.connection in connections
    }


def _is_running(store: Store, job_id: str) -> bool:
    """Return whether a process runs the job, or will: it waits for one."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    with suppress(PermissionError):  # the folder is named later
        request = read_request(folder)
        return folder.is_running or (request is not None and not request.is_staged and not has_begun(folder))
    return False


@contextmanager
def _naming_shortages(hint: str) -> Iterator[None]:
    """Raise a fault with this hint in place of an error when the disk is full or memory ran out."""
    try:
        yield
    except (duckdb.Error, pl.exceptions.PolarsError, OSError, MemoryError) as error:
        if fault := find_shortage(error):
            raise DatabaseFault(fault.code, fault.message, hint) from None
        raise


def _require_replaceable(store: Store, found: Forgotten) -> None:
    """Raise `DatabaseFault` unless the database is this user's to replace, and the disks have room for two copies of it
    and one of each file."""
    database = store.path.stat()
    if os.geteuid() not in (0, database.st_uid):
        hint = "run it as that user or as root; nothing was erased"
        raise DatabaseFault(ErrorCode.DATABASE_UNREADABLE, f"{store.path} belongs to another user", hint)
    folders = {database.st_dev: store.settings.jobs_folder}
    needed = Counter({database.st_dev: 2 * database.st_size + MARGIN_BYTES})
    for path in (file.path for file in found.files if file.content):
        folders.setdefault(path.stat().st_dev, path.parent)
        needed[path.stat().st_dev] += path.stat().st_size
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if free < needed[device]:
            room = f"which has {free / 1e6:,.1f} MB free"
            message = f"{needed[device] / 1e6:,.1f} MB are needed on the disk of {folder}, {room}"
            raise DatabaseFault(ErrorCode.DISK_FULL, message, "free space on it and run it again; nothing was erased")


@dataclass
class _Search:
    """Where to search, by connection and by job, and what was found so far."""

    store: Store
    scopes: Mapping[str, Scope]
    jobs: Mapping[str, Job]
    engine: duckdb.DuckDBPyConnection
    found: Forgotten = field(default_factory=Forgotten)

    def folders(self) -> Iterator[tuple[str, JobFolder, UserKeys]]:
        """Yield each job that still has a folder, the folder, and the keys to search for."""
        for job_id, job in self.jobs.items():
            folder = JobFolder(self.store.settings.jobs_folder / job_id)
            if os.path.lexists(folder.path):
                yield job_id, folder, self.scopes[job["connection"]].keys

    def find_staged(self) -> Mapping[str, list[int]]:
        """Return the user's records by job, and search the copies of standard input and files of refused records."""
        records = {}
        for job_id, folder, keys in self.folders():
            with self.found.naming(folder.path):
                if not folder.is_accessible:
                    raise PermissionError(13, "permission denied")
                records[job_id] = find_staged(folder, keys)
                spooled = folder.path.glob(f"{SPOOLED}*")
                copies = (folder.path / STDIN_COPY, *spooled, *sent_files(folder))
                for path in (*copies, *folder.path.glob(f"{REJECTS_NAME}.*")):
                    self._find_file(path, keys)
        self.found.jobs = {job_id: len(numbers) for job_id, numbers in records.items() if numbers}
        return records

    def lock_inboxes(self, given: Iterable[Path], locks: ExitStack) -> Mapping[Inbox, set[str]]:
        """Return the inboxes that are given and those of jobs, locked, with the connections that they import into.
        Raise `JobFault` if an inbox is at work or missing. Note the other files that jobs with the user have read."""
        found: dict[Inbox, set[str]] = {Inbox(path.resolve()): {*self.scopes} for path in given}
        for job_id, job in self.jobs.items():
            for name in dict.fromkeys(chain(job["files"] or (), job["sources"])):
                inbox = find_inbox(Path(name).parent, self.store)
                if inbox:
                    found.setdefault(inbox, set()).add(job["connection"])
                elif job_id in self.found.jobs and name in (job["files"] or ()) and Path(name).is_file():
                    self.found.sources = [*dict.fromkeys([*self.found.sources, name])]
        for inbox in found:
            if not locks.enter_context(inbox.try_lock()):
                hint = "wait until it has ended; nothing was erased"
                raise JobFault(ErrorCode.JOB_RUNNING, f"the inbox {inbox.path} is at work", hint)
        return found

    def find_files(self, inboxes: Mapping[Inbox, set[str]]) -> None:
        """Search the files of the inboxes: those with a report for the keys in its connection."""
        for inbox, connections in inboxes.items():
            with self.found.naming(inbox.path):
                subfolders = (path for path in inbox.path.iterdir() if path.name not in ARCHIVES and path.is_dir())
                self.found.left |= dict.fromkeys(subfolders, "it is a folder in an inbox, which is not searched")
                for path in inbox.files():
                    report = _read_report(path.with_name(f"{path.name}{REPORT}"))
                    of_file = {report["summary"]["connection"]} if report else connections
                    keys = [scope.keys for name, scope in self.scopes.items() if name in of_file]
                    if keys:
                        self._find_file(path, UserKeys.union(keys))

    def _find_file(self, path: Path, keys: UserKeys) -> None:
        """Search a file of users, and its name."""
        with self.found.naming(path):
            if not path.is_file():
                return
            search = UserSearch(keys, self.store.settings.limits, self.engine)
            content = search.find(_source(path))
            if content is not None and not os.access(path.parent, os.W_OK | os.X_OK):
                raise PermissionError(13, "permission denied")
            if content is not None and path.name.lower().endswith(UNFINISHED):
                raise FileFault(ErrorCode.FILE_FORMAT, "it names the user, and is not complete", HINT)
            if content is not None or erase_in_name(path.name, keys, of_user=False) != path.name:
                self.found.files.append(FoundFile(path, search, content))

    def erase(self, inboxes: Iterable[Inbox], records: pl.DataFrame) -> None:
        """Take the user out of job folders and files, each replaced whole."""
        for job_id, folder, keys in self.folders():
            if folder.path not in self.found.left:
                with self.found.naming(folder.path):
                    remove_slices(self.store.settings, job_id)  # another attempt loads them again
                    remove_staged(folder, _records_of(job_id, records), keys)
        for file in self.found.files:
            with self.found.naming(file.path):
                _erase_file(file)
        for report in (path for inbox in inboxes for path in inbox.path.glob(f"*/*{REPORT}")):
            with self.found.naming(report):
                self._erase_in_report(report, records)

    def _erase_in_report(self, path: Path, records: pl.DataFrame) -> None:
        """Take the user out of the report about an imported file, and out of its name."""
        report = _read_report(path)
        if report is None or report["summary"]["connection"] not in self.scopes:
            return
        keys = self.scopes[report["summary"]["connection"]].keys
        own = _records_of(report["summary"]["job_id"], records)
        errors = [error for error in report["errors"] if error["record"] not in own]
        if errors:
            messages = pl.DataFrame(errors, infer_schema_length=None).select(replace_user_in_messages(keys))["message"]
            errors = [{**error, "message": message} for error, message in zip(errors, messages, strict=True)]
        write_json(path, report, erase_names({**report, "errors": errors}, keys, of_user=bool(own)))
        _rename(path, keys, of_user=bool(own))


def _source(path: Path) -> Source:
    return Source(printable(str(path)), path, path.stat().st_size)


def _records_of(job_id: str, records: pl.DataFrame) -> list[int]:
    return records.filter(job_id=job_id)["record"].to_list()


def _read_report(path: Path) -> dict[str, Any] | None:
    """Return a report about a file of the inbox, if there is one."""
    with suppress(OSError, ValueError):
        report = loads(path.read_text(encoding="utf-8"))
        return report if "connection" in report.get("summary", {}) else None
    return None


def _erase_file(file: FoundFile) -> None:
    """Write a file again without the user, or remove one without other users; take the user out of its name."""
    path, content = file.path, file.content
    if content is not None and content.is_emptied:
        with keeping_report(path):
            path.unlink()
        return
    if content is not None:
        with keeping_report(path), replace_file(path) as temp:
            file.search.remove(_source(path), content, temp)
    _rename(path, file.search.keys, of_user=content is not None)


def _rename(path: Path, keys: UserKeys, *, of_user: bool) -> None:
    name = erase_in_name(path.name, keys, of_user=of_user)
    if name != path.name:
        stem, dot, ending = name.partition(".")
        names = chain([name], (f"{stem}-{number}{dot}{ending}" for number in range(2, 10_000)))
        path.rename(next(free for free in map(path.with_name, names) if not os.path.lexists(free)))
