"""Tells people and programs that a job has ended: a signed webhook and an e-mail, each only where configured.

What is told is the summary, without its files and without addresses. How it travels is in `flows.report.webhook` and
`flows.report.mail`, who is told in `flows.settings`.
A notice that cannot be delivered is a sentence for the log; it never changes how a job ended.
"""

import time
from collections.abc import Callable, Iterator

from flows.report.artifacts import COUNTS, masked
from flows.report.mail import Mail, send_mail
from flows.report.webhook import Undelivered, Webhook, post
from flows.settings import NoticeSettings
from schemas.job import JobSummary


def notify(summary: JobSummary, settings: NoticeSettings, *, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Send what is configured; one sentence for each notice that could not be delivered."""
    failures: list[str] = []
    for send in _notices(summary, settings, sleep=sleep):
        try:
            send()
        except Undelivered as reason:
            failures.append(str(reason))
    return failures


def notice(summary: JobSummary) -> dict[str, object]:
    """The summary as a webhook carries it: counts and codes, without the list of files, without addresses."""
    document = summary.to_dict()
    document.pop("sources")
    fault = {name: masked(text) for name, text in summary.fault.items()} if summary.fault else None
    return {
        "event": f"import.{summary.status.value}",
        **document,
        "external_id": masked(summary.external_id) if summary.external_id else None,
        "fault": fault,
        "message": masked(summary.sentence),
    }


def subject(summary: JobSummary) -> str:
    """The notice in one line."""
    words = summary.status.value.replace("_", " ")
    return f"Import {words}: {_one_line(summary.connection)}, {summary.failed} of {summary.total} rows failed"


def text(summary: JobSummary) -> str:
    """The notice as a mail says it."""
    fault = [f"What to do: {summary.fault['hint']}"] if summary.fault and summary.fault["hint"] else []
    lines = [
        f"{summary.sentence}.",
        *fault,
        "",
        *(f"{name}: {getattr(summary, name)}" for name in COUNTS),
        *(f"  {code}: {count}" for code, count in sorted(summary.errors_by_code.items())),
        "",
        f"connection: {_one_line(summary.connection)}",
        f"mode: {summary.mode}" + (" (dry run, nothing was changed)" if summary.dry_run else ""),
        f"job: {summary.job_id}",
        f"finished: {summary.finished_at}",
        "",
        f"python -m flows.jobs errors {summary.job_id}",
    ]
    return masked("\n".join(lines)) + "\n"


def _notices(
    summary: JobSummary, settings: NoticeSettings, *, sleep: Callable[[float], None]
) -> Iterator[Callable[[], None]]:
    if settings.webhook_url:
        target = Webhook(settings.webhook_url, settings.webhook_secret, settings.allow_private_addresses)
        yield lambda: post(target, notice(summary), delivery=summary.job_id, sleep=sleep)
    if settings.smtp_url:
        mail = Mail(settings.mail_from, settings.mail_to, subject(summary), text(summary))
        yield lambda: send_mail(settings.smtp_url, mail, sleep=sleep)


def _one_line(words: str) -> str:
    return " ".join(words.split())
