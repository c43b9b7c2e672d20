"""A notice reports how a job ended to the configured recipients, without personal data."""

import json
import time
from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from flows.report import notices
from flows.report.notices import format_document, format_subject, format_text, notify
from flows.settings import NoticeSettings
from schemas.job import JobStatus, JobSummary
from tests.flows.report.receivers import dripping_receiver, http_receiver, smtp_sink
from tests.flows.report.test_artifacts import FAILED, SUMMARY

RESULTS = [
    replace(SUMMARY, status=JobStatus.COMPLETED, failed=0, errors_by_code={}),
    SUMMARY,
    FAILED,
    replace(FAILED, status=JobStatus.CANCELED, fault={"code": "CANCELED", "message": "canceled", "hint": ""}),
]


@pytest.mark.parametrize("summary", RESULTS, ids=lambda summary: summary.status.value)
def test_every_result_is_sent_by_webhook_and_by_mail(summary: JobSummary) -> None:
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
    document = json.loads(received.requests[0].body)
    assert document["event"] == f"import.{summary.status.value}"
    assert (document["job_id"], document["inserted"], document["errors_by_code"]) == (
        summary.job_id,
        summary.inserted,
        summary.errors_by_code,
    )
    assert summary.job_id.encode() in sink.mails[0].message


def test_each_failed_delivery_returns_a_sentence_and_raises_nothing() -> None:
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


def test_nothing_is_sent_without_configuration() -> None:
    assert notify(SUMMARY, NoticeSettings.from_environment({})) == []


def test_notice_contains_no_file_names_and_no_addresses() -> None:
    summary = replace(FAILED, sources=("/home/ann/list.csv",), external_id="for ann@example.com")
    for text in (json.dumps(format_document(summary)), format_text(summary), format_subject(summary)):
        assert "list.csv" not in text
        assert "ann@example.com" not in text


def test_webhook_document_of_a_failed_job() -> None:
    assert json.loads(json.dumps(format_document(FAILED))) == snapshot(
        {
            "event": "import.failed",
            "job_id": "11111111-2222-4333-8444-555555555555",
            "external_id": "crm *7*",
            "connection": "crm-eu",
            "profile": "auth0",
            "mode": "upsert",
            "dry_run": False,
            "status": "failed",
            "total": 15,
            "inserted": 10,
            "updated": 2,
            "unchanged": 0,
            "failed": 3,
            "warnings": 0,
            "errors_by_code": {"FORMAT": 2, "DUPLICATED_USER": 1},
            "fault": {
                "code": "FILE_SYNTAX",
                "message": "users.json ends at byte 7 after a***@***",
                "hint": "cut there",
            },
            "created_at": "2026-01-01T00:00:00.000000Z",
            "started_at": "2026-01-01T00:00:01.000000Z",
            "finished_at": "2026-01-01T00:00:02.000000Z",
            "duration_seconds": 75.2,
            "rows_per_second": 36585,
            "lock_seconds": None,
            "message": "users.json ends at byte 7 after a***@*** (FILE_SYNTAX)",
        }
    )


def test_mail_of_a_job_with_refused_rows() -> None:
    assert f"{format_subject(SUMMARY)}\n\n{format_text(SUMMARY)}" == snapshot("""\
Import completed with errors: crm-eu, 3 of 15 rows failed

10 inserted, 2 updated, 0 unchanged, 3 failed of 15.

total: 15
inserted: 10
updated: 2
unchanged: 0
failed: 3
warnings: 0
  DUPLICATED_USER: 1
  FORMAT: 2

connection: crm-eu
mode: upsert
job: 11111111-2222-4333-8444-555555555555
finished: 2026-01-01T00:00:02.000000Z

python -m flows.jobs errors 11111111-2222-4333-8444-555555555555
""")


def test_mail_of_a_failed_dry_run() -> None:
    failed = replace(FAILED, dry_run=True)
    assert f"{format_subject(failed)}\n\n{format_text(failed)}" == snapshot("""\
Import failed: crm-eu, 3 of 15 rows failed

users.json ends at byte 7 after a***@*** (FILE_SYNTAX).
What to do: cut there

total: 15
inserted: 10
updated: 2
unchanged: 0
failed: 3
warnings: 0
  DUPLICATED_USER: 1
  FORMAT: 2

connection: crm-eu
mode: upsert (dry run, nothing was changed)
job: 11111111-2222-4333-8444-555555555555
finished: 2026-01-01T00:00:02.000000Z

python -m flows.jobs errors 11111111-2222-4333-8444-555555555555
""")


def test_connection_name_cannot_add_mail_headers() -> None:
    assert "\n" not in format_subject(replace(SUMMARY, connection="a\r\nBcc: b"))


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
def test_incomplete_configuration_is_refused(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NoticeSettings.from_environment(environment)


def test_repr_of_the_settings_has_no_secrets() -> None:
    settings = NoticeSettings(webhook_secret="hidden-1", smtp_url="smtp://robot:hidden-2@h")
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("scheme", "data"),
    [
        ("http", b"HTTP/1.1 200 OK\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\nX: "),
        ("https", b"\x16\x03\x03\x40\x00"),
        ("smtp", b"220-wait\r\n"),
        ("smtps", b"\x16\x03\x03\x40\x00"),
    ],
)
def test_a_receiver_that_drips_is_left_at_the_deadline(
    scheme: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "DELIVERY_SECONDS", 2.0)
    with dripping_receiver(data) as port:
        url = f"{scheme}://127.0.0.1:{port}/"
        settings = NoticeSettings(webhook_url=url, webhook_secret="s", allow_private_addresses=True)
        if scheme.startswith("smtp"):
            settings = NoticeSettings(smtp_url=url, mail_from="a@example.org", mail_to=("b@example.org",))
        start = time.monotonic()
        (failure,) = notify(SUMMARY, settings)
        assert time.monotonic() - start < 4
    assert failure == "a notice was not delivered within 2 seconds"


def test_a_webhook_url_beyond_ascii_is_escaped() -> None:
    with http_receiver() as received:
        url = received.url.replace("/hook?tenant=7", "/häken/%41 b?q=ü")
        settings = NoticeSettings(webhook_url=url, webhook_secret="s\udcff", allow_private_addresses=True)
        assert notify(SUMMARY, settings) == []
    assert [request.path for request in received.requests] == ["/h%C3%A4ken/%41%20b?q=%C3%BC"]


@pytest.mark.parametrize("sender", ["a\nBcc: b@example.org", "", "ä@", "\udcff@example.org", "<<>>", '"'])
def test_an_odd_sender_is_a_warning_or_delivered(sender: str) -> None:
    with smtp_sink() as sink:
        url = f"smtp://127.0.0.1:{sink.port}"
        settings = NoticeSettings(smtp_url=url, mail_from=sender, mail_to=("b@example.org",))
        failures = notify(SUMMARY, settings, sleep=lambda _: None)
    assert len(failures) + len(sink.mails) == 1


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "\udcff.example", "[::1%25lo]"])
def test_an_impossible_host_is_a_warning(host: str) -> None:
    settings = NoticeSettings(webhook_url=f"https://{host}/", webhook_secret="s", allow_private_addresses=True)
    (failure,) = notify(SUMMARY, settings, sleep=lambda _: None)
    assert "not delivered" in failure
