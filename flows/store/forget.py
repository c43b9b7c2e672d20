"""Erase one user of a connection from the tables, down to the bytes of the database file.

Job folders are searched by `flows.store.staged_records`, files by `flows.readers.remove_records`, and the order of it
all is in `flows.jobs.forget`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import duckdb
import polars as pl

from flows.store.database import Store, transaction
from flows.store.database_file import rewrite_database
from flows.store.fault_points import fault_point
from transforms.statements import changed_rows, relation, run, run_mapped
from transforms.user_records import (
    ERASED,
    KINDS,
    NAMING_CODES,
    UserKeys,
    erase_in_name,
    find_records,
    match_key,
    pattern_of_messages,
)

BATCH_ROWS = 50_000
RECORDS_OF_USER = pl.Schema({"job_id": pl.String, "record": pl.Int64})
TEXTS = pl.List(pl.String())
RENAMED_JOBS = pl.Schema(
    {
        "job_id": pl.String(),
        "external_id": pl.String(),
        "sources": TEXTS,
        "files": TEXTS,
        "fault_message": pl.String(),
    }
)
TABLES = {  # statement → what it changes
    "forget_users": "users",
    "forget_user_changes": "user_changes",
    "forget_rejected_users": "rejected_users",
    "forget_import_errors": "import_errors",
    "forget_names_in_errors": "messages about others",
    "forget_names_of_jobs": "import_jobs",
}


class AmbiguousUserError(Exception):
    """A value that is a key of two different users, as one sentence."""


@dataclass(frozen=True)
class WantedUser:
    """Whom to forget: the value of a key, and its kind; None where it may be of any kind."""

    value: str
    kind: str | None = None

    def key(self, kind: str) -> str | None:
        """Return the value as a key of that kind, if it can be one."""
        return match_key(kind, self.value) if self.kind in (None, kind) else None


@dataclass(frozen=True)
class Scope:
    """A connection, and the keys by which the user is found in it."""

    connection: str
    keys: UserKeys


Erased = Mapping[str, int]  # what was erased or changed → the number of rows


def find_keys(connection: duckdb.DuckDBPyConnection, wanted: WantedUser, connection_id: str) -> UserKeys:
    """Return every key, present and former, of the user; only the given one where the tables do not have the user.
    Raise `AmbiguousUserError` if two users are meant."""
    given = {kind: wanted.key(kind) for kind in KINDS}
    holders = run_mapped(connection, "holders_of_key", connection=connection_id, **given)
    if not holders:
        return UserKeys(**{kind: frozenset({key} if key else ()) for kind, key in given.items()})
    named: set[str] = set()
    for kind in KINDS:
        of_kind = [row for row in holders if _is_held(row, kind, given)]
        present = [row for row in of_kind if row["is_present"]]
        named.update(str(row["user_id"]) for row in present or of_kind)
    user_ids, versions = _find_person(connection, named, connection_id)
    if not named <= user_ids:
        kinds = sorted({kind for kind in KINDS for row in holders if _is_held(row, kind, given)}, key=KINDS.index)
        raise AmbiguousUserError(
            f"the value is the {' or '.join(kinds)} of {len(named)} different users of connection {connection_id}; "
            "name one with --email, --username or --user-id"
        )
    return _own_keys(connection, user_ids, versions, connection_id)


def _is_held(row: Mapping[str, object], kind: str, given: Mapping[str, str | None]) -> bool:
    return row["user_id"] == given["user_id"] if kind == "user_id" else bool(row[f"by_{kind}"])


def _find_person(
    connection: duckdb.DuckDBPyConnection, named: set[str], connection_id: str
) -> tuple[set[str], list[Mapping[str, object]]]:
    """Return the ids of one person and all versions of their rows: ids that are gone and had the same address count."""
    user_ids, emails = {min(named)}, set[str]()
    while True:
        versions = run_mapped(
            connection, "versions_of_users", connection=connection_id, user_ids=[*user_ids], emails=[*emails]
        )
        own = [row for row in versions if row["user_id"] in user_ids]
        same = {str(row["user_id"]) for row in versions if row["is_gone"] or row["user_id"] in named}
        found = {str(row["email_key"]) for row in own if row["email_key"] is not None}
        if found <= emails and same <= user_ids:
            return user_ids, own
        emails |= found
        user_ids |= same


def _own_keys(
    connection: duckdb.DuckDBPyConnection,
    user_ids: set[str],
    versions: Sequence[Mapping[str, object]],
    connection_id: str,
) -> UserKeys:
    """Return the keys of the versions, without those that another user has by now."""
    emails, usernames = (
        {str(row[name]) for row in versions if row[name] is not None} for name in ("email_key", "username_key")
    )
    held = run(
        connection,
        "keys_of_others",
        connection=connection_id,
        user_ids=[*user_ids],
        emails=[*emails],
        usernames=[*usernames],
    )
    others = ({row[0] for row in held}, {row[1] for row in held})
    return UserKeys(frozenset(emails - others[0]), frozenset(usernames - others[1]), frozenset(user_ids))


def find_rejected(connection: duckdb.DuckDBPyConnection, scope: Scope) -> pl.DataFrame:
    """Return the refused records in the tables that carry a key of the user, as `RECORDS_OF_USER`."""
    found = [RECORDS_OF_USER.to_frame()]
    reader = relation(connection, "rejected_of_connection", connection=scope.connection).to_arrow_reader(BATCH_ROWS)
    for batch in map(pl.DataFrame, reader):
        rows = batch.with_row_index("row")
        matching = find_records(rows.select(pl.col("row").cast(pl.Int64).alias("record"), "text"), scope.keys)
        found.append(rows[matching].select(RECORDS_OF_USER.names()).cast(RECORDS_OF_USER))
    return pl.concat(found)


def count_rows(connection: duckdb.DuckDBPyConnection, scopes: Sequence[Scope], records: pl.DataFrame) -> Erased:
    """Return what would be erased, and change nothing."""
    with suppress(_RollbackError), transaction(connection):
        erased = erase_rows(connection, scopes, records)
        raise _RollbackError
    return erased


class _RollbackError(Exception):
    """Ends a transaction that only counts."""


def erase_rows(connection: duckdb.DuckDBPyConnection, scopes: Sequence[Scope], records: pl.DataFrame) -> dict[str, int]:
    """Erase the user and these records from the tables, in the caller's transaction; return the rows of each."""
    erased = dict.fromkeys(TABLES.values(), 0)
    connection.register("records_of_user", records.to_arrow())
    for scope in scopes:
        connection.register("renamed_jobs", _find_renamed(connection, scope).to_arrow())
        values = {
            "connection": scope.connection,
            "user_ids": sorted(scope.keys.user_id),
            "pattern": pattern_of_messages(scope.keys),
            "codes": NAMING_CODES if scope.keys.user_id else (),
            "erased": ERASED,
        }
        for name, what in TABLES.items():
            fault_point(name)
            erased[what] += changed_rows(run(connection, name, **values))
    return erased


def rewrite_without(
    store: Store, connection: duckdb.DuckDBPyConnection, scopes: Sequence[Scope], records: pl.DataFrame
) -> None:
    """Replace the database file by one without the user; the connection must not be used afterwards."""

    def erase() -> None:
        with transaction(connection):
            erase_rows(connection, scopes, records)

    rewrite_database(connection, store.path, erase)


def _find_renamed(connection: duckdb.DuckDBPyConnection, scope: Scope) -> pl.DataFrame:
    """Return the jobs whose external id, sources or fault name the user, as they are to be."""
    rename = partial(erase_in_name, keys=scope.keys)
    found = []
    for job in run_mapped(connection, "jobs_of_connection", connection=scope.connection):
        renamed = {name: _rename(job[name], rename) for name in RENAMED_JOBS}
        if any(renamed[name] != job[name] for name in RENAMED_JOBS):
            found.append(renamed)
    return pl.DataFrame(found, schema=RENAMED_JOBS)


def _rename(value: object, rename: Callable[[str], str]) -> object:
    if isinstance(value, list):
        return [rename(item) for item in value]
    return rename(value) if isinstance(value, str) else value
