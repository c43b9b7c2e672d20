"""Connections in the database: the spaces within which users are unique, and the rules of each."""

import re
from collections.abc import Mapping
from dataclasses import asdict

import polars as pl

from flows.settings import format_command
from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import JobFault
from transforms.statements import run, run_mapped

FIELDS = tuple(ConnectionSettings.__dataclass_fields__)


def list_connections(store: Store) -> list[ConnectionSettings]:
    """Return every connection, by name."""
    with store.reading() as connection:
        return [_settings(row) for row in run_mapped(connection, "connections")]


def find_connection(store: Store, name: str) -> ConnectionSettings:
    """Return the settings of a connection, or raise `JobFault` (`CONNECTION_NOT_FOUND`)."""
    with store.reading() as connection:
        rows = run_mapped(connection, "connection", connection=name)
    if not rows:
        raise JobFault(
            ErrorCode.CONNECTION_NOT_FOUND,
            f"there is no connection {name}",
            f"create it with `{format_command('connections', 'add', name, database=store.path)}`,"
            f" or see `{format_command('connections', 'list', database=store.path)}`",
        )
    return _settings(rows[0])


def add_connection(store: Store, settings: ConnectionSettings) -> bool:
    """Insert a new connection; return false if there is one of that name."""
    with store.transaction() as connection:
        if run(connection, "connection", connection=settings.connection):
            return False
        run(connection, "insert_connection", **asdict(settings))
        return True


def update_connection(store: Store, settings: ConnectionSettings) -> None:
    """Replace the rules of an existing connection; its present users are not validated again."""
    with store.transaction() as connection:
        run(connection, "update_connection", **asdict(settings))


def find_problem(settings: ConnectionSettings) -> str | None:
    """Return what makes these settings unusable for validation, or None."""
    if not 1 <= settings.username_min_length <= settings.username_max_length:
        return "the minimum username length must be at least 1 and at most the maximum"
    try:
        pl.Series([""]).str.contains(settings.username_pattern)
    except pl.exceptions.ComputeError as error:
        reason = re.search(r"error: (?!regex)(.*)$", str(error), re.MULTILINE)
        detail = f": {reason[1]}" if reason else ""
        return f"the pattern is not a regular expression in Rust syntax{detail}"
    return None


def _settings(row: Mapping[str, object]) -> ConnectionSettings:
    """Return the settings of a row of `connections`; null means the default."""
    return ConnectionSettings(**{name: row[name] for name in FIELDS if row[name] is not None})  # type: ignore[arg-type] # the columns are the fields
