"""Purge job folders and refused records after the retention period, and erase a user from everywhere.

The scheduled flow is `flows.jobs.purge`; the commands are in `flows.jobs.cli`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import polars.selectors as cs

from flows.store.database import Store, transaction
from flows.store.database_file import compact_database
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder, folders_in
from transforms.statements import Value, changed_rows, run


@dataclass(frozen=True)
class Purged:
    """What a purge removed, or would remove: the jobs whose data is purged, and the number of their refused records."""

    jobs: tuple[str, ...]
    rejected_users: int


@dataclass(frozen=True)
class Forgotten:
    """What was erased of a user: the number of table rows, and the jobs whose staged data contained the user."""

    rows: int
    jobs: tuple[str, ...]


def purge(store: Store, *, days: int | None = None, dry_run: bool = False) -> Purged:
    """Remove folders and refused records of jobs that ended more than `days` ago; the rows of `import_jobs` stay.
    Raise `DatabaseFault` if the database is busy or unreadable."""
    period = timedelta(days=store.settings.retention_days if days is None else days)
    before = (datetime.now(UTC) - period).isoformat()
    with store.reading() as connection:
        jobs = tuple(str(job) for (job,) in run(connection, "jobs_to_purge", before=before))
        ((rejected,),) = run(connection, "rejected_to_purge", jobs=jobs)
    if jobs and not dry_run:
        _remove_folders(store, jobs)  # first: the next purge repeats one that was interrupted
        with store.transaction() as connection:
            for name in ("purge_rejected_users", "set_purged"):
                fault_point(name)
                run(connection, name, jobs=jobs)
    return Purged(jobs, int(str(rejected)))


def forget(store: Store, user: str, *, connection_id: str = "default") -> Forgotten:
    """Erase a user, given by user_id, e-mail address or username, from tables, job folders and the database file.

    Jobs whose staged files contain the user lose their folder, and with it their refused records.
    Raise `DatabaseFault` if the database is busy or unreadable.
    """
    with store.writing() as connection:
        keys = _find_keys(connection, user, connection_id=connection_id)
        pattern = _build_pattern(keys)
        jobs = _find_jobs_containing(connection, store, pattern)
        _remove_folders(store, jobs)  # first: a repetition finds the user's other keys in the tables
        with transaction(connection):
            rows = _erase(connection, {"connection": connection_id, "keys": keys, "pattern": pattern})
        compact_database(connection, store.path)
    return Forgotten(rows, jobs)


def _erase(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Value]) -> int:
    """Erase the user from every table and return the number of rows."""
    rows = 0
    for name in ("forget_user", "forget_user_changes", "forget_rejected_users", "forget_import_errors"):
        fault_point(name)
        rows += changed_rows(run(connection, name, **values))
    return rows


def _remove_folders(store: Store, jobs: Sequence[str]) -> None:
    for job in jobs:
        fault_point("remove a folder")
        JobFolder(store.settings.jobs_folder / job).remove()


def _find_keys(connection: duckdb.DuckDBPyConnection, user: str, *, connection_id: str) -> tuple[str, ...]:
    """Return every present and former key of the user, and the key that was given."""
    found = run(connection, "keys_of_user", connection=connection_id, user=user)
    return tuple(sorted({user, user.lower()} | {str(key) for (key,) in found}))


def _build_pattern(keys: Sequence[str]) -> str:
    """Return a regular expression, for both engines, for texts that contain one of the keys as a whole word."""
    return rf'(?i)(?:^|[\s"])(?:{"|".join(map(pl.escape_regex, keys))})(?:$|[\s",])'


def _find_jobs_containing(connection: duckdb.DuckDBPyConnection, store: Store, pattern: str) -> tuple[str, ...]:
    """Return the jobs that have a staged file with a text that matches."""
    folders = folders_in(store.settings.jobs_folder)
    ids = [folder.path.name for folder in folders]
    known = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=ids)}
    own = [folder for folder in folders if folder.path.name in known or folder.belongs_to(store.path)]
    return tuple(folder.path.name for folder in own if _contains(folder, pattern))


def _contains(folder: JobFolder, pattern: str) -> bool:
    for path in sorted(folder.path.glob("*.parquet")):
        matches = pl.scan_parquet(path, glob=False).select(cs.string().str.contains(pattern).any())
        if any(matches.collect().row(0)):
            return True
    return False
