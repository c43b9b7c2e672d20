"""Format a job for Prefect's pages: Markdown, table rows, labels, sentences and the name of the final state.

Nothing here calls Prefect; `flows.report.prefect` does. No text here contains a secret or a whole e-mail address.
"""

import re
from collections.abc import Mapping, Sequence

from flows.pipeline.job import Progress
from flows.report.chart import Bar, draw_bars, embed_in_markdown
from schemas.codes import ErrorCode
from schemas.job import JobStatus, JobSummary

SHOWN_ERRORS = 100
SHOWN_SOURCES = 5
COUNTS = ("total", "inserted", "updated", "unchanged", "failed", "warnings")
COLOURS = {"inserted": "#16a34a", "updated": "#2563eb", "unchanged": "#9ca3af", "failed": "#dc2626"}
ERROR_COLOUR = "#f59e0b"
STATE_NAMES = {
    JobStatus.COMPLETED: "Completed",
    JobStatus.COMPLETED_WITH_ERRORS: "CompletedWithErrors",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELED: "Cancelled",
}
EMAIL = re.compile(r"[^\s@\"'<>()\[\],:;]{1,64}@[^\s@\"'<>()\[\],:;]{1,255}")

ErrorRow = Mapping[str, object]  # record, line, code, path, message, severity


def mask_emails(text: str) -> str:
    """Return the text with each e-mail address reduced to its first letter and `***`."""
    return EMAIL.sub(lambda match: f"{match[0][0]}***@***", text)


def get_counts(summary: JobSummary) -> dict[str, int]:
    """Return the row counts of a job by name, in the order of `COUNTS`."""
    return {name: getattr(summary, name) for name in COUNTS}


def format_labels(summary: JobSummary) -> dict[str, int | str]:
    """Return the labels of the run: they can be read over REST without access to the result storage."""
    labels: dict[str, int | str] = {
        **get_counts(summary),
        "connection": summary.connection,
        "mode": summary.mode,
        "status": summary.status.value,
        **({"fault": summary.fault["code"]} if summary.fault else {}),
        "job_id": summary.job_id,
    }
    return {f"import.{name}": value for name, value in labels.items()}


def format_summary(summary: JobSummary) -> str:
    """Return the job as a page of Markdown: its result, its counts, and charts of outcomes and error codes."""
    facts = list(_get_facts(summary).items())
    parts = [
        f"# Import: {summary.status.value.replace('_', ' ')}",
        _escape(summary.sentence) + ".",
        f"*{_escape(summary.fault['hint'])}*" if summary.fault and summary.fault["hint"] else "",
        "This was a dry run: nothing was changed." if summary.dry_run else "",
        _draw_chart("Rows by outcome", [Bar(name, getattr(summary, name), colour) for name, colour in COLOURS.items()]),
        _format_table(facts[1:], head=facts[0]),
        *_format_error_codes(summary.errors_by_code),
        f"* all errors: `python -m flows.jobs errors {summary.job_id}`\n"
        f"* refused records: `python -m flows.jobs rejects {summary.job_id} -o FILE`" if summary.failed else "",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def format_errors(errors: Sequence[ErrorRow]) -> list[dict[str, object]]:
    """Return the first `SHOWN_ERRORS` errors as table rows."""
    return [
        {
            **{name: error[name] for name in ("record", "line")},
            **{name: mask_emails(str(error[name])) for name in ("code", "path", "message", "severity")},
        }
        for error in errors[:SHOWN_ERRORS]
    ]


def describe_errors(summary: JobSummary, *, shown: int) -> str:
    """Return a sentence on how many errors the table contains and how to list the others."""
    total = sum(summary.errors_by_code.values())
    if shown >= total:
        return f"all {shown:,} errors"
    return f"the first {shown:,} of {total:,} errors; all of them: `python -m flows.jobs errors {summary.job_id}`"


def format_progress(progress: Progress) -> str:
    """Return the progress of the load stage as a sentence: percent, rows, speed, time left."""
    left = "" if progress.seconds_left is None else f", {format_duration(progress.seconds_left)} left"
    return f"{progress.percent:.0f} %, {progress.rows:,} rows, {progress.rows_per_second:,.0f} rows/s{left}"


def format_duration(seconds: float) -> str:
    """Return a duration with its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _draw_chart(title: str, bars: Sequence[Bar]) -> str:
    return embed_in_markdown(draw_bars(bars, title=title), alternative=title)


def _format_error_codes(errors_by_code: Mapping[str, int]) -> list[str]:
    """Return a chart and a table of the error codes, most frequent first; nothing for a job without errors."""
    if not errors_by_code:
        return []
    meanings = {code.value: code.sentence for code in ErrorCode}
    counts = sorted(errors_by_code.items(), key=lambda item: (-item[1], item[0]))
    rows = [(code, f"{count:,}", meanings.get(code, "")) for code, count in counts]
    return [
        _draw_chart("Errors by code", [Bar(code, count, ERROR_COLOUR) for code, count in counts]),
        _format_table(rows, head=("code", "errors", "meaning")),
    ]


def _get_facts(summary: JobSummary) -> dict[str, str]:
    """Return the counts and properties of a job by name, without empty ones."""
    sources = ", ".join(source.rsplit("/", 1)[-1] for source in summary.sources[:SHOWN_SOURCES])
    more = len(summary.sources) - SHOWN_SOURCES
    facts = {
        **{name: f"{count:,}" for name, count in get_counts(summary).items()},
        "connection": summary.connection,
        "mode": summary.mode,
        "profile": summary.profile,
        "sources": sources + (f" and {more} more" if more > 0 else ""),
        "external id": summary.external_id or "",
        "job": summary.job_id,
        "duration": "" if summary.duration_seconds is None else format_duration(summary.duration_seconds),
        "rows per second": "" if summary.rows_per_second is None else f"{summary.rows_per_second:,}",
        "write lock": "" if summary.lock_seconds is None else format_duration(summary.lock_seconds),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _format_table(rows: Sequence[tuple[str, ...]], *, head: tuple[str, ...]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(_escape(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    """Escape Markdown in text from a file name or a fault, and mask e-mail addresses."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", mask_emails(text)).replace("\n", " ")
