"""Run statements of the `sql` folders by name, on a connection that the caller opened."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import duckdb

Value = str | int | float | bool | None | Sequence[str] | Sequence[int] | Mapping[str, str]
Row = tuple[object, ...]

FOLDERS = ("transforms", "flows", "schemas")  # selects, changes, creates; a name is unique among them


@cache
def statement(name: str) -> str:
    """Return the text of `<name>.sql` from whichever `sql` folder has it, or raise `LookupError`."""
    paths = (files(folder).joinpath("sql", f"{name}.sql") for folder in FOLDERS)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise LookupError(f"no sql folder has {name}.sql")
    return path.read_text(encoding="utf-8")


def run(connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> list[Row]:
    """Run a statement with those values that it names, and return its rows; a change returns one row, its count."""
    return _execute(connection, statement(name), values).fetchall()


def run_mapped(connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> list[Mapping[str, object]]:
    """Run a query that returns few rows, and return each as a mapping by column name."""
    cursor = _execute(connection, statement(name), values)
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def relation(connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> duckdb.DuckDBPyRelation:
    """Return a query with its values for the caller to read or write; it runs again each time."""
    text = statement(name)
    return connection.sql(text, params=_named(text, values))


def materialise(connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> None:
    """Store the result of a query as a temporary table of the same name."""
    _execute(connection, f"create or replace temp table {name} as\n{statement(name)}", values).fetchall()


def append(connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> None:
    """Add the result of a query to the temporary table of the same name."""
    _execute(connection, f"insert into temp.{name}\n{statement(name)}", values).fetchall()


def changed_rows(result: list[Row]) -> int:
    """Return how many rows an insert, update or delete touched, from the result of `run`."""
    return int(str(result[0][0])) if result else 0


def _execute(
    connection: duckdb.DuckDBPyConnection, text: str, values: Mapping[str, Value]
) -> duckdb.DuckDBPyConnection:
    return connection.execute(text, _named(text, values))


def _named(text: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values whose `$name` the statement uses: DuckDB refuses any other."""
    return {key: value for key, value in values.items() if re.search(rf"\${key}\b", text)}
