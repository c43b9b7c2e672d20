"""The command line of `python -m flows.import_users`: parses, starts the job, prints, exits.

Nothing heavy is imported before the arguments are understood, so that `--help` answers at once.
"""

import argparse
import os
import signal
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from flows.import_users import local_server
from flows.import_users.arguments import add_arguments, options_of
from flows.report.printing import ignore_closed_pipe
from flows.settings import DEFAULT_DATABASE, NoticeSettings, Settings, settings_from
from schemas.codes import ErrorCode
from schemas.faults import Canceled, ExitCode, Fault, JobFault
from schemas.job import JobOptions, JobSummary

if TYPE_CHECKING:
    from flows.import_users.local_server import PrefectApi
    from flows.report.terminal import Terminal

REPORT = "see with `python -m flows.jobs list` whether the job has ended, and please report this"
EPILOG = """examples:
  python -m flows.import_users users.json
  python -m flows.import_users --mode upsert --dry-run export/ more.csv
exit codes: 0 all rows in, 1 job failed, 2 wrong use, 3 done but some rows refused, 130 canceled"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence and what to do."""

    def error(self, message: str) -> NoReturn:
        """Print the complaint and exit with 2."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\nsee `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """The parser of the import's command line."""
    parse = Parser(
        prog="python -m flows.import_users",
        description="Import files of users: says everything that is wrong with each row and merges the rest.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parse.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="a file, several, a folder, or - for standard input"
    )
    add_database(parse)
    add_arguments(parse)
    return parse


def add_database(parse: argparse.ArgumentParser) -> None:
    """The option that every command has."""
    parse.add_argument("--database", type=Path, metavar="PATH", help=f"the DuckDB file (default: {DEFAULT_DATABASE})")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the import that the arguments ask for; the exit code."""
    parse = parser()
    arguments = parse.parse_args(argv)
    try:
        settings = settings_from(os.environ, database=arguments.database, memory_limit=arguments.memory_limit)
        told = NoticeSettings.from_environment(os.environ)
    except ValueError as error:
        parse.error(f"an IMPORT_… variable cannot be used: {error}")
    options = options_of(parse, arguments)
    try:
        return ended(lambda: _run(options, arguments, settings=settings, told=told))
    except MemoryError:
        return print_fault(
            JobFault(ErrorCode.OUT_OF_MEMORY, "there is not enough memory to run", "close other programs")
        )
    except Exception as error:  # noqa: BLE001 - the edge of the program: its text may hold a user's data
        return print_fault(JobFault(ErrorCode.INTERNAL, f"the import broke down with {type(error).__name__}", REPORT))


def ended(command: Callable[[], int]) -> int:
    """The exit code of a command; a fault, Ctrl-C or SIGTERM is told in a sentence."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return command()
    except Fault as fault:
        return print_fault(fault)
    except KeyboardInterrupt:
        return print_fault(Canceled(ErrorCode.CANCELED, "the command was canceled", "run it again"))


def print_fault(fault: Fault) -> int:
    """Print a fault that no job could record; its exit code."""
    sys.stderr.write(f"{fault.code.value}: {fault.message}\n" + (f"{fault.hint}\n" if fault.hint else ""))
    return fault.exit_code


def _run(options: JobOptions, arguments: argparse.Namespace, *, settings: Settings, told: NoticeSettings) -> int:
    """Run the job in the way asked for and print its end; the exit code."""
    with (
        nullcontext() if arguments.direct else local_server.choose_api() as api
    ):  # a private server starts beside the imports
        from flows.report.terminal import Terminal

        with Terminal(json=arguments.json, quiet=arguments.quiet) as terminal:
            summary = _run_job(options, settings=settings, terminal=terminal, api=api)
        with ignore_closed_pipe():
            terminal.show(summary, settings=settings)
        if api is None:  # with Prefect the run itself tells
            _tell(summary, told)
    return summary.exit_code


def _run_job(options: JobOptions, *, settings: Settings, terminal: "Terminal", api: "PrefectApi | None") -> JobSummary:
    if api is None:
        from flows.pipeline.run import run_job

        return run_job(options, settings=settings, job_id=str(uuid.uuid4()), observer=terminal)
    from flows.import_users.flow import run_locally

    api.wait_until_ready()
    return run_locally(options, settings=settings, observer=terminal)


def _tell(summary: JobSummary, told: NoticeSettings) -> None:
    """Send the notices that are configured; one that cannot be delivered is a line on stderr."""
    if told == NoticeSettings():
        return
    from flows.report.notices import notify

    sys.stderr.writelines(f"{failure}\n" for failure in notify(summary, told))


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
