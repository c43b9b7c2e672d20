"""The lines about a job that runs or ends: its progress, by phase, and what the log of its run says.

No line contains a secret or a whole e-mail address.
"""

from pathlib import PurePath

from flows.pipeline.job import Progress
from flows.readers.sources import escape_bytes
from flows.report.artifacts import (
    SHOWN_SOURCES,
    end_of,
    format_duration,
    format_sentence,
    mask_emails,
    status_in_words,
)
from schemas.job import DONE, JobSummary
from schemas.options import JobOptions

LOADING = "loading"
MERGING = "merging"
PHASES = {"load": LOADING, "plan": "planning", "merge": MERGING}  # by the stages of a job
PERCENT = {LOADING: 97.0, "planning": 98.0, MERGING: 99.0}  # while a phase lasts, at most; 100 is the end


def format_progress(phase: str, progress: Progress | None) -> str:
    """Return the phase of a job as a sentence; of the loading with percent, rows, speed and time left."""
    if progress is None or phase == MERGING:  # how many rows are merged is known at the end
        return phase
    if phase != LOADING:
        return f"{phase} {progress.rows:,} rows"
    left = "" if progress.seconds_left is None else f", {format_duration(progress.seconds_left)} left"
    return f"{phase} {progress.percent:.0f} %, {progress.rows:,} rows, {progress.rows_per_second:,.0f} rows/s{left}"


def format_phase(stage: str, *, is_dry_run: bool) -> str:
    """Return the phase that a stage of a job is; a dry run merges nothing."""
    return "recording the plan of" if is_dry_run and stage == "merge" else PHASES.get(stage, stage)


def percent_of(phase: str, progress: Progress | None) -> float:
    """Return the number of the progress: that of the loading, less than 100 until the job has ended."""
    if phase != LOADING:
        return PERCENT.get(phase, PERCENT[MERGING] if progress else 0.0)
    return min(PERCENT[LOADING], round(progress.percent, 1)) if progress else 0.0


def format_start(options: JobOptions, job_id: str) -> str:
    """Return a line for the log about a job that begins."""
    names = ", ".join(PurePath(source).name or source for source in options.shown_sources[:SHOWN_SOURCES])
    more = f" and {len(options.sources) - SHOWN_SOURCES} more" if len(options.sources) > SHOWN_SOURCES else ""
    dry_run = ", dry run" if options.dry_run else ""
    what = f"job {job_id}: {names}{more} into connection {options.connection}, mode {options.mode.value}{dry_run}"
    return mask_emails(escape_bytes(what))


def format_log_line(summary: JobSummary, *, is_repeat: bool = False) -> str:
    """Return a line for the log about the end of a job, with what to do about a fault."""
    seconds = f" in {summary.duration_seconds:,.1f} s" if summary.duration_seconds is not None and not is_repeat else ""
    hint = f"; {mask_emails(summary.fault['hint'])}" if summary.fault and summary.fault["hint"] else ""
    return f"{status_in_words(summary)}{seconds}: {format_sentence(summary, is_repeat=is_repeat)}{hint}"


def format_end(summary: JobSummary, phase: str, progress: Progress | None, *, is_repeat: bool = False) -> str:
    """Return the end of a job as the last sentence of its progress, or how far the job got."""
    if summary.status in DONE or is_repeat:
        return f"done 100 %: {format_sentence(summary, is_repeat=is_repeat)}"
    read = f" at {progress.percent:.0f} %" if progress and phase == LOADING else ""
    return f"{end_of(summary)} while {phase}{read}: {format_sentence(summary)}"
