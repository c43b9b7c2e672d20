"""Print jobs: a list for terminals of any width, lines for pipes, and one job with all that is known of it."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from flows.jobs.lookup import describe_end, describe_progress, format_mode, name_files
from flows.report.printing import format_cell, print_table
from flows.report.terminal import print_fault, show_errors_by_code, show_summary, status_style
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_status import KnownJob, impatient

COLUMNS = ("job", "status", "created", "connection", "mode", "result", "file", "external_id", "undone_by", "attempts")


def print_jobs(jobs: Sequence[KnownJob]) -> None:
    """Print one block per job on a terminal, its id on a line that can be copied; one line per job in a pipe."""
    if not sys.stdout.isatty():
        print_table(COLUMNS, [_cells(job) for job in jobs])
        return
    console = Console(highlight=False)
    for job in jobs:
        summary, status = job.summary, job.summary.status
        lines = [
            f"{format_mode(summary)} into {summary.connection}: {', '.join([name_files(job), *_names(job)])}",
            describe_end(job),
            *_marks(job),
        ]
        block = Text.assemble(
            (status.value.replace("_", " "), status_style(status)),
            f", {summary.created_at[:19].replace('T', ' ')} UTC\n",
            "\n".join(lines),
        )
        console.print(summary.job_id, Padding(block, (0, 0, 0, 2), expand=False), sep="\n")


def print_job(job: KnownJob, *, settings: Settings) -> None:
    """Print how a job ended, or how far it is, its files and names, and its errors by code."""
    console, summary = Console(highlight=False, soft_wrap=not sys.stdout.isatty()), job.summary
    if job.is_running:
        console.print(describe_progress(job), markup=False)
        console.print(
            f"job {summary.job_id}, connection {summary.connection}, mode {format_mode(summary)}", markup=False
        )
    else:
        show_summary(console, summary)
    files = ", ".join(job.files or summary.sources)
    for line in (f"files: {files}" if job.kind == "import" else f"undoes job {files}", *_names(job), *_marks(job)):
        console.print(line, markup=False)
    if summary.fault:
        print_fault(console, summary.fault)
    if not job.is_running:
        show_errors_by_code(console, summary, settings=impatient(Store(settings)).settings)


def _cells(job: KnownJob) -> tuple[str, ...]:
    summary = job.summary
    cells = (summary.job_id, summary.status.value, summary.created_at[:19], summary.connection, format_mode(summary))
    more = (describe_end(job), name_files(job), summary.external_id, job.undone_by, job.attempts)
    return tuple(map(format_cell, (*cells, *more)))


def _names(job: KnownJob) -> list[str]:
    names = [name for name in (job.summary.external_id, *job.other_external_ids) if name]
    return [f"external id {', '.join(names)}"] if names else []


def _marks(job: KnownJob) -> list[str]:
    """Return what else there is to know about a job."""
    undone = [f"undone by {job.undone_by}"] if job.undone_by else []
    return [*undone, *([f"{job.attempts:,} attempts"] if job.attempts > 1 else [])]
