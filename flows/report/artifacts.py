"""What the Prefect pages show of a job, as values: Markdown, table rows, sentences, labels and the final state's name.

Nothing here talks to Prefect; `flows.report.prefect` sends it. No secret and no e-mail address gets into any of it.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from flows.pipeline.job import Progress
from schemas.codes import ErrorCode
from schemas.job import JobStatus, JobSummary

SUMMARY_KEY = "import-summary"
ERRORS_KEY = "import-errors"
PROGRESS_KEY = "import-progress"
SHOWN_ERRORS = 100
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
Cell = str | int | float | None


def masked(text: str) -> str:
    """The text without the e-mail addresses in it: their first letter and `***` stay."""
    return EMAIL.sub(lambda match: f"{match[0][0]}***@***", text)


def labels(summary: JobSummary) -> dict[str, int | str]:
    """What a REST reader gets without access to the storage of results."""
    counts: dict[str, int | str] = {f"import.{name}": getattr(summary, name) for name in COUNTS}
    words = {"connection": summary.connection, "mode": summary.mode, "status": summary.status.value}
    fault = {"fault": summary.fault["code"]} if summary.fault else {}
    return (
        counts | {f"import.{name}": word for name, word in (words | fault).items()} | {"import.job_id": summary.job_id}
    )


def summary_markdown(summary: JobSummary) -> str:
    """The job on one page: its sentence, its counts, the outcomes and the errors by code as charts."""
    parts = [
        f"# Import: {summary.status.value.replace('_', ' ')}",
        _escaped(summary.sentence) + ".",
        f"*{_escaped(summary.fault['hint'])}*" if summary.fault and summary.fault["hint"] else "",
        "This was a dry run: nothing was changed." if summary.dry_run else "",
        _outcome_chart(summary),
        _table(_facts(summary)[1:], head=_facts(summary)[0]),
        _error_chart(summary.errors_by_code),
        _table(_codes(summary.errors_by_code), head=("code", "errors", "meaning")) if summary.errors_by_code else "",
        f"Every error: `python -m flows.jobs errors {summary.job_id}`, the refused records: "
        f"`python -m flows.jobs rejects {summary.job_id} -o FILE`" if summary.failed else "",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def error_table(errors: Sequence[ErrorRow]) -> list[dict[str, Cell]]:
    """The first errors as rows of a table."""
    return [
        {
            "record": _number(error["record"]),
            "line": _number(error["line"]),
            "code": str(error["code"]),
            "path": masked(str(error["path"])),
            "message": masked(str(error["message"])),
            "severity": str(error["severity"]),
        }
        for error in errors[:SHOWN_ERRORS]
    ]


def errors_sentence(summary: JobSummary, *, shown: int) -> str:
    """What the table of errors holds and where the others are."""
    total = sum(summary.errors_by_code.values())
    if shown >= total:
        return f"all {shown:,} errors"
    return f"the first {shown:,} of {total:,} errors; all of them: `python -m flows.jobs errors {summary.job_id}`"


def progress_sentence(progress: Progress) -> str:
    """How far the loading is, how fast and how much longer."""
    left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
    return f"{progress.percent:.0f} %, {progress.rows:,} rows, {progress.rows_per_second:,.0f} rows/s{left}"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _outcome_chart(summary: JobSummary) -> str:
    bars = [Bar(name, getattr(summary, name), colour) for name, colour in COLOURS.items()]
    return as_markdown_image(bar_chart(bars, title="What became of the rows"), alternative="What became of the rows")


def _error_chart(errors_by_code: Mapping[str, int]) -> str:
    bars = [Bar(code, count, ERROR_COLOUR) for code, count in _by_count(errors_by_code)]
    return as_markdown_image(bar_chart(bars, title="Errors by code"), alternative="Errors by code") if bars else ""


def _facts(summary: JobSummary) -> list[tuple[str, ...]]:
    sources = ", ".join(source.rsplit("/", 1)[-1] for source in summary.sources[:5])
    more = f" and {len(summary.sources) - 5} more" if len(summary.sources) > 5 else ""
    facts = {
        **{name: f"{getattr(summary, name):,}" for name in COUNTS},
        "connection": summary.connection,
        "mode": summary.mode,
        "profile": summary.profile,
        "sources": sources + more,
        "external id": summary.external_id or "",
        "job": summary.job_id,
        "duration": "" if summary.duration_seconds is None else duration(summary.duration_seconds),
        "rows per second": "" if summary.rows_per_second is None else f"{summary.rows_per_second:,}",
        "write lock": "" if summary.lock_seconds is None else duration(summary.lock_seconds),
    }
    return [(name, fact) for name, fact in facts.items() if fact]


def _codes(errors_by_code: Mapping[str, int]) -> list[tuple[str, ...]]:
    sentences = {code.value: code.sentence for code in ErrorCode}
    return [(code, f"{count:,}", sentences.get(code, "")) for code, count in _by_count(errors_by_code)]


def _by_count(errors_by_code: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent code first."""
    return sorted(errors_by_code.items(), key=lambda item: (-item[1], item[0]))


def _table(rows: Sequence[tuple[str, ...]], *, head: tuple[str, ...]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(_escaped(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Text from a file name or a fault that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", masked(text)).replace("\n", " ")


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


WIDTH = 640
BAR = 18
STEP = 26
LABEL = 210  # pixels left of the bars
NUMBER = 90  # pixels right of them


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length as a count, its colour."""

    label: str
    count: int
    colour: str


def bar_chart(bars: Sequence[Bar], *, title: str) -> str:
    """The bars below one another, the longest as long as there is room."""
    longest = max((bar.count for bar in bars), default=0) or 1
    height = 34 + STEP * len(bars)
    rows = "".join(_row(bar, top=30 + STEP * index, longest=longest) for index, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text x="8" y="18" font-weight="bold" fill="#1f2937">{escape(title)}</text>{rows}</svg>'
    )


def as_markdown_image(svg: str, *, alternative: str) -> str:
    """The picture as Markdown that needs no other file; Prefect's pages drop a bare `<svg>`."""
    data = base64.b64encode(svg.encode()).decode()
    return f"![{alternative}](data:image/svg+xml;base64,{data})"


def _row(bar: Bar, *, top: int, longest: int) -> str:
    room = WIDTH - LABEL - NUMBER
    length = max(round(room * bar.count / longest), 1 if bar.count else 0)
    middle = top + 14
    return (
        f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end" fill="#374151">{escape(bar.label)}</text>'
        f'<rect x="{LABEL}" y="{top}" width="{length}" height="{BAR}" rx="2" fill="{bar.colour}"/>'
        f'<text x="{LABEL + length + 6}" y="{middle}" fill="#374151">{bar.count:,}</text>'
    )
