"""The flows `import-undo`, `import-rejects` and `import-forget`: commands of `flows.jobs` as Prefect's pages run them.

Each leaves an artifact about what it did and a final state with a sentence; what they do is in the modules that the
commands call.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.import_users.prefect_run import REPORT_SECONDS, ended_by
from flows.import_users.run_settings import settings_of_run
from flows.jobs.forget import Forgotten, forget
from flows.jobs.forget_command import OUT_OF_REACH, parse_user
from flows.pipeline.path_checks import require_in_roots
from flows.pipeline.undo import undo
from flows.readers.sources import printable
from flows.report.artifacts import WITH_ERRORS, format_page, format_undo, mask_emails
from flows.report.command_line import UsageError
from flows.report.deadline import call_within
from flows.report.next_steps import Step, steps_after_rejects, steps_after_undo
from flows.report.prefect import final_state, write_artifact, write_parameters
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.forget import AmbiguousUserError
from flows.store.job_folder import JobFolder
from flows.store.jobs import find_job, get_job_row, options_of
from schemas.faults import Fault
from schemas.job import JobStatus

REDACTED = "***"
Job = Annotated[str, Field(min_length=1, max_length=255)]


@dataclass(frozen=True)
class Ending:
    """How a run ends: its state, its page in Markdown, what to do next, and its further tags."""

    state: State[Any]
    page: str
    steps: Sequence[Step] = ()
    tags: Sequence[str] = ()


@flow(
    name="import-undo",
    description="Put the users that a job changed back as they were, except those that have changed since.",
    flow_run_name=lambda: f"undo {_job_of_run()}",
    persist_result=True,
    result_serializer="json",
)
async def undo_job(job: Job, database: str = "", *, dry_run: bool = True) -> State[Any]:
    """Undo a job.

    Args:
        job: The id of the job.
        database: The DuckDB file; empty for the worker's own (IMPORT_DATABASE).
        dry_run: Say what would be reverted and kept, and change nothing.

    """

    def act(settings: Settings) -> Ending:
        job_id = str(flow_run.id if flow_run.run_count == 1 else uuid4())  # a retry is another job
        summary = undo(job, dry_run=dry_run, settings=settings, job_id=job_id)
        return Ending(
            final_state(summary),
            format_undo(summary),
            steps_after_undo(summary, database=settings.database.absolute()),
            [WITH_ERRORS] if summary.status is JobStatus.COMPLETED_WITH_ERRORS else [],
        )

    return _run("undo", act, database=database)


@flow(
    name="import-rejects",
    description="Write the refused records of a job to a file to correct, on the machine of the worker.",
    flow_run_name=lambda: f"rejects of {_job_of_run()}",
    persist_result=False,
)
async def write_rejects_of_job(job: Job, output: str = "", database: str = "") -> State[Any]:
    """Write the refused records of a job to a file to correct.

    Args:
        job: The id of the job.
        output: The file to write on the machine of the worker, as .csv, .tsv, .json, .ndjson or .parquet; empty for the
            format of the job's files, in the folder of the job, where it is kept as long as the records themselves.
        database: The DuckDB file; empty for the worker's own (IMPORT_DATABASE).

    """

    def act(settings: Settings) -> Ending:
        store = Store(settings)
        store.require_database()
        summary = find_job(store, job)
        path = Path(output) if output else JobFolder(settings.jobs_folder / summary.job_id).path_of_rejects()
        written = write_rejects(store, summary.job_id, path.absolute())
        if not written.records:
            sentence = f"job {summary.job_id} refused no records; nothing was written"
            return Ending(Completed(message=sentence), format_page("Refused records", sentence))
        sentence = mask_emails(f"{written.sentence} on {os.uname().nodename}")
        hint = "The file has all secrets of the records and can be read by the worker's user only."
        options = options_of(get_job_row(store, summary.job_id), sources=(str(written.path),))
        steps = steps_after_rejects(options, profile=summary.profile, database=settings.database.absolute())
        return Ending(Completed(message=sentence), format_page("Refused records", sentence, hint=hint), steps)

    return _run("rejects", act, database=database)


@flow(
    name="import-forget",
    description="List every place that has a user, as a dry run: erasing is done on the command line.",
    flow_run_name="forget, dry run",
    persist_result=False,
)
async def find_user(
    user: Annotated[str, Field(min_length=1, max_length=255)],
    kind: Literal["any", "email", "username", "user_id"] = "any",
    connection: str = "default",
    inboxes: list[Annotated[str, Field(min_length=1)]] = [],  # noqa: B006 - what Prefect's form shows
    database: str = "",
    *,
    all_connections: bool = False,
) -> State[Any]:
    """List every place that has a user; erase nothing.

    Args:
        user: A key of the user; the run removes it from its parameters, which Prefect keeps.
        kind: What the key is.
        connection: The connection of the user.
        inboxes: Folders of inboxes to search as well; those of jobs are found.
        database: The DuckDB file; empty for the worker's own (IMPORT_DATABASE).
        all_connections: Search every connection.

    """
    write_parameters(UUID(flow_run.id), {**flow_run.parameters, "user": REDACTED})

    def act(settings: Settings) -> Ending:
        wanted = parse_user({None if kind == "any" else kind: user})
        store = Store(settings)
        store.require_database()
        scope = None if all_connections else connection or "default"
        for inbox in inboxes:
            require_in_roots(Path(inbox), settings)
        try:
            found = forget(store, wanted, connection_id=scope, inboxes=[*map(Path, inboxes)], dry_run=True)
        except AmbiguousUserError:
            raise UsageError("the key is that of two users; choose its kind") from None
        return _list_places(found)

    return _run("forget", act, database=database)


def _list_places(found: Forgotten) -> Ending:
    rows = sum(found.tables.values())
    sentence = (
        f"would be erased: {rows:,} rows, staged records of {len(found.jobs):,} jobs, records in "
        f"{len(found.files):,} files; nothing was erased"
    )
    places = [(table, f"{count:,} rows") for table, count in found.tables.items() if count]
    places += [(f"job {job_id}", f"{records:,} staged records") for job_id, records in found.jobs.items()]
    places += [(str(file.path), f"{file.records:,} records" if file.records else "its name") for file in found.files]
    places += [(str(path), f"not searched: {reason}") for path, reason in found.left.items()]
    places += [(name, "not searched, out of reach") for name in (*found.sources, *OUT_OF_REACH)]
    shown = [(printable(place), what) for place, what in places]
    page = format_page(
        "Forget, dry run",
        sentence,
        hint="To erase the user, run it on the machine of the worker: see `python -m flows.jobs forget --help`.",
        table=[("place", "what"), *shown],
    )
    if found.left:
        return Ending(Failed(message=f"{sentence}; {len(found.left):,} places could not be searched"), page)
    return Ending(Completed(message=sentence), page)


def _run(name: str, act: Callable[[Settings], Ending], *, database: str) -> State[Any]:
    """Act with the settings of the worker, leave the page as an artifact, and return the final state."""
    title = name.capitalize()
    try:
        ending = act(settings_of_run(database))
    except Fault as fault:
        ending = Ending(ended_by(fault), format_page(f"{title}: failed", fault.message, hint=fault.hint))
    except (UsageError, ValueError) as error:  # a value that the form cannot refuse, or a variable of the worker
        ending = Ending(Failed(message=str(error)), format_page(f"{title}: failed", str(error)))
    leave_page(f"import-{name}", ending.page, str(ending.state.message), steps=ending.steps, tags=ending.tags)
    return ending.state


def leave_page(key: str, page: str, sentence: str, *, steps: Sequence[Step] = (), tags: Sequence[str] = ()) -> None:
    """Leave a page of Markdown with what to do next as an artifact of this run, the sentence in its log, and tags."""
    get_run_logger().info(sentence)
    write = partial(write_artifact, UUID(flow_run.id), key, page, sentence)
    with suppress(TimeoutError):
        call_within(REPORT_SECONDS, partial(write, steps=steps, tags=[*flow_run.tags, *tags]))


def _job_of_run() -> str:
    """Return the beginning of the id that the run was given."""
    return str(flow_run.parameters["job"])[:8]
