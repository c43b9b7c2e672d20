"""A notice reports how a job ended to the configured recipients, without personal data."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

import pytest
import standardwebhooks
from inline_snapshot import snapshot

from flows.report import notices
from flows.report.notices import (
    Notice,
    end_of,
    format_document,
    format_message,
    format_subject,
    format_text,
    notify,
)
from flows.report.targets import NoticeSettings, Target
from schemas.job import JobStatus, JobSummary
from tests.flows.report.receivers import WEBHOOK_SECRET, dripping_receiver, http_receiver, smtp_sink
from tests.flows.report.test_artifacts import FAILED, SUMMARY

end = partial(end_of, database=Path("/srv/users.duckdb"))
RESULTS = [
    replace(SUMMARY, status=JobStatus.COMPLETED, failed=0, errors_by_code={}),
    SUMMARY,
    FAILED,
    replace(FAILED, status=JobStatus.CANCELED, fault={"code": "CANCELED", "message": "canceled", "hint": ""}),
]


def settings_of(targets: Mapping[str, str], *, notify: Sequence[str] = (), private: str = "1") -> NoticeSettings:
    """Return the settings of an environment in which each target that the run names has the address given."""
    environment = {
        "IMPORT_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "IMPORT_WEBHOOK_ALLOW_PRIVATE": private,
        "IMPORT_NOTICE_FROM": "import@example.org",
        **targets,
    }
    return NoticeSettings.from_environment(environment, notify=notify)


@pytest.mark.parametrize("summary", RESULTS, ids=lambda summary: summary.status.value)
def test_every_result_is_sent_by_webhook_and_by_mail(summary: JobSummary) -> None:
    with http_receiver() as received, smtp_sink() as sink:
        smtp_url = f"smtp://127.0.0.1:{sink.port}"
        targets = {"IMPORT_WEBHOOK_URL": received.url, "IMPORT_SMTP_URL": smtp_url, "IMPORT_NOTICE_TO": "a@b.c, d@e.f"}
        assert notify(end(summary), settings_of(targets)) == []
    document = json.loads(received.requests[0].body)
    assert (document["type"], document["timestamp"]) == (f"import.{summary.status.value}", summary.finished_at)
    data = document["data"]
    assert (data["job_id"], data["inserted"], data["errors_by_code"]) == (
        summary.job_id,
        summary.inserted,
        summary.errors_by_code,
    )
    assert summary.job_id.encode() in sink.mails[0].message
    assert sink.mails[0].recipients == ["<a@b.c>", "<d@e.f>"]


def test_a_run_adds_its_targets_and_one_for_problems_hears_only_of_those() -> None:
    with http_receiver() as everything, http_receiver() as problems, smtp_sink() as sink, http_receiver() as chat:
        targets = {
            "IMPORT_NOTIFY": "all",
            "IMPORT_NOTIFY_ALL": everything.url,
            "IMPORT_NOTIFY_CRM_EU": problems.url,
            "IMPORT_NOTIFY_MAIL": "crm@example.org",
            "IMPORT_SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
            "IMPORT_NOTIFY_CHAT": f"mmost://{chat.url.split('/')[2]}/token",
            "IMPORT_NOTIFY_UNUSED": "http://127.0.0.1:9/",
        }
        settings = settings_of(targets, notify=["crm-eu:problems", "mail:problems", "MAIL", "all:problems", "chat"])
        for summary in RESULTS[:2]:
            assert notify(end(summary), settings) == []
    assert (len(everything.requests), len(problems.requests), len(sink.mails), len(chat.requests)) == (2, 1, 2, 2)
    assert json.loads(problems.requests[0].body)["type"] == "import.completed_with_errors"
    texts = [json.loads(request.body)["text"] for request in chat.requests]
    assert texts[1].split("\r\n", 1)[1] == snapshot("""\
10 inserted, 2 updated, 0 unchanged, 3 failed of 15.

python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb\
""")


def test_an_event_has_the_same_id_for_every_receiver_and_another_event_another() -> None:
    with http_receiver(503) as one, http_receiver() as two:
        settings = settings_of({"IMPORT_WEBHOOK_URL": one.url, "IMPORT_NOTIFY_B": two.url}, notify=["b"])
        for summary in RESULTS[1:3]:
            assert notify(end(summary), settings, sleep=lambda _: None) == []
    sent, also_sent = ([request.headers["webhook-id"] for request in got.requests] for got in (one, two))
    assert sent == [also_sent[0], also_sent[0], also_sent[1]]
    assert also_sent[0] != also_sent[1]


def test_a_fragment_of_its_url_is_the_secret_of_a_target() -> None:
    own = "whsec_" + base64.b64encode(b"/" * 32).decode()
    with http_receiver() as received:
        settings = settings_of({"IMPORT_NOTIFY_CRM": f"{received.url}#{own}"}, notify=["crm"])
        assert notify(end(SUMMARY), settings) == []
    (request,) = received.requests
    assert request.path == "/hook?tenant=7"
    assert standardwebhooks.Webhook(own).verify(request.body, dict(request.headers))["type"]


def test_each_failed_delivery_returns_a_sentence_and_raises_nothing() -> None:
    targets = {
        "IMPORT_WEBHOOK_URL": "http://127.0.0.1:9/",
        "IMPORT_NOTICE_TO": "b@example.org",
        "IMPORT_SMTP_URL": "smtp://127.0.0.1:9",
        "IMPORT_NOTIFY": "chat",
        "IMPORT_NOTIFY_CHAT": "mmost://localhost:9/token",
    }
    webhook, mail, chat = notify(end(SUMMARY), settings_of(targets, private="0"), sleep=lambda _: None)
    assert "its address is private" in webhook
    assert "the mail through 127.0.0.1 was not sent" in mail
    assert "the notice to IMPORT_NOTIFY_CHAT was not delivered: its address is private" in chat


def test_an_event_without_a_job_is_a_problem_of_which_every_target_hears() -> None:
    event = Notice(
        type="inbox.blocked",
        sentence="the inbox has been locked for 2 hours",
        timestamp="2026-01-01T00:00:00Z",
        hint="see what holds it",
    )
    with http_receiver() as received, smtp_sink() as sink:
        smtp_url = f"smtp://127.0.0.1:{sink.port}"
        targets = {"IMPORT_NOTIFY_A": received.url, "IMPORT_NOTIFY_B": "b@example.org", "IMPORT_SMTP_URL": smtp_url}
        assert notify(event, settings_of(targets, notify=["a:problems", "b:problems"])) == []
    assert json.loads(received.requests[0].body) == snapshot(
        {
            "type": "inbox.blocked",
            "timestamp": "2026-01-01T00:00:00Z",
            "data": {"message": "the inbox has been locked for 2 hours", "hint": "see what holds it"},
        }
    )
    message = message_from_bytes(sink.mails[0].message, policy=policy.default)
    assert (message["Subject"], message.get_content().replace("\r\n", "\n")) == snapshot(
        (
            "User import: inbox blocked",
            """\
the inbox has been locked for 2 hours.
What to do: see what holds it
""",
        )
    )


def test_nothing_is_sent_without_configuration() -> None:
    assert notify(end(SUMMARY), NoticeSettings.from_environment({})) == []


def test_notice_contains_no_file_names_and_no_addresses() -> None:
    summary = replace(FAILED, sources=("/home/ann/list.csv",), external_id="for ann@example.com")
    notice = end(summary)
    for text in (
        json.dumps(format_document(notice)),
        *(f(notice) for f in (format_text, format_message, format_subject)),
    ):
        assert "list.csv" not in text
        assert "ann@example.com" not in text


def test_webhook_document_of_a_failed_job() -> None:
    assert json.loads(json.dumps(format_document(end(FAILED)))) == snapshot(
        {
            "type": "import.failed",
            "timestamp": "2026-01-01T00:00:02.000000Z",
            "data": {
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
                "not_users": 0,
                "blank_lines": 0,
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
                "hint": "cut there",
            },
        }
    )


def show_mail(summary: JobSummary) -> str:
    notice = end(summary)
    return f"{format_subject(notice)}\n\n{format_text(notice)}"


def test_mail_of_a_job_with_refused_rows() -> None:
    assert show_mail(SUMMARY) == snapshot("""\
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

python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb
""")


def test_mail_of_a_failed_dry_run() -> None:
    assert show_mail(replace(FAILED, dry_run=True)) == snapshot("""\
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

python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb
""")


def test_connection_name_cannot_add_mail_headers() -> None:
    assert "\n" not in format_subject(end(replace(SUMMARY, connection="a\r\nBcc: b")))


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
    monkeypatch.setattr(notices, "DELIVERY_SECONDS", 0.3)
    with dripping_receiver(data) as port:
        url = f"{scheme}://127.0.0.1:{port}/"
        targets = {"IMPORT_WEBHOOK_URL": url}
        if scheme.startswith("smtp"):
            targets = {"IMPORT_SMTP_URL": url, "IMPORT_NOTICE_TO": "b@example.org"}
        start = time.monotonic()
        (failure,) = notify(end(SUMMARY), settings_of(targets))
        assert time.monotonic() - start < 4
    assert failure == f"the notice to {next(reversed(targets))} was not delivered within 0.3 seconds"


def test_a_webhook_url_beyond_ascii_is_escaped() -> None:
    with http_receiver() as received:
        url = received.url.replace("/hook?tenant=7", "/häken/%41 b?q=ü")
        assert notify(end(SUMMARY), settings_of({"IMPORT_WEBHOOK_URL": url})) == []
    assert [request.path for request in received.requests] == ["/h%C3%A4ken/%41%20b?q=%C3%BC"]


@pytest.mark.parametrize("sender", ["a\nBcc: b@example.org", "", "ä@", "\udcff@example.org", "<<>>", '"'])
def test_an_odd_sender_is_a_warning_or_delivered(sender: str) -> None:
    with smtp_sink() as sink:
        url = f"smtp://127.0.0.1:{sink.port}"
        settings = NoticeSettings(targets=(Target("IMPORT_NOTICE_TO", "b@x.org"),), smtp_url=url, mail_from=sender)
        failures = notify(end(SUMMARY), settings, sleep=lambda _: None)
    assert len(failures) + len(sink.mails) == 1


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "\udcff.example", "[::1%25lo]"])
def test_an_impossible_host_is_a_warning(host: str) -> None:
    target = Target("IMPORT_WEBHOOK_URL", f"https://{host}/#{WEBHOOK_SECRET}")
    settings = NoticeSettings(targets=(target,), allow_private_addresses=True)
    (failure,) = notify(end(SUMMARY), settings, sleep=lambda _: None)
    assert "not delivered" in failure
