"""`python -m flows.jobs`: list jobs, show how they ended and what was wrong, act on them; parse and print only."""

import sys
import uuid
from collections.abc import Iterable
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from flows.import_users.arguments import command_group, count_in, parse_path, parse_paths, parse_period, parse_text
from flows.import_users.cli import COMMON, Common
from flows.jobs.arguments import (
    As,
    Connection,
    ExternalId,
    File,
    Follow,
    Job,
    Limit,
    Since,
    Statuses,
    Timeout,
    Yes,
)
from flows.readers.sources import printable
from flows.report.command_line import UsageError
from flows.report.printing import format_cell, print_json, print_table, warn_of_lost_output
from flows.settings import RETENTION_DAYS, format_command
from schemas.faults import ExitCode

if TYPE_CHECKING:
    from flows.store.job_status import KnownJob

SHOWN_USERS = 20  # kept users on a terminal
SHOWN_CHANGES = 200  # on a terminal
DIFF_COLUMNS = ("user_id", "action", "field", "old", "new", "note")

KEY = Parameter(metavar="VALUE", converter=parse_text)

app = command_group("python -m flows.jobs", "Look at import jobs and act on them.")


@app.command(name="list")
def list_jobs(
    *,
    status: Statuses = (),
    connection: Connection = None,
    since: Since = None,
    external_id: ExternalId = None,
    file: File = None,
    limit: Limit = 50,
    common: Common = COMMON,
) -> None:
    """List the jobs, newest first."""
    from flows.jobs import listing, lookup
    from flows.store.job_status import JobFilter

    wanted = JobFilter(
        statuses=status, connection=connection, since=since, external_id=external_id, file=file, limit=limit
    )
    jobs, busy = lookup.list_jobs(common, wanted)
    if common.json:
        print_json([job.to_dict() for job in jobs])
    else:
        listing.print_jobs(jobs)
    if busy:
        sys.stderr.write(f"{busy.message}: only jobs whose folder is still there are listed\n")
    if len(jobs) == limit and sys.stdout.isatty():
        sys.stderr.write(f"the latest {limit:,} are listed; for more add --limit N\n")


@app.command(name="status")
def show_status(
    job: Job,
    /,
    *,
    vendor: As = None,
    follow: Follow = False,
    common: Common = COMMON,
) -> int:
    """Show the summary of a job, or how far it is."""
    from flows.jobs import lookup, waiting

    found = None
    if follow:
        found = waiting.wait_for(common, job, timeout=None, follow=True)
        job = found.summary.job_id
    if vendor:
        from flows.jobs import vendor_commands

        return vendor_commands.print_status(common, job, vendor=vendor)
    _print_job(common, found or lookup.find_job(common, job))
    return ExitCode.ALL_ROWS_IN


@app.command
def wait(
    job: Job,
    /,
    *,
    timeout: Timeout = None,
    follow: Follow = False,
    common: Common = COMMON,
) -> int:
    """Wait until a job has ended, and exit with its exit code; 1 if the time is up. Ctrl-C leaves the job running."""
    from flows.jobs import waiting

    found = waiting.wait_for(common, job, timeout=timeout, follow=follow)
    _print_job(common, found)
    return found.summary.exit_code


@app.command(name="errors")
def show_errors(
    job: Job,
    /,
    *,
    vendor: Annotated[
        Literal["auth0", "liferay"] | None, Parameter("--as", help="In the shape of this system.")
    ] = None,
    csv: Annotated[bool, Parameter(help="With --as liferay: its CSV report.")] = False,
    common: Common = COMMON,
) -> None:
    """List every fault of every row of a job."""
    if csv and vendor != "liferay":
        raise UsageError("--csv is the report of Liferay; use it with --as liferay")
    if vendor:
        from flows.jobs import vendor_commands

        vendor_commands.print_errors(common, job, vendor=vendor, csv=csv)
        return
    from flows.jobs.lookup import find_job_id
    from flows.store.jobs import find_errors

    errors = find_errors(common.find_store(), find_job_id(common, job))
    columns = ("record", "line", "source", "key", "severity", "code", "path", "message")
    if common.json:
        print_json(errors)
    else:
        print_table(columns, [tuple(format_cell(error[column]) for column in columns) for error in errors])


@app.command
def resume(job: Job, /, *, common: Common = COMMON) -> int:
    """Run an import that did not merge again, under its id: what its last attempt had loaded in slices is taken up."""
    from flows.import_users.resume import resume as resume_job
    from flows.jobs.lookup import find_job_id
    from flows.report.terminal import Terminal

    with Terminal(json=common.json, quiet=False) as terminal:
        summary = resume_job(common.settings, find_job_id(common, job), terminal)
        terminal.show(summary, settings=common.settings)
    return summary.exit_code


@app.command
def cancel(job: Job, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """Stop a running job, or one that waits in Prefect; nothing of it is merged."""
    from flows.jobs.lookup import cancel_job, confirm_job

    found = confirm_job(common, job, act="cancel", yes=yes)
    message = cancel_job(common, found)
    common.print({"job_id": found.summary.job_id, "message": message}, f"{message}\n")


@app.command
def undo(
    job: Job,
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Say what would be reverted and kept, change nothing.")] = False,
    yes: Yes = False,
    common: Common = COMMON,
) -> int:
    """Put the users that a job changed back as they were."""
    from flows.jobs.lookup import confirm_job, find_job_id
    from flows.pipeline.undo import undo as undo_job

    undone = find_job_id(common, job) if dry_run else confirm_job(common, job, act="undo", yes=yes).summary.job_id
    job_id = str(uuid.uuid4())
    summary = undo_job(undone, dry_run=dry_run, settings=common.settings, job_id=job_id)
    if common.json:
        print_json(summary.to_dict())
        return summary.exit_code
    if summary.job_id != job_id:
        sys.stderr.write(f"already undone by job {summary.job_id}\n")
    sys.stdout.write(f"{summary.sentence}{' (dry run: nothing changed)' if summary.dry_run else ''}\n")
    if summary.kept_users:
        rows = [(user.user_id, user.code, user.message) for user in summary.kept_users[:SHOWN_USERS]]
        print_table(("user_id", "code", "why"), rows)
    if len(summary.kept_users) > SHOWN_USERS:
        every = format_command("jobs", "errors", summary.job_id, database=common.settings.database)
        sys.stdout.write(f"all of them: {every}\n")
    sys.stdout.write(f"job {summary.job_id}\n")
    return summary.exit_code


@app.command
def apply(job: Job, /, *, yes: Yes = False, common: Common = COMMON) -> int:
    """Carry out the plan of a dry run exactly as it was shown; nothing if it would differ by now."""
    from flows.jobs.lookup import confirm_job
    from flows.pipeline.apply import apply as apply_plan
    from flows.store.job_status import KnownJob

    common.find_store()
    planned, job_id = confirm_job(common, job, act="apply", yes=yes).summary.job_id, str(uuid.uuid4())
    summary = apply_plan(planned, settings=common.settings, job_id=job_id)
    if summary.job_id != job_id:
        sys.stderr.write(f"already applied by job {summary.job_id}\n")
    _print_job(common, KnownJob(summary=summary, applies=planned))
    return summary.exit_code


@app.command
def rejects(
    job: Job,
    /,
    *,
    output: Annotated[
        Path,
        Parameter(
            ("--output", "-o"), converter=parse_path, metavar="FILE", help="Where to write them; - for standard output."
        ),
    ],
    common: Common = COMMON,
) -> int:
    """Write the refused records to a file to correct."""
    from flows.jobs.lookup import find_job_id
    from flows.report.next_steps import steps_after_rejects
    from flows.report.rejects import print_rejects, write_rejects
    from flows.store.jobs import get_job_row, options_of

    job, store = find_job_id(common, job), common.find_store()
    if output == Path("-"):
        if common.json:
            raise UsageError("--json and -o - exclude each other: both write to standard output")
        said = print_rejects(store, job, sys.stdout.buffer)
        if warn_of_lost_output():
            return ExitCode.JOB_FAILED
        sys.stderr.write(f"{said}\n")
        return ExitCode.ALL_ROWS_IN
    written = write_rejects(store, job, output)
    text = f"job {job} refused no records; nothing was written\n"
    if written.records:
        text = f"{written.sentence}, with all secrets; correct the file and run\n"
        row = get_job_row(store, job)
        options = options_of(row, sources=(str(written.path.absolute()),))
        (step,) = steps_after_rejects(options, profile=str(row["profile"]), database=store.path)
        text += f"{step.command}\n"
    document = {"job_id": job, "path": str(written.path), "format": written.format, "records": written.records}
    common.print(document, text)
    return ExitCode.ALL_ROWS_IN


@app.command
def ids(
    job: Job,
    /,
    *,
    output: Annotated[
        Path,
        Parameter(("--output", "-o"), converter=parse_path, metavar="FILE", help="A .csv, .ndjson or .parquet file."),
    ],
    common: Common = COMMON,
) -> None:
    """Write which id each user of a job had in its source, and has here."""
    from flows.jobs.lookup import find_job_id
    from flows.report.ids import write_ids

    job = find_job_id(common, job)
    written = write_ids(common.find_store(), job, output)
    document = {"job_id": job, "path": str(written.path), "format": written.format, "records": written.records}
    text = f"the ids of {written.records:,} users written to {printable(str(written.path))}\n"
    common.print(document, text if written.records else f"job {job} merged no users; nothing was written\n")


@app.command
def diff(
    job: Job,
    /,
    *,
    user: Annotated[str | None, Parameter(metavar="USER_ID", help="Only this user.", converter=parse_text)] = None,
    common: Common = COMMON,
) -> None:
    """Show what a job changed, field by field."""
    from flows.jobs.lookup import find_job_id
    from flows.store.diff import find_changes

    users = find_changes(common.find_store(), find_job_id(common, job), user_id=user)
    if common.json:
        _print_array(user.document for user in users)
        return
    rows = (
        (user.user_id, user.action, change.field, *change.shown, "edited by hand since" if user.is_edited_since else "")
        for user in users
        for change in user.changes
    )
    if sys.stdout.isatty():
        print_table(DIFF_COLUMNS, [*islice(rows, SHOWN_CHANGES)])
        if next(rows, None) is not None:
            sys.stdout.write("there are more: name a user with --user, or send the output to a file\n")
    else:
        sys.stdout.writelines("\t".join(map(format_cell, row)) + "\n" for row in chain([DIFF_COLUMNS], rows))


@app.command
def night(
    *,
    since: Annotated[
        timedelta,
        Parameter(
            metavar="PERIOD", help="How far to look back, such as 24h.", converter=parse_period, show_default="24h"
        ),
    ] = timedelta(hours=24),
    inbox: Annotated[
        tuple[Path, ...],
        Parameter(
            metavar="FOLDER",
            help="An inbox to account for; those of jobs are found.",
            negative_iterable=(),
            converter=parse_paths,
        ),
    ] = (),
    common: Common = COMMON,
) -> int:
    """Account for each file and job of the last day; exit code 1 where something needs a person."""
    from flows.jobs.night import command

    return command.run(common, period=since, inboxes=inbox)


@app.command
def purge(
    *,
    days: Annotated[
        int | None,
        count_in(RETENTION_DAYS),
        Parameter(help="Keep this many days.", show_default="IMPORT_RETENTION_DAYS, 7"),
    ] = None,
    inbox_days: Annotated[
        int | None,
        count_in(RETENTION_DAYS),
        Parameter(
            help="Keep the files that an inbox has filed this many days.",
            show_default="IMPORT_INBOX_RETENTION_DAYS, 36500: for good",
        ),
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Say what would be removed, remove nothing.")] = False,
    common: Common = COMMON,
) -> int:
    """Remove job folders, refused rows and filed files past retention."""
    from flows.inbox.retention import purge_inboxes
    from flows.store.retention import purge as purge_jobs

    store = common.find_store()
    purged = purge_jobs(store, days=days, dry_run=dry_run)
    files, inboxes = purge_inboxes(store, days=inbox_days, dry_run=dry_run)
    removed = "would be removed" if dry_run else "removed"
    document = {
        "jobs": list(purged.jobs),
        "rejected_users": purged.rejected_users,
        "files": list(map(printable, map(str, files))),
        "left": [*map(str, (*purged.left, *inboxes))],
        "dry_run": dry_run,
    }
    common.print(
        document,
        f"the data of {len(purged.jobs):,} jobs {removed}, {purged.rejected_users:,} refused rows with it\n"
        + "".join(f"  {job}\n" for job in purged.jobs)
        + "".join(f"  {printable(str(path))} {removed}\n" for path in files)
        + "".join(f"not removed, it cannot be changed: {folder}\n" for folder in purged.left)
        + "".join(f"not purged, it cannot be changed: {folder}\n" for folder in inboxes),
    )
    return ExitCode.JOB_FAILED if purged.left or inboxes else ExitCode.ALL_ROWS_IN


@app.command
def backup(
    file: Annotated[Path, Parameter(metavar="FILE", converter=parse_path, help="The file to write, a new one.")],
    /,
    *,
    common: Common = COMMON,
) -> None:
    """Copy the database to a file, also while imports run."""
    from flows.jobs.backup import back_up

    size = back_up(common.find_store(), file)
    common.print({"path": str(file), "bytes": size}, f"{size:,} bytes written to {printable(str(file))}\n")


@app.command
def forget(
    value: Annotated[str | None, KEY, Parameter(help="A key of the user, of any kind.")] = None,
    /,
    *,
    email: Annotated[str | None, KEY, Parameter(help="The user's e-mail address.")] = None,
    username: Annotated[str | None, KEY, Parameter(help="The user's username.")] = None,
    user_id: Annotated[str | None, KEY, Parameter(help="The user's user_id.")] = None,
    connection: Annotated[
        str | None,
        Parameter(metavar="ID", help="The connection of the user.", show_default="default", converter=parse_text),
    ] = None,
    all_connections: Annotated[bool, Parameter(help="Erase the user from every connection.")] = False,
    inbox: Annotated[
        tuple[Path, ...],
        Parameter(
            metavar="FOLDER",
            help="An inbox to search as well; those of jobs are found.",
            negative_iterable=(),
            converter=parse_paths,
        ),
    ] = (),
    dry_run: Annotated[bool, Parameter(help="List every place that has the user, change nothing.")] = False,
    yes: Yes = False,
    common: Common = COMMON,
) -> int:
    """Erase one user from tables, job folders and inboxes, down to the bytes of the database file."""
    from flows.jobs import forget_command

    given = {None: value, "email": email, "username": username, "user_id": user_id}
    wanted = forget_command.parse_user(given)
    if connection is not None and all_connections:
        raise UsageError("--connection and --all-connections exclude each other")
    scope = None if all_connections else connection or "default"
    return forget_command.run(common, wanted, connection_id=scope, inboxes=inbox, dry_run=dry_run, yes=yes)


def _print_job(common: Common, job: "KnownJob") -> None:
    if common.json:
        print_json(job.to_dict())
        return
    from flows.jobs.listing import print_job

    print_job(job, settings=common.settings)


def _print_array(documents: Iterable[str]) -> None:
    """Print JSON texts as one array, as they come."""
    separator = "["
    for document in documents:
        sys.stdout.write(separator + document)
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[" else "]\n")
