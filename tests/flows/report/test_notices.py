"""A notice says how a job ended, to whoever is configured, and holds nothing of any person."""

import json
from dataclasses import replace

import pytest

from flows.report.notices import notice, notify, subject, text
from flows.settings import NoticeSettings
from schemas.job import JobStatus, JobSummary
from tests.flows.report.receivers import http_receiver, smtp_sink
from tests.flows.report.test_artifacts import FAILED, SUMMARY

ENDS = [
    replace(SUMMARY, status=JobStatus.COMPLETED, failed=0, errors_by_code={}),
    SUMMARY,
    FAILED,
    replace(FAILED, status=JobStatus.CANCELED, fault={"code": "CANCELED", "message": "canceled", "hint": ""}),
]


@pytest.mark.parametrize("summary", ENDS, ids=lambda summary: summary.status.value)
def test_every_end_is_told_by_webhook_and_by_mail(summary: JobSummary) -> None:
    with http_receiver() as received, smtp_sink() as sink:
        settings = NoticeSettings(
            webhook_url=received.url,
            webhook_secret="s",
            allow_private_addresses=True,
            smtp_url=f"smtp://127.0.0.1:{sink.port}",
            mail_from="import@example.org",
            mail_to=("ops@example.org",),
        )
        assert notify(summary, settings) == []
    told = json.loads(received.requests[0][2])
    assert told["event"] == f"import.{summary.status.value}"
    assert (told["job_id"], told["inserted"], told["errors_by_code"]) == (
        summary.job_id,
        summary.inserted,
        summary.errors_by_code,
    )
    assert summary.job_id.encode() in sink.mails[0][2]


def test_what_cannot_be_delivered_is_a_sentence_each_and_no_exception() -> None:
    settings = NoticeSettings(
        webhook_url="http://127.0.0.1:9/",
        webhook_secret="s",
        smtp_url="smtp://127.0.0.1:9",
        mail_from="a",
        mail_to=("b",),
    )
    webhook, mail = notify(SUMMARY, settings, sleep=lambda _: None)
    assert "its address is private" in webhook
    assert "the mail through 127.0.0.1 was not sent" in mail


def test_nothing_is_sent_where_nothing_is_configured() -> None:
    assert notify(SUMMARY, NoticeSettings.from_environment({})) == []


def test_a_notice_holds_no_files_and_no_addresses() -> None:
    summary = replace(FAILED, sources=("/home/ann/list.csv",), external_id="for ann@example.com")
    for told in (json.dumps(notice(summary)), text(summary), subject(summary)):
        assert "list.csv" not in told
        assert "ann@example.com" not in told


def test_a_connection_cannot_write_headers_of_its_own() -> None:
    assert "\n" not in subject(replace(SUMMARY, connection="a\r\nBcc: b"))


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"IMPORT_WEBHOOK_URL": "ftp://h/", "IMPORT_WEBHOOK_SECRET": "s"}, "IMPORT_WEBHOOK_URL must be"),
        ({"IMPORT_WEBHOOK_URL": "https://h:x/", "IMPORT_WEBHOOK_SECRET": "s"}, "IMPORT_WEBHOOK_URL must be"),
        ({"IMPORT_WEBHOOK_URL": "https://h/"}, "IMPORT_WEBHOOK_SECRET is missing"),
        ({"IMPORT_SMTP_URL": "mail.example.org"}, "IMPORT_SMTP_URL must be"),
        ({"IMPORT_SMTP_URL": "smtp://h", "IMPORT_NOTICE_TO": "a@b.c"}, "IMPORT_NOTICE_FROM and IMPORT_NOTICE_TO"),
    ],
)
def test_half_a_configuration_is_refused_before_anything_runs(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NoticeSettings.from_environment(environment)


def test_the_settings_do_not_show_their_secrets() -> None:
    settings = NoticeSettings(webhook_secret="hidden-1", smtp_url="smtp://robot:hidden-2@h")
    assert "hidden" not in repr(settings)
