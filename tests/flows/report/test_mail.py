"""A mail reaches a real SMTP server, and a password never travels in clear."""

from email import message_from_bytes, policy

import pytest

from flows.report.mail import Mail, send_mail
from flows.report.webhook import Undelivered
from tests.flows.report.receivers import smtp_sink

MAIL = Mail("import@example.org", ("ops@example.org", "crm@example.org"), "Import completed", "10 inserted — fine.\n")


def test_the_mail_arrives_at_everybody_with_its_words() -> None:
    with smtp_sink() as sink:
        send_mail(f"smtp://127.0.0.1:{sink.port}", MAIL)
    ((sender, to, raw),) = sink.mails
    assert sender.startswith("<import@example.org>")
    assert to == ["<ops@example.org>", "<crm@example.org>"]
    message = message_from_bytes(raw, policy=policy.default)
    assert message["Subject"] == "Import completed"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == "10 inserted — fine.\n"


def test_a_server_that_is_busy_is_asked_again() -> None:
    waits: list[float] = []
    with smtp_sink(b"451 later", b"421 later") as sink:
        send_mail(f"smtp://127.0.0.1:{sink.port}", MAIL, sleep=waits.append)
    assert len(sink.mails) == 1
    assert waits == [0.0, 2.0, 6.0]


def test_a_refusal_is_final_and_says_no_address() -> None:
    with smtp_sink(b"550 ops@example.org is not welcome") as sink, pytest.raises(Undelivered) as raised:
        send_mail(f"smtp://127.0.0.1:{sink.port}", MAIL, sleep=lambda _: None)
    assert str(raised.value) == "the mail through 127.0.0.1 was not sent: it answered 550"
    assert sink.commands.count("MAIL") == 1


def test_no_password_is_given_to_a_server_without_encryption() -> None:
    with smtp_sink() as sink, pytest.raises(Undelivered, match="no encryption, so no password is sent") as raised:
        send_mail(f"smtp://robot:pa%40ss@127.0.0.1:{sink.port}", MAIL, sleep=lambda _: None)
    assert "AUTH" not in sink.commands
    assert "ss" not in str(raised.value).split(":")[0]


def test_nobody_at_the_address_is_a_sentence() -> None:
    with pytest.raises(Undelivered, match="ConnectionRefusedError"):
        send_mail("smtp://127.0.0.1:9", MAIL, sleep=lambda _: None)
