"""`python -m flows.inbox`: import what is new in a folder once, as the scheduled flow does; parse and print only."""

import asyncio
import os
from pathlib import Path
from typing import Any

from flows.import_users import local_server
from flows.import_users.arguments import command_group, command_line, parse_options, to_form
from flows.import_users.cli import COMMON, Common, usable_environment
from flows.report.targets import NoticeSettings
from flows.store.resources import PREFECT_BYTES, require_resources
from schemas.codes import ErrorCode
from schemas.faults import ExitCode, JobFault
from schemas.options import InboxOptions

EXIT_CODES = {
    "failed": ExitCode.JOB_FAILED,
    "canceled": ExitCode.CANCELED,
    "completed_with_errors": ExitCode.ROWS_REFUSED,
}
app = command_group("python -m flows.inbox", "Import every new file of a folder, then file it by its outcome.")


@app.default
@command_line(InboxOptions)
def import_new_files(inbox: str, /, *, common: Common = COMMON, **options: object) -> int:
    """Import every new file of a folder."""
    inbox_options = parse_options(InboxOptions, inbox=inbox, **options)
    settings = common.settings
    with usable_environment():
        NoticeSettings.from_environment(os.environ, notify=inbox_options.notify, no_mail=inbox_options.no_mail)
    require_resources(PREFECT_BYTES)
    with local_server.choose_api() as api:
        from prefect.exceptions import TerminationSignal

        from flows.inbox.flow import RunState, import_inbox
        from flows.inbox.folder import Inbox
        from flows.pipeline.path_checks import require_in_roots
        from flows.report.prefect import API_ERRORS, drain

        require_in_roots(Path(inbox), settings)
        with Inbox(Path(inbox)).try_lock():  # a folder that does not exist is a fault of its own
            pass
        api.wait_until_ready()
        parameters = {**to_form(inbox_options), "database": str(settings.database)}
        try:
            state: RunState = asyncio.run(import_inbox(**parameters, return_state=True))  # type: ignore[arg-type] # a coroutine, which Prefect's types call an awaitable
        except API_ERRORS as error:
            message = f"Prefect does not answer any more: {type(error).__name__}"
            hint = "files that were imported have been filed; run it again for the others"
            raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, message, hint) from None
        except TerminationSignal:
            raise KeyboardInterrupt from None
        drain()
    document: Any = state.result(raise_on_failure=False) if state.data is not None else None
    if not isinstance(document, dict):  # nothing was begun
        raise JobFault(ErrorCode.INTERNAL, state.message or str(state.name), "look at the run in Prefect")
    text = "".join(f"{item['name']}: {item['outcome']}, {item['message']}\n" for item in document.get("files", ()))
    text += "".join(f"{item['name']} waits: it {item['reason']}\n" for item in document.get("waiting", ()))
    common.print(document, f"{text}{document['message']}\n")
    return EXIT_CODES.get(str(document["status"]), ExitCode.ALL_ROWS_IN)
