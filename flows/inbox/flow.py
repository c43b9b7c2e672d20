"""The flow `import-inbox`: on a schedule, every new file of a folder becomes a run of `import-users` of its own.

A content is imported once: the database knows what it has imported, also under another name and after a restart.
Which files are new and where they go is `flows.inbox.folder`'.
"""

import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed
from pydantic import Field

from flows.import_users.flow import NO_LIMIT, FileFormat, Limit, MatchKeys, ProfileName, Share, run_as_flow
from flows.import_users.prefect_run import errors_to_show
from flows.inbox.folder import Inbox
from flows.pipeline.job import Observer
from flows.report.artifacts import mask_emails
from flows.settings import Settings, settings_from
from schemas.faults import Fault
from schemas.job import JobOptions, JobStatus, Mode, OnError

Seconds = Annotated[int, Field(ge=0, le=3600)]
STAYED = "left for the next run"


@flow(
    name="import-inbox",
    description="Import every new file of a folder, each as a run of its own, and file it under done or refused.",
    persist_result=False,
)
async def import_inbox(
    inbox: str,
    *,
    database: str = "",
    connection: str = "default",
    profile: ProfileName = "auto",
    format: FileFormat = "auto",  # noqa: A002 - the name of the option
    mode: Mode = Mode.UPSERT,
    on_error: OnError = OnError.CONTINUE,
    max_error_rate: Share = 1.0,
    max_errors: Limit = NO_LIMIT,
    max_updates_rate: Share = 1.0,
    match_on: MatchKeys = ["email", "user_id", "username"],  # noqa: B006 - Prefect shows it, and nobody changes it
    metadata: Literal["replace", "merge"] = "replace",
    fill_only: bool = False,
    unknown_fields: Literal["refuse", "ignore"] = "refuse",
    reset_unsupported_hashes: bool = False,
    settle_seconds: Seconds = 10,
) -> State[None]:
    """Import what is new in a folder.

    Args:
        inbox: The folder; files that were imported move to done or refused inside it, each with its report.
        database: The DuckDB file to import into; empty for the worker's own (IMPORT_DATABASE).
        connection: The connection that the users belong to.
        profile: Whose field names the files use; auto looks at each file.
        format: What the files are; auto looks at each file.
        mode: What a match with an existing user means. insert refuses the row, upsert updates the user,
            update does too and refuses a row without a match.
        on_error: What a refused row means. continue imports the others, fail imports nothing of the file.
        max_error_rate: The share of refused rows above which nothing of a file is imported, 0 to 1.
        max_errors: The number of refused rows above which nothing of a file is imported; -1 for no limit.
        max_updates_rate: The share of the connection's users above which nothing of a file is imported if so many
            would change, 0 to 1.
        match_on: By which keys a row may match an existing user, in order. A row that matches two is refused.
        metadata: What becomes of a matched user's metadata. replace replaces them by the row's, merge merges
            them (RFC 7396, null removes a key).
        fill_only: Set only what is empty today.
        unknown_fields: What a field that users do not have means. refuse refuses the row, ignore leaves it out.
        reset_unsupported_hashes: Import a row whose only fault is its password hash without the hash.
            The user has to choose a new password.
        settle_seconds: How long nobody may have written to a file before it is taken.

    """
    options = JobOptions(
        sources=(),
        connection=connection,
        profile=profile,
        format=format,
        mode=mode,
        on_error=on_error,
        max_error_rate=max_error_rate,
        max_errors=None if max_errors == NO_LIMIT else max_errors,
        max_updates_rate=max_updates_rate,
        match_on=tuple(match_on),
        metadata=metadata,
        fill_only=fill_only,
        unknown_fields=unknown_fields,
        reset_unsupported_hashes=reset_unsupported_hashes,
    )
    settings = settings_from(os.environ, database=Path(database) if database else None)
    try:
        with Inbox(Path(inbox)).try_lock() as is_locked:
            if not is_locked:
                return Completed(name="Skipped", message="another run is at work on the inbox")
            return await _import_all(Inbox(Path(inbox)), options, settings=settings, settle_seconds=settle_seconds)
    except Fault as fault:
        return Failed(message=f"{fault.message} ({fault.code.value})")


async def _import_all(inbox: Inbox, options: JobOptions, *, settings: Settings, settle_seconds: int) -> State[None]:
    """Import file after file; a cancel ends it and leaves the rest for the next run."""
    log = get_run_logger()
    outcomes: Counter[str] = Counter()
    for path in inbox.find_new_files(settled_before=time.time() - settle_seconds):
        file = replace(options, sources=(str(path),))
        summary = await run_as_flow(file, settings=settings, observer=Observer())
        filed = inbox.archive(path, summary, errors_to_show(summary, settings=settings))
        outcome = filed.parent.name if filed else STAYED
        outcomes[outcome] += 1
        log.info("%s: %s, %s", path.name, outcome, mask_emails(summary.sentence))
        if summary.status is JobStatus.CANCELED:
            return Cancelled(message=f"canceled; {_told(outcomes)}")
    complete = outcomes.keys() <= {"done"}
    return Completed(name="Completed" if complete else "CompletedWithErrors", message=_told(outcomes))


def _told(outcomes: Counter[str]) -> str:
    if not outcomes:
        return "nothing new in the inbox"
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
