"""Remove what an inbox has filed once its retention is over, and what a run left that was killed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.inbox.folder import REPORT, Inbox, files_in, find_inboxes
from flows.inbox.reports import filed_in
from flows.settings import RETENTION_DAYS
from flows.store.database import Store
from flows.store.private_files import TEMPORARY_PREFIX
from schemas.faults import JobFault


def purge_filed(inbox: Inbox, *, days: int, dry_run: bool = False) -> list[Path]:
    """Remove the files that were filed more than that many days ago, with what is beside them, and what has lain there
    for as long without a report; return them."""
    before, removed = datetime.now(UTC) - timedelta(days=days), list[Path]()
    for name, folder in inbox.opened_archives():
        for path in [*_find_old(folder, before)]:
            if not dry_run:
                path.unlink()
            removed.append(inbox.path / name / path.name)
    return removed


def _find_old(folder: Path, before: datetime) -> Iterator[Path]:
    """Yield what was filed in a folder before a time, then what is as old and has no report."""
    filed = [*filed_in(folder)]
    yield from (path for file in filed if file.filed_at < before for path in file.paths if path.exists())
    reported = {path for file in filed for path in file.paths}
    others = (path for path in files_in(folder) if path not in reported and not path.name.endswith(REPORT))
    yield from (path for path in others if path.stat().st_ctime < before.timestamp())


def remove_leftovers(inbox: Inbox) -> None:
    """Remove the temporary files of a process that was killed while it filed a file; call it with the folder locked."""
    for _, folder in inbox.opened_archives():
        for path in files_in(folder):
            if path.name.startswith(TEMPORARY_PREFIX):
                path.unlink()


def purge_inboxes(store: Store, *, days: int | None, dry_run: bool = False) -> tuple[list[Path], list[Path]]:
    """Purge the inboxes that jobs have read, but for those at work; return what was removed, and inboxes that this user
    may not change."""
    period = store.settings.inbox_retention_days if days is None else days
    removed, left = list[Path](), list[Path]()
    for inbox in find_inboxes(store) if period < RETENTION_DAYS.most else ():
        try:
            with inbox.try_lock() as alone:
                purged = purge_filed(inbox, days=period, dry_run=dry_run) if alone else []
                if purged and not dry_run:
                    inbox.note_purge(days=period)
                removed += purged
        except (OSError, JobFault):
            left.append(inbox.path)
    return removed, left
