"""Find the keys of one user of a connection, and erase the user from the tables, down to the bytes of the file.

Job folders are searched by `flows.jobs.staged_records`, files by `flows.readers.remove_records`, and the order of it
all is in `flows.jobs.forget`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

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
    erase_names,
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
        "other_external_ids": TEXTS,
        "sources": TEXTS,
        "files": TEXTS,
        "fault_message": pl.String(),
        "attempt_faults": TEXTS,
    }
)
TABLES = {  # statement → what it changes
    "forget_users": "users",
    "forget_user_changes": "user_changes",
    "forget_rejected_users": "rejected_users",
    "forget_import_errors": "import_errors",
    "forget_names_in_errors": "messages about others",
    "forget_sources_of_errors": "import_errors",
    "forget_names_of_jobs": "import_jobs",
    "forget_names_of_attempts": "job_attempts",
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


def find_keys(connection: duckdb.DuckDBPyConnection, wanted: WantedUser, connection_id: str) -> UserKeys:
    """Return every key, present and former, of the user that no other user has by now; only the given one where the
    tables do not have the user. Raise `AmbiguousUserError` if two users are meant."""
    given = {kind: wanted.key(kind) for kind in KINDS}
    run(connection, "user_versions")
    holders = run(connection, "holders_of_key", connection=connection_id, **given)
    if not holders:
        return UserKeys(**{kind: frozenset({key} if key else ()) for kind, key in given.items()})
    named = [str(user_id) for _, user_id in holders]
    versions = run_mapped(connection, "versions_of_user", connection=connection_id, user_id=named[0])
    emails, usernames, user_ids = (_values(versions, name) for name in ("email_key", "username_key", "user_id"))
    if not user_ids.issuperset(named):
        kinds = sorted({str(kind) for kind, _ in holders}, key=KINDS.index)
        raise AmbiguousUserError(
            f"the value is the {' or '.join(kinds)} of {len({*named})} different users of connection {connection_id}; "
            "name one with --email, --username or --user-id"
        )
    own = {"user_ids": sorted(user_ids), "emails": sorted(emails), "usernames": sorted(usernames)}
    others = run_mapped(connection, "others_with_keys", connection=connection_id, **own)
    present = [row for row in others if row["is_present"]]
    return UserKeys(
        emails - _values(present, "email_key"),
        usernames - _values(present, "username_key"),
        user_ids,
        others=_values(others, "user_id"),
    )


def _values(rows: Sequence[Mapping[str, object]], name: str) -> frozenset[str]:
    return frozenset(str(row[name]) for row in rows if row[name] is not None)


def find_rejected(connection: duckdb.DuckDBPyConnection, scope: Scope) -> pl.DataFrame:
    """Return the records in the tables that carry a key of the user, as `RECORDS_OF_USER`."""
    found = [RECORDS_OF_USER.to_frame()]
    reader = relation(connection, "rejected_of_connection", connection=scope.connection).to_arrow_reader(BATCH_ROWS)
    for batch in map(pl.DataFrame, reader):
        rows = batch.with_row_index("row")
        matching = find_records(rows.select(pl.col("row").cast(pl.Int64).alias("record"), "text"), scope.keys)
        found.append(rows[matching].select(RECORDS_OF_USER.names()).cast(RECORDS_OF_USER))
    return pl.concat(found)


def count_rows(
    connection: duckdb.DuckDBPyConnection, scopes: Sequence[Scope], records: pl.DataFrame
) -> Mapping[str, int]:
    """Return the rows of each table that would be erased or changed, and change nothing."""
    with suppress(_RollbackError), transaction(connection):
        erased = erase_rows(connection, scopes, records)
        raise _RollbackError
    return erased


class _RollbackError(Exception):
    """Ends a transaction that only counts."""


def erase_rows(
    connection: duckdb.DuckDBPyConnection, scopes: Sequence[Scope], records: pl.DataFrame
) -> Mapping[str, int]:
    """Erase the user and these records from the tables, in the caller's transaction; return the rows of each."""
    erased = dict.fromkeys(TABLES.values(), 0)
    connection.register("records_of_user", records.to_arrow())
    for scope in scopes:
        values = {
            "connection": scope.connection,
            "user_ids": sorted(scope.keys.user_id),
            "pattern": pattern_of_messages(scope.keys),
            "codes": NAMING_CODES if scope.keys.user_id else (),
            "erased": ERASED,
        }
        of_user = {job_id for (job_id,) in run(connection, "jobs_with_user", **values)}
        jobs = run_mapped(connection, "jobs_of_connection", **values)
        renamed = [erase_names(job, scope.keys, of_user=job["job_id"] in of_user) for job in jobs]
        changed = [new for old, new in zip(jobs, renamed, strict=True) if old != new]
        connection.register("renamed_jobs", pl.DataFrame(changed, schema=RENAMED_JOBS).to_arrow())
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
