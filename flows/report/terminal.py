"""Print a job to a terminal or a pipe: its progress to stderr, then its summary and errors by code to stdout.

The tables that `flows.jobs` prints are in `flows.report.printing`.
"""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.pipeline.job import Observer, Progress
from flows.readers.sources import printable
from flows.report.artifacts import get_counts
from flows.report.printing import TABLE_CHARACTERS, print_json
from flows.settings import Settings, format_command
from flows.store.database import Store, scratch, view_parts
from flows.store.diff import FieldChange
from flows.store.job_folder import JobFolder
from schemas.faults import Fault
from schemas.job import NO_USERS, FaultRecord, JobStatus, JobSummary
from schemas.mapping.names import MAPPED, vendor_profiles
from schemas.rules.user import STAGED
from transforms.statements import run, run_mapped

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

SAMPLED_USERS = 5  # of those that a dry run would change
LINE_SECONDS = 5.0  # between two progress lines in a pipe
WAIT_SECONDS = 2.0  # for a busy database, once the job has ended
COUNT_COLUMNS = ("inserted", "updated", "unchanged", "failed", "total", "warnings")
KEY_CHARACTERS = 60  # of a key that is shown
PHASES = {JobStatus.READY: "planned", JobStatus.IMPORTING: "merging"}


class PipeConsole(Console):
    """A console that stops printing when its pipe is closed, so that the job keeps its own exit code."""

    def on_broken_pipe(self) -> None:
        """Discard further output; rich would exit."""
        self.quiet = True


class Terminal(Observer):
    """An observer that shows a progress bar on a terminal, and a line every few seconds in a pipe."""

    def __init__(self, *, json: bool, quiet: bool) -> None:
        self.json = json
        self.quiet = quiet
        self.errors = PipeConsole(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())
        self.output = PipeConsole(highlight=False, soft_wrap=not sys.stdout.isatty())
        self._bar: Bar | None = None
        self._task: TaskID
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        if self.errors.is_terminal and not self.quiet:
            from rich.progress import BarColumn, TaskProgressColumn  # noqa: PLC0415 - takes time; few imports show it
            from rich.progress import Progress as Bar  # noqa: PLC0415

            columns = ("{task.description}", BarColumn(), TaskProgressColumn(), "{task.fields[speed]}")
            self._bar = Bar(*columns, console=self.errors, transient=True)
            self._task = self._bar.add_task("starting", total=100, speed="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_phase(self, status: JobStatus) -> None:
        """Show the phase of the job."""
        if self._bar is not None:
            self._bar.update(self._task, description=PHASES.get(status, status.value))
        elif not self.quiet:
            self.errors.print(PHASES.get(status, status.value))

    def on_progress(self, progress: Progress) -> None:
        """Show the progress of the load stage."""
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.percent, speed=_speed(progress))
        elif not self.quiet and time.monotonic() - self._last_line > LINE_SECONDS:
            self._last_line = time.monotonic()
            self.errors.print(f"loading: {progress.percent:.0f} %, {_speed(progress)}")

    def on_already_imported(self, job_id: str) -> None:
        """Print that an earlier job has imported the same sources."""
        if not self.quiet:
            self.errors.print(f"already imported by job {job_id}; to import it again, add --again")

    def on_warning(self, sentence: str) -> None:
        """Print the warning."""
        self.errors.print(sentence, markup=False, soft_wrap=True)

    def show(self, summary: JobSummary, *, settings: Settings) -> None:
        """Print the result of the job."""
        if summary.sentence == NO_USERS and not self.quiet and (self.json or self.output.is_terminal):
            self.errors.print(NO_USERS)
        if self.json:
            print_json(summary.to_dict())
            return
        if summary.fault is not None:
            print_fault(self.errors, summary.fault)
        if not self.quiet:
            show_summary(self.output, summary)
            if summary.dry_run and summary.updated:
                show_changes(self.output, summary, settings=settings)
            show_errors_by_code(self.output, summary, settings=settings)


def status_style(status: JobStatus) -> str:
    """Return the colour of a status."""
    return {JobStatus.COMPLETED: "green", JobStatus.COMPLETED_WITH_ERRORS: "yellow"}.get(status, "red")


def print_fault(console: Console, fault: FaultRecord) -> None:
    """Print a fault and what to do about it; a terminal wraps the lines itself, for a command must stay one line."""
    console.print(f"{fault['code']}: {fault['message']}\n{fault['hint']}", markup=False, soft_wrap=True)


def show_summary(console: Console, summary: JobSummary) -> None:
    """Print the status and counts of a job: a table on a wide terminal, else a sentence."""
    style = status_style(summary.status)
    title = summary.status.value.replace("_", " ") + (" (dry run: nothing merged)" if summary.dry_run else "")
    if _has_tables(console):
        console.print(Text(title, style=f"bold {style}"))
        counts, table = get_counts(summary), Table(*COUNT_COLUMNS)
        table.add_row(*(f"{counts[column]:,}" for column in COUNT_COLUMNS))
        console.print(table)
    else:
        console.print(Text(title, style=f"bold {style}").append(f": {summary.counts}", style="not bold"))
    speed = f", {summary.rows_per_second:,} rows/s" if summary.rows_per_second else ""
    blank = f", {summary.blank_lines:,} blank lines skipped" if summary.blank_lines else ""
    blank += f", {summary.not_users:,} records that are not users skipped" if summary.not_users else ""
    lock = f", write lock {summary.lock_seconds:.2f} s" if summary.lock_seconds else ""
    read_as = f", read as {title}" if (title := describe_profile(summary.profile)) else ""
    job = f"job {summary.job_id}, connection {summary.connection}, mode {summary.mode}{read_as}"
    console.print(f"{job}, {summary.duration_seconds or 0:.2f} s{speed}{lock}{blank}", markup=False)


def describe_profile(name: str) -> str:
    """Return what a profile of another system calls its files, with the profile's name; empty for our own formats."""
    if name == MAPPED:
        return "the mapping says"
    if name not in vendor_profiles():
        return ""
    from transforms.mapping.profiles import get_profile  # noqa: PLC0415 - our own formats need no mapping

    return f"{get_profile(name).title} ({name})"


def show_errors_by_code(console: Console, summary: JobSummary, *, settings: Settings) -> None:
    """Print each code and path with its count and first example; nothing for a job without errors."""
    try:
        with Store(replace(settings, wait_seconds=min(settings.wait_seconds, WAIT_SECONDS))).reading() as connection:
            rows = run_mapped(connection, "errors_by_code_of_job", job_id=summary.job_id)
    except Fault:  # the counts have been printed; another job holds the database
        return
    if not rows:
        return
    cells = [_error_cells(row) for row in rows]
    lines = (f"  {code} at {path}: {count}, first at {place}: {example}" for code, path, count, place, example in cells)
    columns = ("code", "path", "count", "first at", "example")
    _print_rows(console, columns, cells, title="errors and warnings", lines=lines)
    every = format_command("jobs", "errors", summary.job_id, database=settings.database)
    console.print(f"all of them: {every}", markup=False, soft_wrap=True)


def show_changes(console: Console, summary: JobSummary, *, settings: Settings) -> None:
    """Print what a dry run would change for the first few users."""
    rows = _read_planned_changes(settings, summary.job_id)
    lines = (f"  would change {field} of {user}: {f'{old} → {new}' if old else new}" for user, field, old, new in rows)
    _print_rows(console, ("user_id", "field", "old", "new"), rows, title="some of the changes", lines=lines)
    if summary.updated > SAMPLED_USERS:
        console.print("all of them: add --plan FILE", markup=False)


def _print_rows(
    console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str, lines: Iterable[str]
) -> None:
    """Print the rows as a table on a wide terminal, else as lines."""
    if _has_tables(console):
        table = Table(title=title, title_justify="left")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for line in lines:
            console.print(line, markup=False)


def _has_tables(console: Console) -> bool:
    return console.is_terminal and console.width >= TABLE_CHARACTERS


def _error_cells(row: Mapping[str, object]) -> tuple[str, str, str, str, str]:
    line = f", line {row['first_line']}" if row["first_line"] else ""
    file = f" of {Path(str(row['first_source'])).name}" if row["first_source"] else ""
    key = f" ({_shorten(printable(str(row['first_key'])))})" if row["first_key"] else ""
    place = f"record {row['first_record']}{line}{file}{key}"
    mark = " (warning)" if row["severity"] == "warning" else ""
    return f"{row['code']}{mark}", str(row["path"]) or "(record)", f"{row['errors']:,}", place, str(row["example"])


def _shorten(text: str) -> str:
    return text if len(text) <= KEY_CHARACTERS else f"{text[:KEY_CHARACTERS]}…"


def _speed(progress: Progress) -> str:
    left = f", {progress.seconds_left:.0f} s left" if progress.seconds_left is not None else ""
    return f"{progress.rows:,} rows, {progress.rows_per_second:,.0f} rows/s{left}"


def _read_planned_changes(settings: Settings, job_id: str) -> list[tuple[str, ...]]:
    """Return user, field, old and new value of each change of the first users that a job would change."""
    updates = JobFolder(settings.jobs_folder / job_id).path / "updates.parquet"
    if not updates.exists():
        return []
    with closing(scratch(settings)) as connection:
        run(connection, "010_user_diff")
        view_parts(connection, "updates", [updates], empty=STAGED)
        rows = run(connection, "planned_sample", users=SAMPLED_USERS)
    changes = ((str(user_id), FieldChange(**cast(dict[str, str], change))) for _, user_id, change in rows)
    return [(user_id, change.field, *change.shown) for user_id, change in changes]
