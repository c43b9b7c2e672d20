"""Open DuckDB databases, which no other module does: migrate, lock, read, transact.

How the file itself is created and rewritten is in `flows.store.database_file`, what a statement does in the `sql`
folders, and when it runs in `flows.pipeline`.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from flows.settings import Settings, owner_of
from flows.store.database_file import create_database, log_of, remove_temporary
from flows.store.errors import (
    busy_fault,
    find_shortage,
    folder_fault,
    is_held,
    require_folder,
    require_usable_path,
    unreadable_fault,
)
from flows.store.fault_points import fault_point
from flows.store.migrations import is_behind, migrate
from flows.store.private_files import private_folder, private_umask
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault
from transforms.statements import run

RETRY_SECONDS = 0.1
CATALOG = "store"  # the name of the attached database within a connection
CONFIG: dict[str, str | bool | int | float | list[str]] = {  # DuckDB downloads nothing
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def scratch(settings: Settings, *, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB bounded by the memory limit, which spills to the folder `spill` if one is given."""
    connection = duckdb.connect(config=CONFIG)
    connection.execute("set memory_limit = $limit", {"limit": settings.memory})
    ((threads,),) = connection.execute("select current_setting('threads')").fetchall()
    connection.execute("set threads = $threads", {"threads": min(threads, settings.most_threads)})
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")
    connection.execute("set timezone = 'UTC'")
    connection.execute("set temp_directory = $folder", {"folder": str(spill) if spill else ""})
    return connection


@dataclass(frozen=True)
class Store:
    """One database file; a method opens it for its block only."""

    settings: Settings
    on_retry: Callable[[], None] | None = None  # called before each retry to open a busy database; may raise to give up

    @property
    def path(self) -> Path:
        """The database file with all links resolved: jobs and locks are beside it."""
        return Path(os.path.realpath(self.settings.database))

    def prepare(self) -> None:
        """Create the database (0600) if it is missing, else apply the migrations it lacks.
        Raise `DatabaseFault` if its folder cannot be written or it cannot be opened."""
        require_usable_path(self.path)
        require_folder(self.settings.database)
        try:
            private_folder(self.settings.jobs_folder, owner=owner_of(self.path))
            if create_database(self.path, temp_folder=self.settings.jobs_folder, fill=self._fill):
                return
        except (OSError, ValueError) as error:
            raise find_shortage(error) or folder_fault(self.settings.jobs_folder, error) from None
        with self.reading() as connection:  # without taking the write lock
            lacks_migrations = is_behind(connection)
        if lacks_migrations:
            with self.transaction() as connection:
                migrate(connection)

    def _fill(self, path: Path) -> None:
        """Create the tables in a new file."""
        with Store(replace(self.settings, database=path)).writing() as connection:
            with transaction(connection):
                migrate(connection)
            connection.execute("checkpoint")  # closing does so as well, but does not report a full disk

    def require_database(self) -> None:
        """Raise `DatabaseFault` unless the database exists, so that a command that only reads does not create one."""
        require_usable_path(self.path)
        if not self.path.is_file():
            raise DatabaseFault(
                ErrorCode.DATABASE_UNREADABLE,
                f"there is no database {self.path}",
                "name it with --database; the first import creates it",
            )

    def reading(self, *, spill: Path | None = None) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open the database to read it; other readers can open it meanwhile, a writer cannot.
        Raise `DatabaseFault` if it is busy beyond the deadline, missing or unreadable."""
        return self._open(read_only=True, spill=spill)

    def writing(self, *, spill: Path | None = None) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Open the database and hold its write lock, without beginning a transaction.
        Raise `DatabaseFault` if it is busy beyond the deadline or unreadable."""
        return self._open(read_only=False, spill=spill)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the database for one durable change: `writing` and `transaction` in one."""
        with self.writing() as connection, transaction(connection):
            yield connection

    def version(self) -> tuple[int, ...]:
        """Return a value that changes whenever a process writes the database; call it while a connection is open."""
        found = (file.stat() for file in (self.path, log_of(self.path)) if file.exists())
        return tuple(number for stat in found for number in (stat.st_ino, stat.st_mtime_ns, stat.st_size))

    @contextmanager
    def _open(self, *, read_only: bool, spill: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
        masked = nullcontext() if read_only else private_umask()  # the log that is written beside the database
        with masked, _raise_shortages(), closing(scratch(self.settings, spill=spill)) as connection:
            fault_point("database: open")
            self._attach(connection, read_only=read_only)
            if not read_only:
                remove_temporary(self.path)
                connection.execute("set max_vacuum_tasks = 0")  # unless `vacuum_if_worthwhile` finds gaps
            connection.execute(f"use {CATALOG}")
            yield connection
            fault_point("database: close")

    def _attach(self, connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        """Attach the database, retrying until the deadline while another process holds it."""
        require_usable_path(self.path)
        options = "read_only" if read_only else "storage_version 'v1.5.0'"
        path = str(self.path).replace("'", "''")
        deadline = time.monotonic() + self.settings.wait_seconds
        while True:
            file = self._file_id()
            try:
                connection.execute(f"attach '{path}' as {CATALOG} ({options})")
            except duckdb.Error as error:
                if not is_held(error):
                    raise find_shortage(error) or unreadable_fault(self.path, error) from None
                if time.monotonic() >= deadline:
                    raise busy_fault(self.path, error) from None
                if self.on_retry:
                    self.on_retry()
                time.sleep(RETRY_SECONDS)
            else:
                if file in (None, self._file_id()):
                    return
                connection.execute(f"detach {CATALOG}")  # a rewritten copy has just replaced the file

    def _file_id(self) -> tuple[int, int] | None:
        """Return device and inode of the file that has the path now."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of the block; roll back on any exception."""
    fault_point("database: begin")
    connection.execute("begin")
    try:
        yield
        fault_point("database: commit")
    except BaseException:
        with suppress(duckdb.Error):  # a fatal error has rolled back already
            connection.execute("rollback")
        raise
    connection.execute("commit")
    fault_point("database: committed")


def vacuum_if_worthwhile(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the checkpoint at the end of a write remove the gaps that earlier writes left in tables, if they are many.

    By default DuckDB rewrites row groups whenever that makes one fewer, also those that the write left half full, which
    took 3 to 6 CPU seconds of an upsert of a million rows into five million users, and the file grew by it.
    """
    ((needs_vacuum,),) = run(connection, "needs_vacuum")
    if needs_vacuum:
        connection.execute("reset max_vacuum_tasks")


@contextmanager
def _raise_shortages() -> Iterator[None]:
    """Raise a fault in place of the engine's error when the disk is full or memory ran out."""
    try:
        yield
    except (duckdb.Error, OSError, MemoryError) as error:
        if fault := find_shortage(error):
            raise fault from None
        raise


def escape_glob(path: Path) -> str:
    """Return the path with `*`, `?` and `[` escaped, which DuckDB's Parquet reader would expand."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def view_parts(connection: duckdb.DuckDBPyConnection, name: str, parts: Sequence[Path], *, empty: pl.Schema) -> None:
    """Create a temporary view of staged Parquet files; without files it is empty and has the columns of `empty`."""
    connection.execute(f"drop view if exists temp.{name}")
    if not parts:
        connection.register(name, pl.DataFrame(schema=empty).to_arrow())
        return
    connection.execute(f"set variable {name}_parts = $parts", {"parts": [escape_glob(part) for part in parts]})
    connection.execute(f"create temp view {name} as from read_parquet(getvariable('{name}_parts'))")
