"""Notify people and programs that a job has ended, or that something needs a person.

A notice contains neither file names of its own nor e-mail addresses. Where it goes is in `flows.report.targets`, its
delivery in `flows.report.delivery`. A failed delivery is a sentence; it never changes the result of
a job.
"""

import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from flows.report.artifacts import get_counts, mask_emails
from flows.report.deadline import in_thread, wait_within
from flows.report.delivery.attempts import DeliveryError, Sleep
from flows.report.delivery.chat import Chat, send_message
from flows.report.delivery.mail import Mail, send_mail
from flows.report.delivery.webhook import Webhook, post
from flows.report.targets import NoticeSettings, Target, Way
from flows.settings import format_command
from schemas.job import JobStatus, JobSummary

DELIVERY_SECONDS = 20.0  # for all notices of an event: name servers, connections, every attempt and answer


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What has happened: the end of a job, or something that needs a person."""

    type: str  # what a receiver of the webhook goes by, such as `inbox.blocked`
    sentence: str
    timestamp: str  # ISO 8601
    hint: str = ""
    summary: JobSummary | None = None
    command: str = ""  # that shows more

    @property
    def is_problem(self) -> bool:
        """Return whether something has to be done about it."""
        return self.summary is None or self.summary.status is not JobStatus.COMPLETED


def end_of(summary: JobSummary, *, database: Path) -> Notice:
    """Return the notice about the end of a job."""
    return Notice(
        type=f"import.{summary.status.value}",
        sentence=summary.sentence,
        timestamp=summary.finished_at or summary.created_at,
        hint=summary.fault["hint"] if summary.fault else "",
        summary=summary,
        command=format_command(
            "jobs", "errors" if summary.errors_by_code else "status", summary.job_id, database=database
        ),
    )


def notify(notice: Notice, settings: NoticeSettings, *, sleep: Sleep = time.sleep) -> list[str]:
    """Send a notice to every target at once; return a sentence for each failure."""
    targets = [target for target in settings.targets if notice.is_problem or not target.only_problems]
    deadline = time.monotonic() + DELIVERY_SECONDS
    outcomes = [in_thread(partial(_send, notice, target, settings, sleep=sleep)) for target in targets]
    failures: list[str] = []
    for outcome in outcomes:
        try:
            wait_within(deadline - time.monotonic(), outcome)
        except DeliveryError as reason:
            failures.append(str(reason))
        except TimeoutError:
            failures.append(f"a notice was not delivered within {DELIVERY_SECONDS:g} seconds")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a notice, the job has ended as it has
            failures.append(f"a notice was not delivered: {type(error).__name__}")
    return failures


def format_document(notice: Notice) -> dict[str, object]:
    """Return the JSON document of the webhook; its data is the summary without sources, e-mail addresses masked."""
    data: dict[str, object] = {"message": mask_emails(notice.sentence), "hint": mask_emails(notice.hint)}
    if summary := notice.summary:
        fault = {name: mask_emails(text) for name, text in summary.fault.items()} if summary.fault else None
        external_id = mask_emails(summary.external_id) if summary.external_id else None
        data = {**summary.to_dict(), "external_id": external_id, "fault": fault, **data}
        del data["sources"]
    return {"type": notice.type, "timestamp": notice.timestamp, "data": data}


def format_subject(notice: Notice) -> str:
    """Return the subject of the mail, and the title of the message."""
    if notice.summary is None:
        return f"User import: {notice.type.replace('.', ' ').replace('_', ' ')}"
    job, status = notice.summary, notice.summary.status.value.replace("_", " ")
    return f"Import {status}: {_join_lines(job.connection)}, {job.failed:,} of {job.total:,} rows failed"


def format_text(notice: Notice) -> str:
    """Return the text of the mail."""
    lines = _first_lines(notice)
    if job := notice.summary:
        lines += [
            "",
            *(f"{name}: {count}" for name, count in get_counts(job).items()),
            *(f"  {code}: {count}" for code, count in sorted(job.errors_by_code.items())),
            "",
            f"connection: {_join_lines(job.connection)}",
            f"mode: {job.mode}" + (" (dry run, nothing was changed)" if job.dry_run else ""),
            f"job: {job.job_id}",
            f"finished: {job.finished_at}",
            "",
            notice.command,
        ]
    return mask_emails("\n".join(lines)) + "\n"


def format_message(notice: Notice) -> str:
    """Return the text of the message: in paragraphs, for not every service keeps line breaks."""
    return mask_emails("\n\n".join(filter(None, [*_first_lines(notice), notice.command])))


def _first_lines(notice: Notice) -> list[str]:
    return [f"{notice.sentence}.", *([f"What to do: {notice.hint}"] if notice.hint else [])]


def _send(notice: Notice, target: Target, settings: NoticeSettings, *, sleep: Sleep) -> None:
    subject, allow_private = format_subject(notice), settings.allow_private_addresses
    match target.way:
        case Way.MAIL:
            mail = Mail(settings.mail_from, target.mail_addresses, subject, format_text(notice))
            send_mail(settings.smtp_url, mail, sleep=sleep)
        case Way.WEBHOOK:
            webhook = Webhook(*settings.split_webhook(target), allow_private)
            body = json.dumps(format_document(notice))
            post(webhook, body, message_id=str(uuid5(NAMESPACE_OID, body)), sleep=sleep)  # the same for each target
        case Way.CHAT:
            chat = Chat(target.address, target.variable, allow_private)
            send_message(chat, subject, format_message(notice), is_problem=notice.is_problem, sleep=sleep)


def _join_lines(text: str) -> str:
    return " ".join(text.split())
