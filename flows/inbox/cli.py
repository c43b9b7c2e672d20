"""`python -m flows.inbox`: import what is new in a folder once, as the scheduled flow does; parse and print only."""

import asyncio
import os
from pathlib import Path

from flows.import_users import local_server
from flows.import_users.arguments import command_group, command_line, parse_options, to_form
from flows.import_users.cli import COMMON, Common, usable_environment
from flows.report.targets import NoticeSettings
from flows.store.resources import PREFECT_BYTES, require_resources
from schemas.codes import ErrorCode
from schemas.faults import ExitCode, JobFault
from schemas.options import InboxOptions

app = command_group("python -m flows.inbox", "Import every new file of a folder, then move it to done or refused.")


@app.default
@command_line(InboxOptions)
def import_new_files(inbox: str, /, *, common: Common = COMMON, **options: object) -> int:
    """Import every new file of a folder."""
    inbox_options = parse_options(InboxOptions, inbox=inbox, **options)
    settings = common.settings
    with usable_environment():
        NoticeSettings.from_environment(os.environ, notify=inbox_options.notify)
    require_resources(PREFECT_BYTES)
    with local_server.choose_api() as api:
        from prefect.client.schemas.objects import State, StateType
        from prefect.exceptions import TerminationSignal

        from flows.inbox.flow import import_inbox
        from flows.inbox.folder import Inbox
        from flows.report.prefect import API_ERRORS, drain

        with Inbox(Path(inbox)).try_lock():  # a folder that does not exist is a fault of its own
            pass
        api.wait_until_ready()
        parameters = {**to_form(inbox_options), "database": str(settings.database)}
        try:
            state: State[None] = asyncio.run(import_inbox(**parameters, return_state=True))  # type: ignore[arg-type] # a coroutine, which Prefect's types call an awaitable
        except API_ERRORS as error:
            message = f"Prefect does not answer any more: {type(error).__name__}"
            hint = "files that were imported are in done or refused; run it again for the others"
            raise JobFault(ErrorCode.PREFECT_UNAVAILABLE, message, hint) from None
        except TerminationSignal:
            raise KeyboardInterrupt from None
        drain()
    message = state.message or str(state.name)
    if state.type is StateType.FAILED:
        raise JobFault(ErrorCode.INTERNAL, message, "look at the run in Prefect")
    common.print({"state": state.name, "message": message}, f"{message}\n")
    if state.type is StateType.CANCELLED:
        return ExitCode.CANCELED
    return ExitCode.ROWS_REFUSED if state.name == "CompletedWithErrors" else ExitCode.ALL_ROWS_IN
