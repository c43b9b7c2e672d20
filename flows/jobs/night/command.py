"""`python -m flows.jobs night`: print what became of the last day's files and jobs, and what needs a person."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.import_users.cli import Common
from flows.jobs.night.account import get_night
from flows.jobs.night.report import Night, NightFile
from flows.report.printing import format_cell, print_json, print_table
from flows.store.database import Store
from schemas.faults import ExitCode


def run(common: Common, *, period: timedelta, inboxes: Sequence[Path]) -> int:
    """Print the night and return the exit code: 1 where something needs a person."""
    now = datetime.now(UTC)
    # an inbox that is named is accounted for without a database as well
    store = Store(common.settings) if inboxes else common.find_store()
    night = get_night(store, since=now - period, now=now, inboxes=inboxes)
    if common.json:
        print_json(night.to_dict())
    else:
        _print(night)
    return ExitCode.ALL_ROWS_IN if night.is_good else ExitCode.JOB_FAILED


def _print(night: Night) -> None:
    sys.stdout.write(f"{night.sentence}\n")
    sys.stdout.writelines(f"{problem.kind}: {problem.message}\n  {problem.hint}\n" for problem in night.problems)
    if night.files:
        print_table(("file", "place", "result"), [format_file(file) for file in night.files])
    of_files = {file.job.job_id for file in night.files if file.job}
    rows = [
        (job.job_id, job.status.value, format_cell(job.sentence)) for job in night.jobs if job.job_id not in of_files
    ]
    if rows:
        print_table(("job without a file here", "status", "result"), rows)


def format_file(file: NightFile) -> tuple[str, str, str]:
    """Return a file as the cells of a row: its name, where it lies, and what became of it."""
    result = file.why or (file.job.sentence if file.job else "")
    return file.name, file.place, format_cell(f"{result}{', changed since' if file.is_changed else ''}")
