"""Format a job for Prefect's pages: Markdown, table rows, labels and sentences.

Nothing here calls Prefect; `flows.report.prefect` does. No text here contains a secret, a whole e-mail address or the
`user_id` of a user.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from urllib.parse import quote

from flows.readers.sources import escape_bytes
from flows.report.chart import Bar, draw_bars, embed_in_markdown
from flows.report.next_steps import Step
from flows.settings import format_command
from schemas.codes import ErrorCode, Severity
from schemas.job import DONE, JobSummary
from schemas.undo import UndoSummary
from transforms.user_records import NAMED_USER

SHOWN_ERRORS = 100
SHOWN_SOURCES = 5
COUNTS = ("total", "inserted", "updated", "unchanged", "failed", "warnings")
COLOURS = {"inserted": "#16a34a", "updated": "#2563eb", "unchanged": "#9ca3af", "failed": "#dc2626"}
ERROR_COLOUR = "#f59e0b"
WITH_ERRORS = "with-errors"  # the tag of a run whose job completed with errors
EMAIL = re.compile(r"[^\s@\"'<>()\[\],:;]{1,64}@[^\s@\"'<>()\[\],:;]{1,255}")

NAMED_USER_ID = re.compile(  # up to what follows a `user_id` in a message
    rf"({NAMED_USER})(.+?)(?=, as record |, which |, (?:email|username|user_id) is held by |$)"
)

ErrorRow = Mapping[str, object]  # source, record, line, code, path, message, severity
PlannedRow = Mapping[str, object]  # record, line, outcome, changes, codes, user_id, matched_by
NONE: Mapping[str, str] = {}


def mask_emails(text: str) -> str:
    """Return the text with each e-mail address reduced to its first letter and `***`."""
    return EMAIL.sub(lambda match: f"{match[0][0]}***@***", text)


def mask_keys(text: str) -> str:
    """Return a message with each e-mail address and each `user_id` reduced to its first letter and `***`."""
    return NAMED_USER_ID.sub(lambda match: f"{match[1]}{match[2][0]}***", mask_emails(text))


def get_counts(summary: JobSummary) -> dict[str, int]:
    """Return the row counts of a job by name, in the order of `COUNTS`."""
    return {name: getattr(summary, name) for name in COUNTS}


def format_sentence(summary: JobSummary, *, is_repeat: bool = False) -> str:
    """Return how a job ended in a sentence, for the message of the run's state."""
    dry_run = "dry run, nothing changed: " if summary.dry_run and summary.status in DONE else ""
    repeat = f"already imported by job {summary.job_id}: " if is_repeat else ""
    return f"{repeat}{dry_run}{mask_emails(summary.sentence)}"


def format_data(summary: JobSummary) -> dict[str, object]:
    """Return the summary as plain JSON values with e-mail addresses masked, for the data of the run's state."""

    def mask(value: object) -> object:
        if isinstance(value, dict):
            return {name: mask(item) for name, item in value.items()}
        if isinstance(value, list):
            return [*map(mask, value)]
        return mask_emails(value) if isinstance(value, str) else value

    document = {name: value for name, value in summary.to_dict().items() if name != "kept_users"}
    return {name: mask(value) for name, value in json.loads(json.dumps(document)).items()}


def format_labels(summary: JobSummary, *, is_repeat: bool = False) -> dict[str, int | str]:
    """Return the labels of the run: they can be read over REST without access to the result storage. A run that repeats
    an earlier one has no counts, so that they can be added up."""
    labels: dict[str, int | str] = {
        **({} if is_repeat else get_counts(summary)),
        "connection": summary.connection,
        "mode": summary.mode,
        "status": summary.status.value,
        "phase": "already imported" if is_repeat else end_of(summary),
        **({"fault": summary.fault["code"]} if summary.fault else {}),
        "job_id": summary.job_id,
    }
    return {f"import.{name}": value for name, value in labels.items()}


def format_summary(
    summary: JobSummary, *, steps: Sequence[Step] = (), deployments: Mapping[str, str] = NONE, is_repeat: bool = False
) -> str:
    """Return the job as a page of Markdown: its result, what to do next, its counts, charts of outcomes and codes."""
    facts = list(_get_facts(summary).items())
    head = (
        "Already imported" if is_repeat else f"{'Dry run' if summary.dry_run else 'Import'}: {status_in_words(summary)}"
    )
    parts = [
        f"# {head}",
        f"An earlier job has imported the same, job {summary.job_id}; nothing was imported again. Its result:"
        if is_repeat
        else "",
        _escape(summary.sentence) + ".",
        _format_hint(summary.fault["hint"]) if summary.fault else "",
        "This was a dry run: nothing was changed." if summary.dry_run else "",
        format_steps(steps, deployments),
        _draw_chart("Rows by outcome", [Bar(name, getattr(summary, name), colour) for name, colour in COLOURS.items()])
        if summary.total
        else "",
        _format_table(facts[1:], head=facts[0]),
        *_format_error_codes(summary.errors_by_code),
    ]
    return "\n\n".join(part for part in parts if part)


def format_undo(summary: UndoSummary) -> str:
    """Return an undo as a page of Markdown: its result and the first users that were kept, by masked `user_id`."""
    kept = [
        (_mask(user.user_id), user.code, user.message.replace(user.user_id, _mask(user.user_id), 1))
        for user in summary.kept_users[:SHOWN_ERRORS]
    ]
    facts = [
        ("undoes job", summary.sources[0]),
        ("connection", summary.connection),
        ("users that the job changed", f"{summary.total:,}"),
        ("reverted", f"{summary.reversed:,}"),
        ("kept", f"{summary.kept:,}"),
        ("job", summary.job_id),
    ]
    page = format_page(
        f"{'Undo, dry run' if summary.dry_run else 'Undo'}: {status_in_words(summary)}",
        summary.sentence,
        hint=summary.fault["hint"] if summary.fault else "This was a dry run: nothing was changed." * summary.dry_run,
        table=facts,
    )
    table = _format_table(kept, head=("user", "code", "why it was kept")) if kept else ""
    return f"{page}\n\n{table}".rstrip()


def format_page(title: str, sentence: str, *, hint: str = "", table: Sequence[tuple[str, ...]] = ()) -> str:
    """Return a short page of Markdown; the first row of the table is its head."""
    parts = [f"# {title}", f"{_escape(sentence)}.", _format_hint(hint)]
    parts.append(_format_table(table[1:], head=table[0]) if len(table) > 1 else "")
    return "\n\n".join(part for part in parts if part)


def format_steps(steps: Sequence[Step], deployments: Mapping[str, str]) -> str:
    """Return what to do next as a list, each with the form of its deployment, filled in, and its command;
    `deployments` has the ids of those that the server has. A step that would name an address is left out."""
    shown = [step for step in steps if escape_bytes(mask_emails(step.command)) == step.command]
    lines = [f"* **{step.what}**: {_format_ways(step, deployments)}" for step in shown]
    return "\n".join(["## Next", "", *lines]) if lines else ""


def format_errors(errors: Sequence[ErrorRow]) -> list[dict[str, object]]:
    """Return the first `SHOWN_ERRORS` errors as table rows."""
    return [
        {
            "file": mask_emails(PurePath(str(error["source"] or "")).name),
            **{name: error[name] for name in ("record", "line")},
            "code": f"{error['code']}{' (warning)' if error['severity'] == Severity.WARNING.value else ''}",
            **{name: mask_keys(str(error[name])) for name in ("path", "message")},
        }
        for error in errors[:SHOWN_ERRORS]
    ]


def describe_errors(summary: JobSummary, *, shown: int, database: Path) -> str:
    """Return a sentence on how many errors and warnings the table contains and how to list the others."""
    total = sum(summary.errors_by_code.values())
    if shown >= total + summary.warnings:
        return f"all {shown:,} errors and warnings" if summary.warnings else f"all {shown:,} errors"
    every = format_command("jobs", "errors", summary.job_id, database=database)
    warnings = f" and {summary.warnings:,} warnings" if summary.warnings else ""
    return f"the first {shown:,} of {total:,} errors{warnings}; all of them: `{every}`"


def format_plan(rows: Sequence[PlannedRow]) -> list[dict[str, object]]:
    """Return rows of a plan as table rows: `changes` are names of fields, a `user_id` is masked."""
    return [{**row, "user_id": _mask(str(row["user_id"])) if row["user_id"] else ""} for row in rows]


def describe_plan(summary: JobSummary, *, shown: int) -> str:
    """Return a sentence on what the table of the plan contains."""
    rows = f"all {shown:,} rows" if shown >= summary.total else f"the first {shown:,} of {summary.total:,} rows"
    return (
        f"what each row {'would do' if summary.dry_run else 'does'}: {rows}; the option `plan` writes all, with values"
    )


def format_duration(seconds: float) -> str:
    """Return a duration with its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def status_in_words(summary: JobSummary) -> str:
    """Return the status of a job as people read it."""
    return summary.status.value.replace("_", " ")


def end_of(summary: JobSummary) -> str:
    """Return the last phase of a job: done, failed or canceled."""
    return "done" if summary.status in DONE else summary.status.value


def _mask(key: str) -> str:
    return f"{key[:1]}***"


def _format_ways(step: Step, deployments: Mapping[str, str]) -> str:
    command = f"`{step.command}`"
    if step.deployment is None or step.deployment not in deployments:
        return command
    parameters = json.dumps(step.parameters, separators=(",", ":"))
    form = f"/deployments/deployment/{deployments[step.deployment]}/run?parameters={quote(parameters)}"
    return f"[run the deployment {step.deployment}]({form}), its form is filled in; or {command}"


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


def _format_hint(hint: str) -> str:
    """Return a hint in italics; the commands in it are between backticks."""
    parts = hint.split("`")
    shown = "`".join(mask_emails(part) if number % 2 else _escape(part) for number, part in enumerate(parts))
    return f"*{shown}*" if hint else ""


def _escape(text: str) -> str:
    """Escape Markdown in text from a file name or a fault, and mask e-mail addresses."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", mask_emails(text)).replace("\n", " ")
