"""What the database keeps of connections: the spaces within which users are unique, and their rules for usernames."""

import re
from collections.abc import Mapping
from dataclasses import asdict

import polars as pl

from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import JobFault
from transforms.statements import run, run_mapped

FIELDS = tuple(ConnectionSettings.__dataclass_fields__)


def list_connections(store: Store) -> list[ConnectionSettings]:
    """Every connection, by name."""
    with store.reading() as connection:
        return [_settings(row) for row in run_mapped(connection, "connections")]


def find_connection(store: Store, name: str) -> ConnectionSettings:
    """The settings of a connection.

    Raises:
        JobFault: `CONNECTION_NOT_FOUND`.

    """
    with store.reading() as connection:
        rows = run_mapped(connection, "connection", connection=name)
    if not rows:
        raise JobFault(
            ErrorCode.CONNECTION_NOT_FOUND,
            f"there is no connection {name}",
            f"create it with `python -m flows.connections add {name}`, or see `python -m flows.connections list`",
        )
    return _settings(rows[0])


def add_connection(store: Store, settings: ConnectionSettings) -> bool:
    """Store a new connection; false when there is one of that name."""
    with store.transaction() as connection:
        if run(connection, "connection", connection=settings.connection):
            return False
        run(connection, "insert_connection", **asdict(settings))
        return True


def update_connection(store: Store, settings: ConnectionSettings) -> None:
    """Replace the rules of a connection that exists; users that are in already are not judged again."""
    with store.transaction() as connection:
        run(connection, "update_connection", **asdict(settings))


def find_problem(settings: ConnectionSettings) -> str | None:
    """Why no username could be judged by these settings, if so."""
    if not 1 <= settings.username_min_length <= settings.username_max_length:
        return "the shortest username must be at least 1 and at most the longest one"
    try:
        pl.Series([""]).str.contains(settings.username_pattern)
    except pl.exceptions.ComputeError as error:
        reason = re.search(r"error: (?!regex)(.*)$", str(error), re.MULTILINE)
        why = f": {reason[1]}" if reason else ""
        return f"the pattern is no regular expression of the Rust regex syntax{why}"
    return None


def _settings(row: Mapping[str, object]) -> ConnectionSettings:
    """A row of `connections`; what it leaves null has the default."""
    return ConnectionSettings(**{name: row[name] for name in FIELDS if row[name] is not None})  # type: ignore[arg-type] # the columns are the fields
