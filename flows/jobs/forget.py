"""Forget one user: search tables, job folders and inboxes, and erase what is found. The command is in `flows.jobs.cli`.

First the files, each replaced whole, then the database: a run that is broken is completed by the next one, which finds
the user's other keys in the tables.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast

import duckdb
import polars as pl

from flows.inbox.folder import LOCK_NAME, REPORT, Inbox
from flows.readers.remove_records import FileContent, UserSearch
from flows.readers.sources import Source, printable
from flows.store.connections import find_connection, list_connections
from flows.store.database import RETRY_SECONDS, Store, scratch
from flows.store.errors import find_shortage
from flows.store.fault_points import fault_point
from flows.store.forget import (
    RECORDS_OF_USER,
    Scope,
    WantedUser,
    count_rows,
    find_keys,
    find_rejected,
    rewrite_without,
)
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs
from flows.store.private_files import atomic_write
from flows.store.staged_records import TEMPORARY, erase_names, find_staged, remove_staged, replace_user_in_messages
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, FileFault, JobFault
from transforms.statements import run_mapped
from transforms.user_records import UserKeys, erase_in_name

MARGIN_BYTES = 1_000_000
STDIN_COPY = "stdin"
Job = Mapping[str, object]  # a row of `jobs_of_connection`


@dataclass(frozen=True)
class FoundFile:
    """A file that holds records of the user, or whose name does."""

    path: Path
    records: int
    keys: UserKeys
    content: FileContent | None = None  # None: only the name


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


@dataclass
class _Search:
    """What is searched, and what was found so far."""

    store: Store
    scopes: Sequence[Scope]
    jobs: Mapping[str, tuple[Scope, Job]]  # by id, of all connections that are searched
    engine: duckdb.DuckDBPyConnection
    found: Forgotten = field(default_factory=Forgotten)
    records: dict[str, list[int]] = field(default_factory=dict)  # by job

    def folder(self, job_id: str) -> JobFolder:
        return JobFolder(self.store.settings.jobs_folder / job_id)

    def files(self, keys: UserKeys) -> UserSearch:
        return UserSearch(keys, self.store.settings.limits, self.engine)

    @contextmanager
    def naming(self, path: Path) -> Iterator[None]:
        """Note a file or folder that the block cannot read or change; a full disk is raised."""
        try:
            yield
        except (OSError, pl.exceptions.PolarsError) as error:
            if find_shortage(error):
                raise
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            self.found.left[path] = reason.lower()
        except FileFault as fault:
            self.found.left[path] = f"{fault.message}; {fault.hint}"


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
    ):
        scopes = [Scope(name.connection, find_keys(connection, wanted, name.connection)) for name in names]
        return _forget(store, connection, scopes, jobs, inboxes=inboxes, dry_run=dry_run)


@contextmanager
def _undisturbed(store: Store, connections: Sequence[str]) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Job]]]:
    """Open the database to write when no job of the connections runs, and yield it with their jobs.
    Raise `JobFault` (`JOB_RUNNING`) if one still runs at the deadline."""
    deadline = time.monotonic() + store.settings.wait_seconds
    while True:
        with store.writing() as connection:
            jobs: list[Job] = [
                {**row, "connection": name}
                for name in connections
                for row in run_mapped(connection, "jobs_of_connection", connection=name)
            ]
            running = [job for job in jobs if _is_running(store, job)]
            if not running:
                yield connection, jobs
                return
        if time.monotonic() >= deadline:
            job_id = running[0]["job_id"]
            hint = (
                f"wait until it has ended, or stop it with `python -m flows.jobs cancel {job_id}`; nothing was erased"
            )
            raise JobFault(ErrorCode.JOB_RUNNING, f"job {job_id} is running and may import the user", hint)
        time.sleep(RETRY_SECONDS)


def _is_running(store: Store, job: Job) -> bool:
    with suppress(PermissionError):  # the folder is named later
        return JobFolder(store.settings.jobs_folder / str(job["job_id"])).is_running
    return False


def _forget(
    store: Store,
    connection: duckdb.DuckDBPyConnection,
    scopes: Sequence[Scope],
    jobs: Sequence[Job],
    *,
    inboxes: Sequence[Path],
    dry_run: bool,
) -> Forgotten:
    by_name = {scope.connection: scope for scope in scopes}
    by_id = {str(job["job_id"]): (by_name[str(job["connection"])], job) for job in jobs}
    with ExitStack() as locks, scratch(store.settings) as engine:
        search = _Search(store, scopes, by_id, engine)
        _search_folders(search)
        folders = _lock_inboxes(search, inboxes, locks)
        _search_inboxes(search, folders)
        records = _collect_records(connection, search)
        search.found.tables = count_rows(connection, scopes, records)
        search.found.sources = _other_sources(search, folders)
        if search.found.is_nothing:
            raise _not_found(search.found)
        if not dry_run:
            _require_replaceable(search)
            with _naming_shortages("free some and run it again to complete it; the tables still have the user"):
                _erase_files(search, folders, records)
                rewrite_without(store, connection, scopes, records)
    return search.found


def _not_found(found: Forgotten) -> JobFault:
    unread = "".join(f"; {path} was not searched: {reason}" for path, reason in found.left.items())
    hint = "check the value and the connection"
    return JobFault(ErrorCode.USER_NOT_FOUND, f"nothing names that user{unread}", hint)


@contextmanager
def _naming_shortages(hint: str) -> Iterator[None]:
    """Raise a fault with this hint in place of an error when the disk is full or memory ran out."""
    try:
        yield
    except (duckdb.Error, pl.exceptions.PolarsError, OSError, MemoryError) as error:
        if fault := find_shortage(error):
            raise DatabaseFault(fault.code, fault.message, hint) from None
        raise


def _search_folders(search: _Search) -> None:
    """Search the folder of every job, and the copy of standard input in it."""
    for job_id, (scope, _) in search.jobs.items():
        folder = search.folder(job_id)
        if not os.path.lexists(folder.path):
            continue
        with search.naming(folder.path):
            if not folder.is_accessible:
                raise PermissionError(13, "permission denied")
            search.records[job_id] = find_staged(folder, scope.keys)
            _search_file(search, folder.path / STDIN_COPY, scope.keys)
    search.found.jobs = {job_id: len(records) for job_id, records in search.records.items() if records}


def _search_file(search: _Search, path: Path, keys: UserKeys) -> None:
    """Search a file of users, and its name."""
    with search.naming(path):
        if not path.is_file():
            return
        content = search.files(keys).find(Source(printable(str(path)), path, path.stat().st_size))
        if content is not None and not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(13, "permission denied")
        if content is not None or erase_in_name(path.name, keys) != path.name:
            search.found.files.append(FoundFile(path, len(content.found) if content else 0, keys, content))


def _lock_inboxes(search: _Search, given: Sequence[Path], locks: ExitStack) -> Mapping[Inbox, set[str]]:
    """Return the inboxes with the connections that they import into, and lock each: those given, and those of jobs.
    Raise `JobFault` if an inbox is at work or missing."""
    found: dict[Path, set[str]] = {path.resolve(): set() for path in given}
    for scope, job in search.jobs.values():
        for name in chain(cast("list[str] | None", job["files"]) or (), cast("list[str]", job["sources"])):
            folder = _find_inbox(search.store, Path(name).parent)
            if folder is not None:
                found.setdefault(folder, set()).add(scope.connection)
    every = {scope.connection for scope in search.scopes}
    for path in found:
        if not locks.enter_context(Inbox(path).try_lock()):
            message, hint = f"the inbox {path} is at work", "wait until it has ended; nothing was erased"
            raise JobFault(ErrorCode.JOB_RUNNING, message, hint)
    return {Inbox(path): connections or every for path, connections in found.items()}


def _find_inbox(store: Store, folder: Path) -> Path | None:
    """Return the inbox that a job read from, if it was one: relative to this folder, or to one above the database."""
    for base in (Path.cwd(), *store.path.parents):
        if (base / folder / LOCK_NAME).exists():
            return (base / folder).resolve()
    return None


def _search_inboxes(search: _Search, inboxes: Mapping[Inbox, set[str]]) -> None:
    for inbox, connections in inboxes.items():
        with search.naming(inbox.path):
            for path in inbox.files():
                report = _read_report(path)
                of_file = {str(report["summary"]["connection"])} if report else connections
                scopes = [scope for scope in search.scopes if scope.connection in of_file]
                if scopes:
                    _search_file(search, path, _union(scopes))


def _read_report(path: Path) -> dict[str, dict[str, object]] | None:
    """Return the report beside a file of the inbox, if there is one."""
    with suppress(OSError, ValueError):
        report = json.loads(path.with_name(f"{path.name}{REPORT}").read_text(encoding="utf-8"))
        return report if "connection" in report.get("summary", {}) else None
    return None


def _union(scopes: Sequence[Scope]) -> UserKeys:
    keys = [scope.keys for scope in scopes]
    return UserKeys(
        frozenset().union(*(key.email for key in keys)),
        frozenset().union(*(key.username for key in keys)),
        frozenset().union(*(key.user_id for key in keys)),
    )


def _collect_records(connection: duckdb.DuckDBPyConnection, search: _Search) -> pl.DataFrame:
    """Return the records of the user, as found in job folders and tables."""
    staged = [(job_id, record) for job_id, records in search.records.items() for record in records]
    tables = [find_rejected(connection, scope) for scope in search.scopes]
    return pl.concat([pl.DataFrame(staged, schema=RECORDS_OF_USER, orient="row"), *tables]).unique()


def _other_sources(search: _Search, inboxes: Iterable[Inbox]) -> list[str]:
    """Return the files that jobs with records of the user have read and that still exist outside an inbox."""
    own = {inbox.path for inbox in inboxes}
    jobs = [search.jobs[job_id][1] for job_id in search.found.jobs]
    names = dict.fromkeys(chain.from_iterable(cast("list[str] | None", job["files"]) or () for job in jobs))
    return [name for name in names if Path(name).parent.resolve() not in own and Path(name).is_file()]


def _require_replaceable(search: _Search) -> None:
    """Raise `DatabaseFault` unless the database is this user's to replace, and the disks have room for two copies of it
    and one of each file."""
    path = search.store.path
    database = path.stat()
    if os.geteuid() not in (0, database.st_uid):
        hint = "run it as that user or as root; nothing was erased"
        raise DatabaseFault(ErrorCode.DATABASE_UNREADABLE, f"{path} belongs to another user", hint)
    folders = {database.st_dev: search.store.settings.jobs_folder}
    needed = Counter({database.st_dev: 2 * database.st_size + MARGIN_BYTES})
    for file in (found.path for found in search.found.files if found.content):
        device = file.stat().st_dev
        folders.setdefault(device, file.parent)
        needed[device] += file.stat().st_size
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if free < needed[device]:
            room = f"which has {free / 1e6:,.1f} MB free"
            message = f"{needed[device] / 1e6:,.1f} MB are needed on the disk of {folder}, {room}"
            raise DatabaseFault(ErrorCode.DISK_FULL, message, "free space on it and run it again; nothing was erased")


def _erase_files(search: _Search, inboxes: Iterable[Inbox], records: pl.DataFrame) -> None:
    """Take the user out of job folders and files, each replaced whole."""
    for job_id, (scope, _) in search.jobs.items():
        folder = search.folder(job_id)
        if folder.path.exists() and folder.path not in search.found.left:
            with search.naming(folder.path):
                own = records.filter(job_id=job_id)["record"].to_list()
                remove_staged(folder, own, scope.keys)
    for file in search.found.files:
        with search.naming(file.path):
            fault_point("rewrite a file")
            _erase_file(search, file)
    for inbox in inboxes:
        for report in inbox.path.glob(f"*/*{REPORT}"):
            with search.naming(report):
                _erase_in_report(search, report, records)


def _erase_file(search: _Search, file: FoundFile) -> None:
    """Write a file again without the user, or remove one without other users; take the user out of its name."""
    path, content = file.path, file.content
    if content is not None and content.is_emptied:
        path.unlink()
        return
    if content is not None:
        source = Source(printable(str(path)), path, path.stat().st_size)
        temp = path.with_name(f"{TEMPORARY}{path.suffix}")
        with atomic_write(path, temporary=temp, keep_owner=True):
            search.files(file.keys).remove(source, content, temp)
    _rename(path, file.keys)


def _rename(path: Path, keys: UserKeys) -> None:
    name = erase_in_name(path.name, keys)
    if name == path.name:
        return
    stem, dot, ending = name.partition(".")
    names = chain([name], (f"{stem}-{number}{dot}{ending}" for number in range(2, 10_000)))
    path.rename(next(free for free in map(path.with_name, names) if not os.path.lexists(free)))


def _erase_in_report(search: _Search, path: Path, records: pl.DataFrame) -> None:
    """Take the user out of the report about an imported file, and out of its name."""
    text = path.read_text(encoding="utf-8")
    report = json.loads(text)
    scopes = [scope for scope in search.scopes if scope.connection == report["summary"]["connection"]]
    if not scopes:
        return
    keys = scopes[0].keys
    own = {*records.filter(job_id=report["summary"]["job_id"])["record"]}
    others = [error for error in report["errors"] if error["record"] not in own]
    if others and keys.user_id:
        frame = pl.DataFrame({name: [error[name] for error in others] for name in ("code", "message")})
        messages = frame.select(message=replace_user_in_messages(keys))["message"]
        others = [{**error, "message": message} for error, message in zip(others, messages, strict=True)]
    changed = erase_names({**report, "errors": others}, keys)
    if changed != report:
        fault_point("rewrite a report")
        with atomic_write(path, temporary=path.with_name(f"{TEMPORARY}.json"), keep_owner=True) as temp:
            temp.write_text(json.dumps(changed, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _rename(path, keys)
