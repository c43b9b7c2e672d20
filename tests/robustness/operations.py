"""The operations that the fault ladder breaks: how to prepare a folder for each and how to run it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.inbox.folder import Inbox
from flows.jobs.forget import forget
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.undo import undo
from flows.readers.limits import ReadLimits
from flows.settings import Settings
from flows.store.database import Store
from flows.store.forget import WantedUser
from flows.store.retention import purge
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import Mode
from schemas.options import JobOptions

ADA = {"email": "ada@x.example", "user_id": "u-ada", "username": "ada", "name": "Ada", "app_metadata": {"plan": "pro"}}
BOB = {"email": "bob@x.example", "user_id": "u-bob", "username": "bob", "password_hash": f"$2b$10${'a' * 53}"}
CYD = {"email": "cyd@x.example", "user_id": "u-cyd", "name": "Cyd"}
DAN = {"email": "dan@x.example", "user_id": "u-dan"}
FAULTY = {"email": "no address", "blocked": "yes"}
CHANGED_ADA = {**ADA, "name": "Ada L.", "app_metadata": {"plan": "free"}}
SEED = "00000000-0000-4000-8000-000000000001"
CHANGE = "00000000-0000-4000-8000-000000000002"


@dataclass(frozen=True)
class Operation:
    """A way to change the database."""

    prepare: Callable[[Settings], None]  # in an empty folder
    run: Callable[[Settings, str], None]  # under a job id; can be run again
    is_job: bool = True


def settings_in(folder: Path) -> Settings:
    """Return settings for a database in the folder, with little patience for a busy one."""
    return Settings(database=folder / "users.duckdb", wait_seconds=1.0, limits=ReadLimits(batch_rows=3))


def import_file(settings: Settings, job_id: str, *, mode: Mode) -> None:
    """Import the file in the folder."""
    options = JobOptions(sources=(str(settings.database.parent / "users.ndjson"),), mode=mode)
    run_job(options, settings=settings, job_id=job_id, observer=Observer())


def _write(settings: Settings, records: Sequence[Mapping[str, object]]) -> None:
    lines = [*(json.dumps(record) for record in records), '{"email": "broken@x.example", ']
    (settings.database.parent / "users.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _seeded(settings: Settings) -> None:
    _write(settings, [ADA, BOB])
    import_file(settings, SEED, mode=Mode.INSERT)


def _with_file(settings: Settings) -> None:
    _write(settings, [ADA, CYD, FAULTY])


def _with_new_users(settings: Settings) -> None:
    _seeded(settings)
    _write(settings, [CYD, {**ADA, "user_id": "u-other"}, DAN, FAULTY])


def _with_changes(settings: Settings) -> None:
    _seeded(settings)
    _write(settings, [CHANGED_ADA, CYD, BOB, FAULTY])


def _with_job_to_undo(settings: Settings) -> None:
    _with_changes(settings)
    import_file(settings, CHANGE, mode=Mode.UPSERT)


def _with_inbox(settings: Settings) -> None:
    _with_job_to_undo(settings)
    inbox = settings.database.parent / "inbox"
    for folder in (inbox, inbox / "done"):
        folder.mkdir(mode=0o700)
    for path in (inbox / "new.ndjson", inbox / "done" / "old.json"):
        records = [json.dumps(record) for record in (ADA, BOB)]
        path.write_text("\n".join(records) if path.suffix == ".ndjson" else f"[{','.join(records)}]", encoding="utf-8")
        path.chmod(0o600)
    with Inbox(inbox).try_lock():
        pass


def _insert(settings: Settings, job_id: str) -> None:
    import_file(settings, job_id, mode=Mode.INSERT)


def _upsert(settings: Settings, job_id: str) -> None:
    import_file(settings, job_id, mode=Mode.UPSERT)


def _undo(settings: Settings, job_id: str) -> None:
    undo(CHANGE, dry_run=False, settings=settings, job_id=job_id)


def _purge(settings: Settings, _job_id: str) -> None:
    purge(Store(settings), days=0)


def _forget(settings: Settings, _job_id: str) -> None:
    try:
        forget(Store(settings), WantedUser("ADA@x.example", "email"), inboxes=[settings.database.parent / "inbox"])
    except JobFault as fault:  # run again after it was complete
        if fault.code is not ErrorCode.USER_NOT_FOUND:
            raise


OPERATIONS: Mapping[str, Operation] = {
    "first import": Operation(_with_file, _insert),
    "insert": Operation(_with_new_users, _insert),
    "upsert": Operation(_with_changes, _upsert),
    "undo": Operation(_with_job_to_undo, _undo),
    "purge": Operation(_with_job_to_undo, _purge, is_job=False),
    "forget": Operation(_with_inbox, _forget, is_job=False),
}
