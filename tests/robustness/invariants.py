"""What must hold in the folder of a database after an operation, however it ended; each violation is a sentence."""

import re
import stat
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from flows.inbox.folder import LOCK_NAME
from flows.jobs.staged_records import TEMPORARY
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import folders_in
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import build_summary
from flows.store.locks import is_locked
from schemas.job import DONE, RUNNING, JobSummary
from transforms.statements import run_mapped

Image = tuple[tuple[object, ...], ...]
VARYING = ("created_at", "updated_at", "created_by_job", "updated_by_job", "digest")  # from run to run
USERS = f"select * exclude ({', '.join(VARYING)}) from users order by all"  # noqa: S608 - names of our own


@dataclass(frozen=True)
class Images:
    """The users table before the operation and after it."""

    before: Image
    after: Image


@dataclass(frozen=True)
class State:
    """What a database holds: its users without the columns that vary from run to run, and its jobs."""

    users: Image
    jobs: Mapping[str, JobSummary]
    rejected_users: int = 0
    purged: int = 0


def read_state(settings: Settings) -> State:
    """Return what the database holds; nothing where it does not exist yet."""
    if not settings.database.exists():
        return State((), {})
    with Store(settings).reading() as connection:
        users = tuple(connection.execute(USERS).fetchall())
        rows = run_mapped(connection, "jobs_of_night", since="1970-01-01")
        ((rejected,),) = connection.execute("select count(*) from rejected_users").fetchall()
    purged = sum(row["purged_at"] is not None for row in rows)
    return State(users, {str(row["job_id"]): build_summary(row) for row in rows}, rejected, purged)


def read_kept(settings: Settings) -> tuple[object, ...]:
    """Return what `purge` and `forget` change: users, refused rows, purged jobs and job folders."""
    found = read_state(settings)
    return (
        found.users,
        found.rejected_users,
        found.purged,
        {folder.path.name for folder in folders_in(settings.jobs_folder)},
        find_ada(settings),
    )


def find_ada(settings: Settings) -> set[str]:
    """Return the files of the folder that hold the user whom the operation `forget` erases, but not the source."""
    paths = (path for path in settings.database.parent.rglob("*") if path.is_file() and path.name != "users.ndjson")
    return {path.suffix for path in paths if re.search(rb"(?i)ada@x\.example|u-ada", path.read_bytes())}


def violations(settings: Settings, job_id: str | None, images: Images, *, killed: bool) -> Iterator[str]:
    """Yield what is wrong after an operation that was broken; a killed job is swept first, as by any command."""
    if killed and settings.database.exists():
        end_lost_jobs(Store(settings))
    found = read_state(settings)
    if found.users not in (images.before, images.after):
        yield f"the users are neither as before nor as after: {found.users}"
    if job_id is not None:
        yield from _wrong_job(found.jobs.get(job_id), is_in=found.users == images.after)
    yield from _stray_files(settings, found.jobs.keys() | {str(job_id)})


def _wrong_job(summary: JobSummary | None, *, is_in: bool) -> Iterator[str]:
    if summary is None:
        if is_in:
            yield "the users are in, but there is no job"
        return
    if summary.status in RUNNING:
        yield f"the job is {summary.status}, but no process runs it"
    elif (summary.status in DONE) != is_in:
        yield f"the job is {summary.status}, the users are {'in' if is_in else 'not in'}: {summary.fault}"
    if summary.status not in DONE and (summary.fault is None or summary.inserted or summary.updated):
        yield f"a job that merged nothing says {summary.counts}, {summary.fault}"
    if summary.total != summary.inserted + summary.updated + summary.unchanged + summary.failed:
        yield f"the counts do not add up: {summary.counts}"


def _stray_files(settings: Settings, known: AbstractSet[str]) -> Iterator[str]:
    """Yield files that are never used again, files that others may read, and locks that are held."""
    folder = settings.database.parent
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not _belongs(parts, known):
            yield f"{Path(*parts)} was left behind"
        if parts != ("users.ndjson",) and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield f"{Path(*parts)} may be read by others"
        if (path.name == "lock" or ".slots" in parts[:-1]) and is_locked(path):
            yield f"the lock {Path(*parts)} is held"


def _belongs(parts: tuple[str, ...], known: AbstractSet[str]) -> bool:
    if len(parts) == 1:
        return parts[0] in {"users.duckdb", "users.duckdb.wal", "users.ndjson", "jobs", "inbox"}
    if parts[0] == "inbox":
        return parts[-1] in {"new.ndjson", "done", "old.json", LOCK_NAME} or parts[-1].startswith(TEMPORARY)
    drafts = (".new.duckdb", ".users.duckdb.draft", ".users.duckdb.rewritten")
    if any(parts[1].startswith(draft) for draft in drafts):
        return True  # of a killed process; the next one removes it
    return parts[1] in known or parts[1] in {".slots", ".new.lock"}


def leftovers(settings: Settings) -> Iterator[str]:
    """Yield what the next change must have removed: logs, temporary files and folders of unknown jobs."""
    with Store(settings).transaction() as connection:
        connection.execute("update import_jobs set external_id = external_id")
    known = read_state(settings).jobs.keys()
    folder = settings.database.parent
    temporary = folder.rglob(f"{TEMPORARY}*")
    for path in sorted([*folder.glob("*.wal"), *settings.jobs_folder.iterdir(), *temporary]):
        if path.name not in known | {".slots", ".new.lock"}:
            yield f"{path.name} was left behind"
