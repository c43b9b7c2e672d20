"""The only module that opens a DuckDB database: create, migrate, lock, read, transact.

What a statement says stands in the `sql` folders; who calls it and when is in `flows.job` and `flows.jobs`.
"""

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb

from flows.private_files import make_private, private_folder, private_umask
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault
from transforms.statements import run

LOCK_TEXT = "Could not set lock on file"
RETRY_SECONDS = 0.1
CATALOG = "store"  # what the attached database is called inside a connection


def scratch(settings: Settings, *, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory, bounded by the memory limit; it spills to `spill`."""
    connection = duckdb.connect()
    connection.execute("set memory_limit = $limit", {"limit": settings.memory_limit})
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")
    connection.execute("set timezone = 'UTC'")
    if spill is not None:
        connection.execute("set temp_directory = $folder", {"folder": str(spill)})
    return connection


@dataclass(frozen=True)
class Store:
    """One database file; every method opens it for as long as its block runs and no longer."""

    settings: Settings

    @property
    def path(self) -> Path:
        """The database file."""
        return self.settings.database

    def prepare(self) -> None:
        """Create the database when missing (mode 0600) and apply the migrations it lacks."""
        private_folder(self.settings.jobs_folder)
        if self.path.exists() and not self._missing_migrations():
            return
        with self.transaction() as connection:
            run(connection, "001_schema_migrations", package="schemas")
            for version, name in _unapplied(connection):
                run(connection, name, package="schemas")
                run(connection, "record_migration", package="flows", version=version, name=name)

    def _missing_migrations(self) -> bool:
        """Whether the tables are older than this program, found without the write lock."""
        with self.reading() as connection:
            tables = connection.execute(
                "select count(*) from duckdb_tables() where database_name = 'store' and table_name = 'schema_migrations'"
            )
            return tables.fetchall() == [(0,)] or bool(_unapplied(connection))

    def must_exist(self) -> None:
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
        with private_umask(), closing(scratch(self.settings, spill=spill)) as connection:
            self._attach(connection, read_only=read_only)
            make_private(self.path)
            connection.execute(f"use {CATALOG}")
            yield connection

    def _attach(self, connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        """Attach, retrying until the deadline while another process holds the file."""
        options = "read_only" if read_only else "storage_version 'v1.5.0'"
        path = str(self.path).replace("'", "''")
        deadline = time.monotonic() + self.settings.wait_seconds
        while True:
            try:
                connection.execute(f"attach '{path}' as {CATALOG} ({options})")
            except duckdb.Error as error:
                if not _is_held(error):
                    raise _unreadable(self.path, error) from None
                if time.monotonic() >= deadline:
                    raise _busy(self.path, error) from None
                time.sleep(RETRY_SECONDS)
            else:
                return


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of the block; roll back on any exception."""
    connection.execute("begin")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # a fatal error has rolled back already
            connection.execute("rollback")
        raise
    connection.execute("commit")


def _unapplied(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """The migrations that the database lacks, in order."""
    applied = {version for (version,) in connection.execute("select version from schema_migrations").fetchall()}
    return [(version, name) for version, name in _migrations() if version not in applied]


def _migrations() -> list[tuple[int, str]]:
    """Number and name of every migration, in order."""
    names = sorted(file.name.removesuffix(".sql") for file in files("schemas").joinpath("sql").iterdir())
    return [(int(name.split("_")[0]), name) for name in names]


def _is_held(error: duckdb.Error) -> bool:
    return LOCK_TEXT in str(error) or "Unique file handle conflict" in str(error)


def _busy(path: Path, error: duckdb.Error) -> DatabaseFault:
    holder = re.search(r"\(PID (\d+)\)", str(error))
    who = f"process {holder[1]}" if holder else "another connection of this process"
    return DatabaseFault(
        ErrorCode.DATABASE_BUSY,
        f"{path} is held by {who}",
        "close the program that has it open, or wait for the other import and try again",
    )


def _unreadable(path: Path, error: duckdb.Error) -> DatabaseFault:
    first_line = str(error).splitlines()[0]
    return DatabaseFault(
        ErrorCode.DATABASE_UNREADABLE,
        f"{path} cannot be opened as a DuckDB database: {first_line}",
        "name another file with --database",
    )


def escaped_glob(path: Path) -> str:
    """The path for DuckDB's Parquet reader, which would expand `*`, `?` and `[` in it."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
