"""Which migrations of `schemas/sql` a database lacks, and applying them; opening it is `flows.store.database`'s.

A new code costs no migration: the enumeration of `rejected_users.codes` follows `schemas.frames.ROW_CODE`. It only
grows, so that a program of another release finds its codes, too.
"""

from importlib.resources import files

import duckdb

from schemas.frames import ROW_CODE
from transforms.statements import run


def is_behind(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables are older than this program."""
    return bool(missing_migrations(connection)) or _with_row_codes(connection) is not None


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations that the database lacks, and the codes, inside the caller's transaction."""
    for version, name in missing_migrations(connection):
        run(connection, name)
        run(connection, "record_migration", version=version, name=name)
    codes = _with_row_codes(connection)
    if codes is not None:
        run(connection, "enumerate_codes", codes=codes)
        run(connection, "set_rejected_codes")


def _with_row_codes(connection: duckdb.DuckDBPyConnection) -> list[str] | None:
    """The codes that refused rows can have in the database, then those that it lacks; none if it lacks none."""
    known = [str(code) for (code,) in run(connection, "rejected_codes")]
    missing = [code for code in ROW_CODE.categories if code not in known]
    return [*known, *missing] if missing else None


def missing_migrations(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Number and name of the migrations that the database lacks, in order."""
    if not run(connection, "migrations_table"):
        return _migrations()
    applied = {version for (version,) in run(connection, "applied_migrations")}
    return [(version, name) for version, name in _migrations() if version not in applied]


def _migrations() -> list[tuple[int, str]]:
    """Number and name of every migration, in order."""
    names = sorted(file.name.removesuffix(".sql") for file in files("schemas").joinpath("sql").iterdir())
    return [(int(name.split("_")[0]), name) for name in names]
