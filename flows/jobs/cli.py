"""`python -m flows.jobs`: what jobs there are, how they ended and what was wrong; parses and prints only."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.import_users.arguments import count
from flows.import_users.cli import Parser, add_database, ended
from flows.jobs import commands, vendor_commands
from flows.report.printing import format_cell, ignore_closed_pipe, print_json, print_table
from flows.settings import Settings, settings_from
from schemas.faults import ExitCode

if TYPE_CHECKING:
    from flows.store.database import Store
    from schemas.job import JobSummary

VENDOR_NAMES = ("auth0", "fullstory", "rocketchat", "liferay")
Command = Callable[[argparse.Namespace, Settings], int]


def parser() -> argparse.ArgumentParser:
    """The parser of the jobs' command line."""
    parse = Parser(prog="python -m flows.jobs", description="Look at import jobs and act on them.")
    subparsers = parse.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    _add(subparsers, "list", "the jobs, newest first", list_jobs).add_argument(
        "--limit", type=count, metavar="N", default=50
    )
    status = _add(subparsers, "status", "how a job stands", show_status, job=True)
    status.add_argument("--as", dest="vendor", choices=VENDOR_NAMES, help="in the words and the shape of this system")
    errors = _add(subparsers, "errors", "every fault of every row of a job", show_errors, job=True)
    errors.add_argument("--as", dest="vendor", choices=("auth0", "liferay"), help="in the shape of this system")
    errors.add_argument("--csv", action="store_true", help="with --as liferay: its CSV report")
    _add(subparsers, "cancel", "stop a running job; nothing of it is merged", cancel, job=True)
    undo = _add(subparsers, "undo", "put the users that a job changed back as they were", commands.undo, job=True)
    undo.add_argument("--dry-run", action="store_true", help="say what would be put back and kept, change nothing")
    rejects = _add(subparsers, "rejects", "the refused records as a file to correct", commands.rejects, job=True)
    rejects.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where to write them")
    diff = _add(subparsers, "diff", "what a job changed, field by field", commands.diff, job=True)
    diff.add_argument("--user", metavar="USER_ID", help="only this user")
    purge = _add(subparsers, "purge", "remove job folders and refused rows past retention", commands.purge)
    purge.add_argument(
        "--days", type=count, metavar="N", help="keep this many days (default: IMPORT_RETENTION_DAYS, 7)"
    )
    purge.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    forget = _add(subparsers, "forget", "erase a user everywhere, the database file included", commands.forget)
    forget.add_argument("user", metavar="USER", help="user_id, e-mail address or username")
    forget.add_argument("--connection", default="default", metavar="ID", help="the space the user belongs to")
    return parse


def _add(
    subparsers: "argparse._SubParsersAction[Parser]", name: str, text: str, command: Command, *, job: bool = False
) -> argparse.ArgumentParser:
    """One command with the options that all have."""
    parse = subparsers.add_parser(name, help=text, description=text)
    if job:
        parse.add_argument("job", metavar="JOB", help="the job's id")
    add_database(parse)
    parse.add_argument("--json", action="store_true", help="print one JSON document")
    parse.set_defaults(run=command)
    return parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments ask for; the exit code."""
    parse = parser()
    arguments = parse.parse_args(argv)
    command: Command = arguments.run
    try:
        settings = settings_from(os.environ, database=arguments.database)
    except ValueError as error:
        parse.error(f"an IMPORT_… variable cannot be used: {error}")
    return ended(lambda: _answer(command, arguments, settings))


def _answer(command: Command, arguments: argparse.Namespace, settings: Settings) -> int:
    code: int = ExitCode.ALL_ROWS_IN  # where the reader left
    with ignore_closed_pipe():
        code = command(arguments, settings)
    return code  # noqa: RET504 - the block may end before it is assigned


def list_jobs(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the jobs, newest first."""
    from flows.store.job_status import find_jobs

    jobs = find_jobs(_store(settings), limit=arguments.limit)
    if arguments.json:
        print_json([job.to_dict() for job in jobs])
        return 0
    if sys.stdout.isatty():
        print_table(("job", "created", "what", "result"), [_told(job) for job in jobs])
        return 0
    rows = [
        (job.job_id, job.status.value, job.created_at[:19], job.connection, _mode(job), job.sentence) for job in jobs
    ]
    print_table(("job", "status", "created", "connection", "mode", "result"), rows)
    return 0


def _told(job: "JobSummary") -> tuple[str, str, str, str]:
    """A job in few columns, so that its id has room on a terminal."""
    created, status = job.created_at[:19].replace("T", " "), job.status.value.replace("_", " ")
    return job.job_id, created, f"{_mode(job)}, {job.connection}", f"{status}: {job.sentence}"


def _mode(job: "JobSummary") -> str:
    return f"{job.mode} (dry run)" if job.dry_run else job.mode


def show_status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the summary of a job, or how far it is."""
    if arguments.vendor:
        return vendor_commands.status(arguments, settings)
    from rich.console import Console

    from flows.report.terminal import show_errors_by_code, show_summary
    from flows.store.job_status import get_live_status

    summary, live = get_live_status(_store(settings), arguments.job)
    if arguments.json:
        print_json({**summary.to_dict(), **live})
        return 0
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    show_summary(console, summary)
    if live.get("percent") is not None:
        console.print(f"{live['percent']} % loaded, {live.get('rows')} rows")
    if summary.fault:
        console.print(f"{summary.fault['code']}: {summary.fault['message']}\n{summary.fault['hint']}", markup=False)
    show_errors_by_code(console, summary, settings=settings)
    return 0


def show_errors(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print every fault of a job's rows."""
    if arguments.vendor:
        return vendor_commands.errors(arguments, settings)
    from flows.store.jobs import find_errors

    errors = find_errors(_store(settings), arguments.job)
    if arguments.json:
        print_json(errors)
        return 0
    columns = ("record", "line", "severity", "code", "path", "message")
    print_table(columns, [tuple(format_cell(error[column]) for column in columns) for error in errors])
    return 0


def cancel(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask a running job to stop."""
    from flows.store.job_status import request_cancel

    message = request_cancel(_store(settings), arguments.job)
    if arguments.json:
        print_json({"job_id": arguments.job, "message": message})
    else:
        sys.stdout.write(f"{message}\n")
    return 0


def _store(settings: Settings) -> "Store":
    from flows.store.database import Store

    store = Store(settings)
    store.require_database()
    return store
