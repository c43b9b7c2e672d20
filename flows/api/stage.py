"""`user-import stage`: add files by and by, and import them all at once; the same staging as Rocket.Chat's calls have.

Parse and print only; what is staged is in `flows.store.requests.staging`.
"""

import getpass
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.import_users.arguments import command_group, command_line, parse_options, parse_path, parse_text
from flows.import_users.cli import (
    COMMON,
    Common,
    Database,
    Json,
    MemoryLimit,
    Quiet,
    run_on_terminal,
    usable_environment,
)
from flows.report.command_line import UsageError
from flows.report.targets import NoticeSettings
from flows.settings import Settings, settings_from
from schemas.options import JobOptions

if TYPE_CHECKING:
    from flows.store.requests.request import JobRequest

Connection = Annotated[
    str, Parameter(metavar="ID", help="The connection that the users belong to.", converter=parse_text)
]

app = command_group("stage", "Add files of users by and by, and import them all at once.")


@app.command
def add(
    *files: Annotated[Path, Parameter(metavar="FILE", help="A file of users.", converter=parse_path)],
    connection: Connection = "default",
    common: Common = COMMON,
) -> None:
    """Stage copies of files: all of them or, if one cannot be read, none."""
    if not files:
        raise UsageError("a file is required")
    parse_options(JobOptions, sources=tuple(map(str, files)), connection=connection)
    from flows.pipeline.path_checks import refuse_database, require_source_in_roots
    from flows.store.database import Store

    settings = common.settings
    for file in files:
        require_source_in_roots(file, settings)
        refuse_database(file, settings)
    Store(settings).prepare()
    _copy(files, settings=settings, connection=connection)
    _print_status(common, connection)


@app.command
@command_line(JobOptions, without=("sources",))
def run(
    *,
    database: Database = None,
    memory_limit: MemoryLimit = None,
    json: Json = False,
    quiet: Quiet = False,
    **options: object,
) -> int:
    """Import what is staged, in this process. A dry run leaves it staged."""
    with usable_environment():
        settings = settings_from(os.environ, database=database, memory_limit=memory_limit)
    from flows.store.requests.staging import find_operation, staged_files, starting

    operation = find_operation(settings, connection=str(options.pop("connection", "default")))
    if operation is None or not operation.is_staged or not staged_files(settings, operation.job_id):
        raise UsageError("nothing is staged; see `user-import stage add`")
    chosen = _choose(operation, options)
    job_options = parse_options(JobOptions, sources=("staged",), connection=operation.connection, **chosen)
    with usable_environment():
        notices = NoticeSettings.from_environment(os.environ, notify=job_options.notify, no_mail=job_options.no_mail)
    with ExitStack() as stack:
        job_id = None
        if not job_options.dry_run:
            job_id = operation.job_id
            stack.enter_context(starting(settings, job_id, options=chosen))
        files = map(str, staged_files(settings, operation.job_id))  # from here on no file is added
        job_options = job_options.model_copy(update={"sources": tuple(files)})
        return run_on_terminal(
            job_options, settings=settings, notices=notices, json=json, quiet=quiet, direct=True, job_id=job_id
        )


@app.command(name="status")
def show_status(*, connection: Connection = "default", common: Common = COMMON) -> None:
    """Show what is staged, or how the operation goes or ended."""
    common.find_store()
    _print_status(common, connection)


@app.command
def clear(*, connection: Connection = "default", common: Common = COMMON) -> None:
    """Discard what is staged."""
    common.find_store()
    from flows.store.requests import staging

    with staging.one_operation(common.settings):
        if not staging.clear(common.settings, connection=connection):
            raise UsageError("nothing is staged; a job that runs is stopped by `user-import jobs cancel`")
    common.print({"connection": connection, "state": "none"}, f"nothing is staged for {connection} any more\n")


def _copy(files: Sequence[Path], *, settings: Settings, connection: str) -> None:
    from flows.store.errors import find_shortage
    from flows.store.requests.staging import add_source, find_or_create

    with ExitStack() as stack:
        sources = [stack.enter_context(file.open("rb")) for file in files]
        operation = find_or_create(settings, connection=connection, requested_by=getpass.getuser())
        try:
            for file, source in zip(files, sources, strict=True):
                target = stack.enter_context(add_source(settings, operation.job_id, name=file.name))
                shutil.copyfileobj(source, target, 1 << 20)
        except OSError as error:
            raise find_shortage(error) or error from None


def _choose(operation: "JobRequest", named: dict[str, object]) -> dict[str, object]:
    """Return the options of the operation with those that the command names in their place."""
    kept = {name: value for name, value in operation.options.items() if name != "profile" or "mapping" not in named}
    return {**kept, **named}


def _print_status(common: Common, connection: str) -> None:
    from flows.store.requests.staging import describe_operation

    status = describe_operation(common.settings, connection=connection)
    shown = f"{status['state']}: {status['files']:,} files, {status['bytes']:,} bytes, connection {connection}"
    job = f", job {status['job_id']}" if status["job_id"] else ""
    common.print(status, f"{shown}{job}\n")
