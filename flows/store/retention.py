"""What is not kept for good: job folders and refused rows past retention, and a user who must be forgotten everywhere.

The scheduled flow is `flows.jobs.purge`, the commands are `flows.jobs.cli`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import polars.selectors as cs

from flows.store.database import Store, transaction
from flows.store.database_file import rewrite
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder, folders_in
from transforms.statements import Value, changed_rows, run

ERASURES = ("forget_user", "forget_user_changes", "forget_rejected_users", "forget_import_errors")


@dataclass(frozen=True)
class Purged:
    """What a purge removed, or would remove: jobs whose data goes, and their refused rows."""

    jobs: tuple[str, ...]
    rejected_users: int


@dataclass(frozen=True)
class Forgotten:
    """What was erased of a user: rows of tables, and the jobs whose staged data named the user."""

    rows: int
    jobs: tuple[str, ...]


def purge(store: Store, *, days: int | None = None, dry_run: bool = False) -> Purged:
    """Remove job folders and refused rows of jobs that ended more than `days` ago; the rows of the jobs stay.

    Raises:
        DatabaseFault: the database is busy or unreadable.

    """
    kept = timedelta(days=store.settings.retention_days if days is None else days)
    before = (datetime.now(UTC) - kept).isoformat()
    with store.reading() as connection:
        jobs = tuple(str(job) for (job,) in run(connection, "jobs_to_purge", before=before))
        ((rejected,),) = run(connection, "rejected_to_purge", jobs=jobs)
    if jobs and not dry_run:
        _remove_folders(store, jobs)  # first: a purge that breaks off is taken up by the next
        with store.transaction() as connection:
            for name in ("purge_rejected_users", "set_purged"):
                fault_point(name)
                run(connection, name, jobs=jobs)
    return Purged(jobs, int(str(rejected)))


def forget(store: Store, user: str, *, connection_id: str = "default") -> Forgotten:
    """Erase a user, given by user_id, e-mail address or username, from tables, job folders and the database file.

    Jobs of which a staged file named the user lose their folder: they can no longer give their refused records.

    Raises:
        DatabaseFault: the database is busy or unreadable.

    """
    with store.writing() as connection:
        words = _words(connection, user, connection_id=connection_id)
        jobs = _jobs_that_name(connection, store, _pattern(words))
        _remove_folders(store, jobs)  # first: the tables know the user's other keys, should this break off
        with transaction(connection):
            rows = _erase(connection, {"connection": connection_id, "words": words, "pattern": _pattern(words)})
        rewrite(connection, store.path)
    return Forgotten(rows, jobs)


def _erase(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Value]) -> int:
    """Erase from every table; how many rows."""
    rows = 0
    for name in ERASURES:
        fault_point(name)
        rows += changed_rows(run(connection, name, **values))
    return rows


def _remove_folders(store: Store, jobs: Sequence[str]) -> None:
    for job in jobs:
        fault_point("remove a folder")
        JobFolder(store.settings.jobs_folder / job).remove()


def _words(connection: duckdb.DuckDBPyConnection, user: str, *, connection_id: str) -> tuple[str, ...]:
    """Every key by which the user is or was known, and the word that was given."""
    found = run(connection, "keys_of_user", connection=connection_id, user=user)
    return tuple(sorted({user, user.lower()} | {str(key) for (key,) in found}))


def _pattern(words: Sequence[str]) -> str:
    """A regular expression, for both engines, of a text that is or quotes or mentions one of the words as a whole."""
    return rf'(?i)(?:^|[\s"])(?:{"|".join(map(pl.escape_regex, words))})(?:$|[\s",])'


def _jobs_that_name(connection: duckdb.DuckDBPyConnection, store: Store, pattern: str) -> tuple[str, ...]:
    """The jobs of which a staged file has a text that fits."""
    folders = folders_in(store.settings.jobs_folder)
    ids = [folder.path.name for folder in folders]
    known = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=ids)}
    own = [folder for folder in folders if folder.path.name in known or folder.belongs_to(store.path)]
    return tuple(folder.path.name for folder in own if _names(folder, pattern))


def _names(folder: JobFolder, pattern: str) -> bool:
    for path in sorted(folder.path.glob("*.parquet")):
        fits = pl.scan_parquet(path, glob=False).select(cs.string().str.contains(pattern).any())
        if any(fits.collect().row(0)):
            return True
    return False
