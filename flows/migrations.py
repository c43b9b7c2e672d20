"""Which migrations of `schemas/sql` a database lacks, and applying them; opening it is `flows.store`'s."""

from importlib.resources import files

import duckdb

from transforms.statements import run


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the migrations that the database lacks, inside the caller's transaction."""
    for version, name in missing_migrations(connection):
        run(connection, name, package="schemas")
        run(connection, "record_migration", package="flows", version=version, name=name)


def missing_migrations(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Number and name of the migrations that the database lacks, in order."""
    if not run(connection, "migrations_table", package="flows"):
        return _migrations()
    applied = {version for (version,) in run(connection, "applied_migrations", package="flows")}
    return [(version, name) for version, name in _migrations() if version not in applied]


def _migrations() -> list[tuple[int, str]]:
    """Number and name of every migration, in order."""
    names = sorted(file.name.removesuffix(".sql") for file in files("schemas").joinpath("sql").iterdir())
    return [(int(name.split("_")[0]), name) for name in names]
