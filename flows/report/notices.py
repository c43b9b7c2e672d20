"""Notify people and programs that a job has ended: by a signed webhook and by e-mail, each only if configured.

A notice contains the summary without file names and e-mail addresses. Delivery is in `flows.report.webhook` and
`flows.report.mail`, the recipients are in `flows.settings`. A failed delivery is logged; it never changes the result of
a job.
"""

import time
from collections.abc import Callable, Iterator

from flows.report.artifacts import get_counts, mask_emails
from flows.report.deadline import call_within
from flows.report.mail import Mail, send_mail
from flows.report.webhook import DeliveryError, Sleep, Webhook, post
from flows.settings import NoticeSettings
from schemas.job import JobSummary

DELIVERY_SECONDS = 20.0  # for one notice: name server, connection, every attempt and answer


def notify(summary: JobSummary, settings: NoticeSettings, *, sleep: Sleep = time.sleep) -> list[str]:
    """Send the configured notices, and return a sentence for each that was not delivered."""
    failures: list[str] = []
    for send in _notices(summary, settings, sleep=sleep):
        try:
            call_within(DELIVERY_SECONDS, send)
        except DeliveryError as reason:
            failures.append(str(reason))
        except TimeoutError:
            failures.append(f"a notice was not delivered within {DELIVERY_SECONDS:g} seconds")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a notice, the job has ended as it has
            failures.append(f"a notice was not delivered: {type(error).__name__}")
    return failures


def format_document(summary: JobSummary) -> dict[str, object]:
    """Return the JSON document of the webhook: the summary without its sources, with e-mail addresses masked."""
    document = summary.to_dict()
    document.pop("sources")
    fault = {name: mask_emails(text) for name, text in summary.fault.items()} if summary.fault else None
    return {
        "event": f"import.{summary.status.value}",
        **document,
        "external_id": mask_emails(summary.external_id) if summary.external_id else None,
        "fault": fault,
        "message": mask_emails(summary.sentence),
    }


def format_subject(summary: JobSummary) -> str:
    """Return the subject of the mail."""
    status = summary.status.value.replace("_", " ")
    return f"Import {status}: {_join_lines(summary.connection)}, {summary.failed} of {summary.total} rows failed"


def format_text(summary: JobSummary) -> str:
    """Return the text of the mail."""
    fault = [f"What to do: {summary.fault['hint']}"] if summary.fault and summary.fault["hint"] else []
    lines = [
        f"{summary.sentence}.",
        *fault,
        "",
        *(f"{name}: {count}" for name, count in get_counts(summary).items()),
        *(f"  {code}: {count}" for code, count in sorted(summary.errors_by_code.items())),
        "",
        f"connection: {_join_lines(summary.connection)}",
        f"mode: {summary.mode}" + (" (dry run, nothing was changed)" if summary.dry_run else ""),
        f"job: {summary.job_id}",
        f"finished: {summary.finished_at}",
        "",
        f"python -m flows.jobs errors {summary.job_id}",
    ]
    return mask_emails("\n".join(lines)) + "\n"


def _notices(summary: JobSummary, settings: NoticeSettings, *, sleep: Sleep) -> Iterator[Callable[[], None]]:
    if settings.webhook_url:
        target = Webhook(settings.webhook_url, settings.webhook_secret, settings.allow_private_addresses)
        yield lambda: post(target, format_document(summary), delivery=summary.job_id, sleep=sleep)
    if settings.smtp_url:
        yield lambda: send_mail(settings.smtp_url, _mail(summary, settings), sleep=sleep)


def _mail(summary: JobSummary, settings: NoticeSettings) -> Mail:
    return Mail(settings.mail_from, settings.mail_to, format_subject(summary), format_text(summary))


def _join_lines(text: str) -> str:
    return " ".join(text.split())
