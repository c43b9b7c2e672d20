"""The flow `import-purge`: remove job data past retention, on a schedule. What is removed: `flows.store.retention`."""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.import_users.run_settings import settings_of_run
from flows.inbox.retention import purge_inboxes
from flows.jobs.from_prefect import leave_page
from flows.report.artifacts import format_page, mask_emails
from flows.store.database import Store
from flows.store.retention import purge as purge_jobs
from schemas.faults import Fault

SHOWN_JOBS = 100


@flow(
    name="import-purge",
    description="Remove job folders, refused rows and filed files past retention; the rows of the jobs stay.",
    persist_result=False,
)
async def purge(
    database: str = "",
    days: Annotated[int, Field(ge=-1, le=3650)] = -1,
    inbox_days: Annotated[int, Field(ge=-1, le=3650)] = -1,
    *,
    dry_run: bool = False,
) -> State[None]:
    """Remove job data past retention.

    Args:
        database: The DuckDB file; empty for the worker's own (IMPORT_DATABASE).
        days: How many days to keep; -1 for the worker's own setting (IMPORT_RETENTION_DAYS).
        inbox_days: How many days to keep the files that an inbox has filed; -1 for the worker's own setting
            (IMPORT_INBOX_RETENTION_DAYS), by default for good.
        dry_run: Report what would be removed, and remove nothing.

    """
    try:
        store = Store(settings_of_run(database))
        store.require_database()
        purged = purge_jobs(store, days=None if days < 0 else days, dry_run=dry_run)
        files, inboxes = purge_inboxes(store, days=None if inbox_days < 0 else inbox_days, dry_run=dry_run)
    except Fault as fault:
        return Failed(message=f"{mask_emails(fault.message)} ({fault.code.value})")
    except ValueError as error:  # a variable of the worker
        return Failed(message=str(error))
    would = "would be " if dry_run else ""
    message = f"{len(purged.jobs):,} jobs {would}purged, {purged.rejected_users:,} refused rows {would}removed"
    if files:
        message += f", {len(files):,} files of inboxes {would}removed"
    if left := [*purged.left, *inboxes]:
        message = f"{message}; not removed: {', '.join(map(str, left))}"
    jobs = [("job", "what"), *((job, f"{would}purged") for job in purged.jobs[:SHOWN_JOBS])]
    leave_page("import-purge", format_page("Purge, dry run" if dry_run else "Purge", message, table=jobs), message)
    return Failed(message=message) if left else Completed(message=message)
