"""The flow `import-night`: account for the last day every morning, and notify people where something needs them.

What is accounted for, and when a night is good: `flows.jobs.night.account`.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.import_users.run_settings import settings_of_run
from flows.jobs.night.account import get_night
from flows.jobs.night.command import format_file
from flows.jobs.night.report import Night
from flows.pipeline.path_checks import require_in_roots
from flows.report.artifacts import mask_emails
from flows.report.notices import Notice, notify
from flows.report.targets import NoticeSettings
from flows.store.database import Store
from schemas.faults import FileFault

SHOWN_FILES = 500


@flow(
    name="import-night",
    description="Account for the files and jobs of the last day; Failed where something needs a person.",
    persist_result=False,
)
async def night(
    database: str = "",
    inboxes: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=100)] = [],  # noqa: B006 - Prefect shows it and copies it
    hours: Annotated[int, Field(ge=1, le=8784)] = 24,
) -> State[None]:
    """Account for the files and jobs of the last day.

    Args:
        database: The DuckDB file; empty for the worker's own (IMPORT_DATABASE).
        inboxes: Inboxes to account for beside those that jobs have read from.
        hours: How far to look back.

    """
    try:
        store = Store(settings_of_run(database))
        notices = NoticeSettings.from_environment(os.environ)
        for inbox in inboxes:
            require_in_roots(Path(inbox), store.settings)
    except (ValueError, FileFault) as error:  # a variable of the worker, or a folder that it may not look into
        return Failed(message=str(error))
    now = datetime.now(UTC)
    found = get_night(store, since=now - timedelta(hours=hours), now=now, inboxes=[*map(Path, inboxes)])
    sentence = mask_emails(found.sentence)
    await acreate_table_artifact(_format_table(found), key="import-night", description=sentence)
    if found.is_good:
        return Completed(message=sentence)
    problems = [mask_emails(f"{problem.kind}: {problem.message}; {problem.hint}") for problem in found.problems]
    notice = Notice(type="night", sentence=sentence, timestamp=found.until.isoformat(), hint="\n".join(problems))
    for failure in (*problems, *notify(notice, notices)):
        get_run_logger().warning(failure)
    return Failed(message="\n".join([sentence, *problems]))


def _format_table(found: Night) -> list[dict[str, str]]:
    """Return what needs a person, then the files, as rows of one table."""
    problems = [("", problem.kind, f"{problem.message}; {problem.hint}") for problem in found.problems]
    rows = [*problems, *map(format_file, found.files[:SHOWN_FILES])]
    return [
        {name: mask_emails(cell) for name, cell in zip(("file", "place", "result"), row, strict=True)} for row in rows
    ]
