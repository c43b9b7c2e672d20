"""The flow `import-inbox`: on a schedule, every new file of a folder becomes a run of `import-users` of its own.

A content is imported once, also under another name and after a restart, unless users have changed since: the database
knows what it has imported. What a run does is in `flows.inbox.importing`.
"""

import os
import time
from functools import partial
from pathlib import Path
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.import_users.arguments import form, from_form
from flows.import_users.flow import JobRun, run_as_flow
from flows.import_users.prefect_run import errors_to_show
from flows.import_users.run_settings import settings_of_run
from flows.inbox.folder import Inbox
from flows.inbox.importing import InboxRun
from flows.inbox.prefect_runs import end_lost_runs, is_canceling, show_result
from flows.pipeline.job import Observer, utc_now
from flows.pipeline.path_checks import require_in_roots
from flows.readers.sources import printable
from flows.report.artifacts import format_duration
from flows.report.command_line import UsageError
from flows.report.notices import Notice, notify
from flows.report.targets import NoticeSettings
from flows.settings import Settings
from schemas.faults import Fault
from schemas.job import JobStatus, JobSummary
from schemas.options import InboxOptions, JobOptions

RunState = State[dict[str, object]]
SKIPPED = "skipped: another run is at work on the inbox"


@flow(
    name="import-inbox",
    description="Import every new file of a folder, each as a run of its own, and file it by its outcome.",
    flow_run_name="inbox {inbox}",
    persist_result=True,
    result_serializer="json",
)
@form(InboxOptions)
async def import_inbox(inbox: str, *, database: str = "", **options: object) -> RunState:
    """Import what is new in a folder.

    Args:
        database: The DuckDB file to import into; empty for the worker's own (IMPORT_DATABASE).

    """
    try:
        inbox_options = from_form(InboxOptions, {"inbox": inbox, **options})
        settings = settings_of_run(database)
        notices = NoticeSettings.from_environment(
            os.environ, notify=inbox_options.notify, no_mail=inbox_options.no_mail
        )
    except (UsageError, ValueError) as error:  # a variable of the worker, or a value that the form cannot refuse
        return Failed(message=str(error))
    folder = Inbox(Path(inbox))
    try:
        require_in_roots(folder.path, settings)
        with folder.try_lock() as alone:
            if not alone:
                _notify_if_blocked(folder, notices)
                return Completed(message=SKIPPED, data={"status": "skipped", "message": SKIPPED})
            return await _import_files(folder, inbox_options, settings=settings)
    except (Fault, OSError) as error:
        fault = folder.fault(error) if isinstance(error, OSError) else error
        return Failed(message=f"{fault.message} ({fault.code.value})")


def _notify_if_blocked(folder: Inbox, notices: NoticeSettings) -> None:
    silence = folder.find_block(now=time.time())
    if silence is not None:
        name = printable(str(folder.path))
        notice = Notice(
            type="inbox.blocked",
            sentence=f"a run has held the inbox {name} for {format_duration(silence)} and begun no other file",
            timestamp=utc_now(),
            hint="look at the run in Prefect and cancel it, or end its process; the next run goes on",
        )
        for sentence in (notice.sentence, *notify(notice, notices)):
            get_run_logger().warning(sentence)


async def _import_files(folder: Inbox, options: InboxOptions, *, settings: Settings) -> RunState:
    run_id = UUID(flow_run.id)
    end_lost_runs(folder, run_id)

    async def run_file(job_options: JobOptions, observer: Observer) -> JobSummary:
        return await run_as_flow(JobRun(job_options, settings, observer))

    run = InboxRun(
        folder,
        options,
        settings,
        run_file,
        find_errors=partial(errors_to_show, settings=settings),
        is_stopped_by_person=partial(is_canceling, run_id),
        log=get_run_logger().info,
    )
    result = await run.import_new_files()
    show_result(run_id, result)
    make = {JobStatus.FAILED: Failed, JobStatus.CANCELED: Cancelled}.get(result.status, Completed)
    return make(message=result.message, data=result.document)
