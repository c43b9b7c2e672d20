"""Which migrations of `schemas/sql` a database lacks, and applying them; `flows.store.database` opens it.

A new error code needs no migration: the enumeration of `rejected_users.codes` follows `schemas.frames.ROW_CODE`. It
only grows, so that a program of another release finds its codes as well.
"""

from importlib.resources import files

import duckdb

from schemas.frames import ROW_CODE
from transforms.statements import run


def is_behind(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the database lacks migrations or error codes of this program."""
    return bool(missing_migrations(connection)) or _extended_codes(connection) is not None


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations and add the error codes that the database lacks, inside the caller's transaction."""
    missing = missing_migrations(connection)
    for _, name in missing:
        run(connection, name)
    if missing:
        versions, names = zip(*missing, strict=True)
        run(connection, "record_migrations", versions=versions, names=names)
    codes = _extended_codes(connection)
    if codes is not None:
        run(connection, "enumerate_codes", codes=codes)
        run(connection, "set_rejected_codes")


def missing_migrations(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Return number and name of the migrations that the database lacks, in order."""
    names = sorted(file.name.removesuffix(".sql") for file in files("schemas").joinpath("sql").iterdir())
    migrations = [(int(name.split("_")[0]), name) for name in names]
    if not run(connection, "migrations_table"):
        return migrations
    applied = {version for (version,) in run(connection, "applied_migrations")}
    return [(version, name) for version, name in migrations if version not in applied]


def _extended_codes(connection: duckdb.DuckDBPyConnection) -> list[str] | None:
    """Return the codes of the column `rejected_users.codes`, then those it lacks; None if it lacks none."""
    known = [str(code) for (code,) in run(connection, "rejected_codes")]
    missing = [code for code in ROW_CODE.categories if code not in known]
    return [*known, *missing] if missing else None
