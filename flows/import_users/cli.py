"""The command line of an import: parse, start the job, print, return the exit code.

No engine is imported before the arguments are understood, so that `--help` answers at once.
"""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.import_users.arguments import command_group, command_line, option_group, parse_options, parse_path
from flows.report.command_line import UsageError
from flows.report.printing import ignore_closed_pipe, print_json, warn_of_lost_output
from flows.report.targets import NoticeSettings
from flows.settings import (
    DEFAULT_DATABASE,
    Settings,
    find_unknown_variables,
    memory_size,
    settings_from,
)
from flows.store.resources import JOB_BYTES, PREFECT_BYTES, require_resources
from schemas.job import JobSummary
from schemas.options import RUN, JobOptions

if TYPE_CHECKING:
    from flows.import_users.local_server import PrefectApi
    from flows.pipeline.job import Observer
    from flows.store.database import Store

RUNNING = option_group(RUN)
Database = Annotated[
    Path | None,
    Parameter(
        converter=parse_path,
        metavar="PATH",
        help="The DuckDB file.",
        show_default=str(DEFAULT_DATABASE),
        group=RUNNING,
    ),
]
Json = Annotated[bool, Parameter(help="Print one JSON document.", group=RUNNING)]
MemoryLimit = Annotated[
    str | None,
    Parameter(
        converter=lambda _, tokens: memory_size(tokens[0].value),
        metavar="SIZE",
        help="Memory for finding duplicates and merging; more is spilled to the job's folder.",
        show_default="400MB, 1GB where records have more than 4 kB",
        group=RUNNING,
    ),
]
Quiet = Annotated[bool, Parameter(help="Print faults only.", group=RUNNING)]
Direct = Annotated[bool, Parameter(help="Run without Prefect: quicker, recorded in the database only.", group=RUNNING)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common:
    """The options of every command, and the store and output that they select."""

    database: Database = None
    json: Json = False

    @property
    def settings(self) -> Settings:
        """The settings of a command that only names the database."""
        with usable_environment():
            return settings_from(os.environ, database=self.database)

    def find_store(self) -> "Store":
        """Return the store of the database, or raise `DatabaseFault` if there is none yet."""
        from flows.store.database import Store

        store = Store(self.settings)
        store.require_database()
        return store

    def print(self, document: object, text: str) -> None:
        """Print a result: one JSON document where that was asked for, else the text."""
        if self.json:
            print_json(document)
        else:
            sys.stdout.write(text)


COMMON = Common()

app = command_group(
    "python -m flows.import_users",
    "Import files of users: report everything that is wrong with each row, merge the rest.",
)
app.help_epilogue = """Examples:

    user-import import users.json
    user-import import --mode upsert --dry-run export/ more.csv

Exit codes: 0 all rows in, 1 job failed, 2 usage error, 3 done but some rows refused, 130 canceled"""


@app.default
@command_line(JobOptions)
def import_users(
    *sources: str,
    database: Database = None,
    memory_limit: MemoryLimit = None,
    json: Json = False,
    quiet: Quiet = False,
    direct: Direct = False,
    **options: object,
) -> int:
    """Import files of users."""
    job_options = parse_options(JobOptions, sources=sources, **options)
    with usable_environment():
        settings = settings_from(os.environ, database=database, memory_limit=memory_limit)
        notices = NoticeSettings.from_environment(os.environ, notify=job_options.notify, no_mail=job_options.no_mail)
    return run_on_terminal(job_options, settings=settings, notices=notices, json=json, quiet=quiet, direct=direct)


def run_on_terminal(
    options: JobOptions,
    *,
    settings: Settings,
    notices: NoticeSettings,
    json: bool,
    quiet: bool,
    direct: bool = True,
    job_id: str | None = None,
) -> int:
    """Run a job in this process, show how it goes and how it ended, and return its exit code."""
    require_resources(JOB_BYTES if direct else PREFECT_BYTES)
    summary: JobSummary | None = None
    try:
        with nullcontext() if direct else _choose_api() as api:  # a private server starts beside the imports
            from flows.pipeline.stop import on_signals
            from flows.report.terminal import Terminal

            run = _prepare(options, settings=settings, notices=notices, api=api, job_id=job_id or str(uuid.uuid4()))
            with on_signals(lambda: None), Terminal(json=json, quiet=quiet) as terminal:  # the job itself heeds them
                summary = run(terminal)
                with ignore_closed_pipe():
                    terminal.show(summary, settings=settings)
                    warn_of_lost_output()  # the exit code is the job's
            if api is None:  # with Prefect the run itself sends them
                from flows.import_users.direct import send_notices

                send_notices(summary, notices=notices, database=settings.database, observer=terminal)
    except KeyboardInterrupt:  # after the end of the job, whose exit code stands
        if summary is None:
            raise
    return summary.exit_code


@contextmanager
def usable_environment() -> Iterator[None]:
    """Raise a `UsageError` where a variable that the block reads cannot be used; warn of those that nothing reads."""
    try:
        yield
        sys.stderr.writelines(f"warning: {sentence}\n" for sentence in find_unknown_variables(os.environ))
    except ValueError as error:
        raise UsageError(f"an IMPORT_… variable cannot be used: {error}") from None


def _choose_api() -> "AbstractContextManager[PrefectApi]":
    from flows.import_users.local_server import choose_api

    return choose_api()


def _prepare(
    options: JobOptions, *, settings: Settings, notices: NoticeSettings, api: "PrefectApi | None", job_id: str
) -> "Callable[[Observer], JobSummary]":
    """Return the call that runs the job, once its imports are done and the API is ready."""
    if api is None:
        from flows.import_users.direct import run_directly

        return partial(run_directly, options, settings=settings, notices=notices, job_id=job_id)
    from flows.import_users.flow import run_locally

    api.wait_until_ready()
    return lambda observer: run_locally(options, settings=settings, observer=observer)
