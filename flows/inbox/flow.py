"""The flow `import-inbox`: on a schedule, every new file of a folder becomes a run of `import-users` of its own.

A content is imported once, also under another name and after a restart, unless users have changed since: the database
knows what it has imported.
Which files are new and where they go is `flows.inbox.folder`'.
"""

import os
import time
from collections import Counter
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from flows.import_users.arguments import form, from_form
from flows.import_users.flow import JobRun, run_as_flow
from flows.import_users.prefect_run import errors_to_show
from flows.inbox.folder import Inbox
from flows.readers.sources import printable
from flows.report.artifacts import mask_emails
from flows.report.command_line import UsageError
from flows.report.targets import NoticeSettings
from flows.settings import Settings, settings_from
from schemas.faults import Fault
from schemas.job import JobStatus
from schemas.options import InboxOptions


@flow(
    name="import-inbox",
    description="Import every new file of a folder, each as a run of its own, and file it under done or refused.",
    persist_result=False,
)
@form(InboxOptions)
async def import_inbox(inbox: str, *, database: str = "", **options: object) -> State[None]:
    """Import what is new in a folder.

    Args:
        database: The DuckDB file to import into; empty for the worker's own (IMPORT_DATABASE).

    """
    try:
        inbox_options = from_form(InboxOptions, {"inbox": inbox, **options})
        settings = settings_from(os.environ, database=Path(database) if database else None)
        NoticeSettings.from_environment(os.environ, notify=inbox_options.notify)
    except (UsageError, ValueError) as error:  # a variable of the worker, or a value that the form cannot refuse
        return Failed(message=str(error))
    folder = Inbox(Path(inbox))
    try:
        with folder.try_lock() as alone:
            if not alone:
                return Completed(name="Skipped", message="another run is at work on the inbox")
            return await _import_all(folder, inbox_options, settings=settings)
    except Fault as fault:
        return Failed(message=f"{fault.message} ({fault.code.value})")


async def _import_all(inbox: Inbox, options: InboxOptions, *, settings: Settings) -> State[None]:
    """Import file after file; a cancel ends it and leaves the rest for the next run."""
    log = get_run_logger()
    outcomes: Counter[str] = Counter()
    for path in inbox.find_new_files(settled_before=time.time() - options.settle_seconds):
        summary = await run_as_flow(JobRun(options.for_file(str(path)), settings))
        filed = inbox.archive(path, summary, errors_to_show(summary, settings=settings))
        outcome = filed.parent.name if filed else "left for the next run"
        outcomes[outcome] += 1
        log.info("%s: %s, %s", printable(path.name), outcome, mask_emails(summary.sentence))
        if summary.status is JobStatus.CANCELED:
            return Cancelled(message=f"canceled; {_counts(outcomes)}")
    name = "Completed" if outcomes.keys() <= {"done"} else "CompletedWithErrors"
    return Completed(name=name, message=_counts(outcomes))


def _counts(outcomes: Counter[str]) -> str:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    return counts or "nothing new in the inbox"
