"""The command line of `python -m flows.import_users`: parses, starts the job, prints, exits.

Nothing heavy is imported before the arguments are understood, so that `--help` answers at once.
"""

import argparse
import os
import signal
import sys
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from flows import local_api
from flows.settings import DEFAULT_DATABASE, Settings, settings_from
from schemas.faults import ExitCode, Fault
from schemas.job import JobOptions, JobSummary, Mode, OnError

if TYPE_CHECKING:
    from flows.local_api import LocalApi
    from flows.terminal import Terminal

FORMATS = ("auto", "json", "ndjson", "csv", "parquet")
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
    _add_what_to_import(parse)
    _add_what_to_merge(parse)
    _add_how_to_run(parse)
    return parse


def add_database(parse: argparse.ArgumentParser) -> None:
    """The option that every command has."""
    parse.add_argument("--database", type=Path, metavar="PATH", help=f"the DuckDB file (default: {DEFAULT_DATABASE})")


def _add_what_to_import(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("what to import")
    add_database(parse)
    group.add_argument("--connection", default="default", metavar="ID", help="the space the users belong to")
    group.add_argument(
        "--profile", default="auto", metavar="NAME", help="what the file calls the fields (default: auto)"
    )
    group.add_argument("--format", default="auto", choices=FORMATS, help="of the files (default: by name and content)")
    group.add_argument(
        "--unknown-fields",
        default="refuse",
        choices=("refuse", "ignore"),
        help="refuse a row with a field that the record does not have, or leave the field out with a warning",
    )
    group.add_argument(
        "--reset-unsupported-hashes",
        action="store_true",
        help="import a row whose only fault is its password hash without it; the user must reset the password",
    )


def _add_what_to_merge(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("what to merge")
    group.add_argument(
        "--mode",
        default=Mode.INSERT.value,
        choices=[mode.value for mode in Mode],
        help="what a match with an existing user means: refuse the row, update or insert, update only",
    )
    group.add_argument(
        "--on-error",
        default=OnError.CONTINUE.value,
        choices=[choice.value for choice in OnError],
        help="what a refused row means: the others go on, or nothing is merged",
    )
    group.add_argument(
        "--max-error-rate",
        default=1.0,
        type=_rate,
        metavar="0.05",
        help="merge nothing above this share of refused rows",
    )
    group.add_argument("--dry-run", action="store_true", help="plan as for real, merge nothing")
    group.add_argument("--again", action="store_true", help="import even what a completed job has already imported")


def _add_how_to_run(parse: argparse.ArgumentParser) -> None:
    group = parse.add_argument_group("how to run and report")
    group.add_argument("--external-id", metavar="TEXT", help="your own name for the job")
    group.add_argument("--json", action="store_true", help="print the summary as one JSON document")
    group.add_argument("--quiet", action="store_true", help="print faults only")
    group.add_argument(
        "--direct", action="store_true", help="run without Prefect: quicker, recorded in the database only"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the import that the arguments ask for; the exit code."""
    parse = parser()
    arguments = parse.parse_args(argv)
    try:
        settings = settings_from(os.environ, database=arguments.database)
    except ValueError as error:
        parse.error(f"an IMPORT_… variable holds no number: {error}")
    options = _options(parse, arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(options, arguments, settings=settings)
    except Fault as fault:
        return complain(fault)
    except KeyboardInterrupt:
        return ExitCode.CANCELED


def complain(fault: Fault) -> int:
    """Print a fault that no job could record; its exit code."""
    sys.stderr.write(f"{fault.code.value}: {fault.message}\n" + (f"{fault.hint}\n" if fault.hint else ""))
    return fault.exit_code


def _run(options: JobOptions, arguments: argparse.Namespace, *, settings: Settings) -> int:
    """Run the job in the way asked for and print its end; the exit code."""
    with nullcontext() if arguments.direct else local_api.choose() as api:  # a private server starts beside the imports
        from flows.terminal import Terminal

        with Terminal(json=arguments.json, quiet=arguments.quiet) as terminal:
            summary = _run_job(options, settings=settings, terminal=terminal, api=api)
        terminal.show(summary, settings=settings)
    return summary.exit_code


def _run_job(options: JobOptions, *, settings: Settings, terminal: "Terminal", api: "LocalApi | None") -> JobSummary:
    if api is None:
        from flows.job import run_job

        return run_job(options, settings=settings, job_id=str(uuid.uuid4()), observer=terminal)
    from flows.import_users import run_locally

    api.ready()
    return run_locally(options, settings=settings, observer=terminal)


def _options(parse: argparse.ArgumentParser, arguments: argparse.Namespace) -> JobOptions:
    _check_profile(parse, arguments.profile)
    return JobOptions(
        sources=tuple(arguments.sources),
        connection=arguments.connection,
        profile=arguments.profile,
        format=arguments.format,
        mode=Mode(arguments.mode),
        on_error=OnError(arguments.on_error),
        max_error_rate=arguments.max_error_rate,
        dry_run=arguments.dry_run,
        external_id=arguments.external_id,
        again=arguments.again,
        unknown_fields=arguments.unknown_fields,
        reset_unsupported_hashes=arguments.reset_unsupported_hashes,
    )


def _check_profile(parse: argparse.ArgumentParser, name: str) -> None:
    from schemas.profiles import PROFILES  # loads polars: not for --help

    if name not in ("auto", *PROFILES):
        parse.error(f"argument --profile: {name!r} is none of {', '.join(('auto', *PROFILES))}")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1")
    return rate


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
