"""The only module that opens a DuckDB database: migrate, lock, read, transact. How a new one comes to be is in
`flows.store.database_file`.

What a statement says stands in the `sql` folders; who calls it and when is in `flows.pipeline.run` and
`flows.jobs.cli`.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from flows.settings import Settings
from flows.store.database_file import created_whole, temp_path
from flows.store.errors import busy, find_shortage, is_held, no_folder, require_usable, unreadable
from flows.store.fault_points import fault_point
from flows.store.migrations import is_behind, migrate
from flows.store.private_files import make_private, private_folder, private_umask
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault

RETRY_SECONDS = 0.1
CATALOG = "store"  # what the attached database is called inside a connection
NO_DOWNLOADS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def scratch(settings: Settings, *, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, bounded by the memory limit; it spills to `spill`, without one it does not spill."""
    connection = duckdb.connect(config=NO_DOWNLOADS)
    connection.execute("set memory_limit = $limit", {"limit": settings.memory})
    ((threads,),) = connection.execute("select current_setting('threads')").fetchall()
    connection.execute("set threads = $threads", {"threads": min(threads, settings.most_threads)})
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")
    connection.execute("set timezone = 'UTC'")
    connection.execute("set temp_directory = $folder", {"folder": str(spill) if spill else ""})
    return connection


def go_on() -> None:
    """What a caller does between two looks at a busy database who has no reason to give up: nothing."""


@dataclass(frozen=True)
class Store:
    """One database file; every method opens it for as long as its block runs and no longer."""

    settings: Settings
    on_retry: Callable[[], None] = go_on  # called between two looks at a busy database; may raise to give up

    @property
    def path(self) -> Path:
        """The database file itself, whatever links lead to it: jobs and locks lie beside it."""
        return Path(os.path.realpath(self.settings.database))

    def prepare(self) -> None:
        """Create the database when missing (mode 0600) and apply the migrations it lacks.

        Raises:
            DatabaseFault: its folder cannot be written, or it cannot be opened.

        """
        require_usable(self.path)
        try:
            private_folder(self.settings.jobs_folder)
            created_whole(self.path, drafts=self.settings.jobs_folder, create=self._create)
        except (OSError, ValueError) as error:
            raise find_shortage(error) or no_folder(self.settings.jobs_folder, error) from None
        if self._is_behind():
            with self.transaction() as connection:
                migrate(connection)

    def _create(self, draft: Path) -> None:
        with Store(replace(self.settings, database=draft)).writing() as connection:
            with transaction(connection):
                migrate(connection)
            connection.execute("checkpoint")  # closing does it too, but does not tell when the disk is full

    def _is_behind(self) -> bool:
        """Whether the tables are older than this program, found without the write lock."""
        with self.reading() as connection:
            return is_behind(connection)

    def require_database(self) -> None:
        """Complain about a database that is not there, rather than create one to look into.

        Raises:
            DatabaseFault: there is no such file.

        """
        if not self.path.is_file():
            raise DatabaseFault(
                ErrorCode.DATABASE_UNREADABLE,
                f"there is no database {self.path}",
                "name it with --database; the first import creates it",
            )

    @contextmanager
    def reading(self, *, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that reads the tables; other readers go on, a writer waits.

        Raises:
            DatabaseFault: the database is busy beyond the deadline, missing or unreadable.

        """
        with self._attached(read_only=True, spill=spill) as connection:
            yield connection

    @contextmanager
    def writing(self, *, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that holds the write lock, outside any transaction.

        Raises:
            DatabaseFault: the database is busy beyond the deadline or unreadable.

        """
        with self._attached(read_only=False, spill=spill) as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one durable change: `writing` and `transaction` in one."""
        with self.writing() as connection, transaction(connection):
            yield connection

    def version(self) -> tuple[int, ...]:
        """What changes whenever a process has written the database; read it while a connection holds the file."""
        wal = Path(f"{self.path}.wal")
        return tuple(
            number
            for file in (self.path, wal)
            if file.exists()
            for number in (file.stat().st_ino, file.stat().st_mtime_ns, file.stat().st_size)
        )

    @contextmanager
    def _attached(self, *, read_only: bool, spill: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
        with private_umask(), _shortages_named(), closing(scratch(self.settings, spill=spill)) as connection:
            fault_point("database: open")
            self._attach(connection, read_only=read_only)
            make_private(self.path)
            if not read_only:
                temp_path(self.path).unlink(missing_ok=True)
            connection.execute(f"use {CATALOG}")
            yield connection
            fault_point("database: close")

    def _attach(self, connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        """Attach, retrying until the deadline while another process holds the file."""
        require_usable(self.path)
        options = "read_only" if read_only else "storage_version 'v1.5.0'"
        path = str(self.path).replace("'", "''")
        deadline = time.monotonic() + self.settings.wait_seconds
        while True:
            file = self._file()
            try:
                connection.execute(f"attach '{path}' as {CATALOG} ({options})")
            except duckdb.Error as error:
                if not is_held(error):
                    raise find_shortage(error) or unreadable(self.path, error) from None
                if time.monotonic() >= deadline:
                    raise busy(self.path, error) from None
                self.on_retry()
                time.sleep(RETRY_SECONDS)
            else:
                if file in (None, self._file()):
                    return
                connection.execute(f"detach {CATALOG}")  # the file was replaced by a rewritten one just now

    def _file(self) -> tuple[int, int] | None:
        """Which file has the path now."""
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


@contextmanager
def _shortages_named() -> Iterator[None]:
    """What the engine says of a full disk or of too little memory becomes a fault."""
    try:
        yield
    except (duckdb.Error, OSError, MemoryError) as error:
        fault = find_shortage(error)
        if fault is None:
            raise
        raise fault from None


def escape_glob(path: Path) -> str:
    """The path for DuckDB's Parquet reader, which would expand `*`, `?` and `[` in it."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def view_parts(connection: duckdb.DuckDBPyConnection, name: str, parts: Sequence[Path], *, empty: pl.Schema) -> None:
    """Leave a temporary view of the parts; of no rows where there are none."""
    connection.execute(f"drop view if exists temp.{name}")
    if not parts:
        connection.register(name, pl.DataFrame(schema=empty).to_arrow())
        return
    connection.execute(f"set variable {name}_parts = $parts", {"parts": [escape_glob(part) for part in parts]})
    connection.execute(f"create temp view {name} as from read_parquet(getvariable('{name}_parts'))")
