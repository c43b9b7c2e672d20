"""The commands of `flows.jobs.cli` that go back to an ended job: they print only, each calls the module of its name."""

import argparse
import sys
import uuid
from collections.abc import Iterable
from itertools import chain, islice

from flows.report.printing import format_cell, print_json, print_table
from flows.settings import Settings
from schemas.faults import ExitCode

SHOWN = 20  # kept users on a terminal
SHOWN_CHANGES = 200  # on a terminal
DIFF_COLUMNS = ("user_id", "action", "field", "old", "new", "note")


def undo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Put back what a job changed and print what was kept."""
    from flows.pipeline.undo import undo as undo_job

    job_id = str(uuid.uuid4())
    summary = undo_job(arguments.job, dry_run=arguments.dry_run, settings=settings, job_id=job_id)
    if arguments.json:
        print_json(summary.to_dict())
        return summary.exit_code
    if summary.job_id != job_id:
        sys.stderr.write(f"already undone by job {summary.job_id}\n")
    sys.stdout.write(f"{summary.sentence}{' (dry run: nothing changed)' if summary.dry_run else ''}\n")
    if summary.kept_users:
        rows = [(user.user_id, user.code, user.message) for user in summary.kept_users[:SHOWN]]
        print_table(("user_id", "code", "why"), rows)
    if len(summary.kept_users) > SHOWN:
        sys.stdout.write(f"all of them: python -m flows.jobs errors {summary.job_id}\n")
    sys.stdout.write(f"job {summary.job_id}\n")
    return summary.exit_code


def rejects(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the refused records of a job to a file and print how many there are."""
    from flows.report.rejects import write_rejects
    from flows.store.database import Store

    store = Store(settings)
    store.require_database()
    written = write_rejects(store, arguments.job, arguments.output)
    if arguments.json:
        document = {"job_id": arguments.job, "path": str(written.path), "format": written.format}
        print_json({**document, "records": written.records})
    elif written.records:
        records = "1 refused record" if written.records == 1 else f"{written.records} refused records"
        sys.stdout.write(f"{records} written to {written.path}, with all secrets; correct the file and run\n")
        sys.stdout.write(f"python -m flows.import_users {written.path}\n")
    else:
        sys.stdout.write(f"job {arguments.job} refused no records; nothing was written\n")
    return 0


def diff(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print what a job changed, field by field."""
    from flows.store.database import Store
    from flows.store.diff import find_changes

    store = Store(settings)
    store.require_database()
    users = find_changes(store, arguments.job, user_id=arguments.user)
    if arguments.json:
        _print_array(user.document for user in users)
        return 0
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
    return 0


def _print_array(documents: Iterable[str]) -> None:
    """Print JSON texts as one array, as they come."""
    separator = "["
    for document in documents:
        sys.stdout.write(separator + document)
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[" else "]\n")


def purge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Remove what is past retention and print what that was."""
    from flows.store.database import Store
    from flows.store.retention import purge as purge_jobs

    store = Store(settings)
    store.require_database()
    purged = purge_jobs(store, days=arguments.days, dry_run=arguments.dry_run)
    if arguments.json:
        document = {"jobs": list(purged.jobs), "rejected_users": purged.rejected_users, "dry_run": arguments.dry_run}
        print_json(document)
        return ExitCode.ALL_ROWS_IN
    would = "would be " if arguments.dry_run else ""
    sys.stdout.write(
        f"the data of {len(purged.jobs)} jobs {would}removed, {purged.rejected_users} refused rows with it\n"
    )
    sys.stdout.writelines(f"  {job}\n" for job in purged.jobs)
    return ExitCode.ALL_ROWS_IN


def forget(arguments: argparse.Namespace, settings: Settings) -> int:
    """Erase a user and print what was erased."""
    from flows.store.database import Store
    from flows.store.retention import forget as forget_user

    store = Store(settings)
    store.require_database()
    forgotten = forget_user(store, arguments.user, connection_id=arguments.connection)
    if arguments.json:
        print_json({"rows": forgotten.rows, "jobs": list(forgotten.jobs)})
    elif forgotten.rows or forgotten.jobs:
        sys.stdout.write(f"erased: {forgotten.rows} rows, and the staged data of {len(forgotten.jobs)} jobs\n")
    else:
        sys.stdout.write("nothing names that user; nothing was erased\n")
    return ExitCode.ALL_ROWS_IN
