"""A mail reaches a real SMTP server, and a password is never sent unencrypted."""

from email import message_from_bytes, policy

import pytest

from flows.report.delivery.attempts import DeliveryError
from flows.report.delivery.mail import Mail, send_mail
from tests.flows.report.receivers import smtp_sink

MAIL = Mail("import@example.org", ("ops@example.org", "crm@example.org"), "Import completed", "10 inserted — fine.\n")


def test_mail_reaches_every_recipient_unchanged() -> None:
    with smtp_sink() as sink:
        send_mail(f"smtp://127.0.0.1:{sink.port}", MAIL)
    (mail,) = sink.mails
    assert mail.sender.startswith("<import@example.org>")
    assert mail.recipients == ["<ops@example.org>", "<crm@example.org>"]
    message = message_from_bytes(mail.message, policy=policy.default)
    assert message["Subject"] == "Import completed"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == "10 inserted — fine.\n"


def test_busy_server_is_tried_again() -> None:
    waits: list[float] = []
    with smtp_sink(b"451 later", b"421 later") as sink:
        send_mail(f"smtp://127.0.0.1:{sink.port}", MAIL, sleep=waits.append)
    assert len(sink.mails) == 1
    assert waits == [0.0, 2.0, 6.0]


def test_refusal_is_final_and_its_sentence_has_no_address() -> None:
    with smtp_sink(b"550 ops@example.org is not welcome") as sink, pytest.raises(DeliveryError) as raised:
        send_mail(f"smtp://127.0.0.1:{sink.port}", MAIL, sleep=lambda _: None)
    assert str(raised.value) == "the mail through 127.0.0.1 was not sent: it answered 550"
    assert sink.commands.count("MAIL") == 1


def test_password_is_not_sent_to_a_server_without_encryption() -> None:
    with (
        smtp_sink() as sink,
        pytest.raises(DeliveryError, match="does not offer encryption, so the password was not sent") as raised,
    ):
        send_mail(f"smtp://robot:pa%40ss@127.0.0.1:{sink.port}", MAIL, sleep=lambda _: None)
    assert "AUTH" not in sink.commands
    assert "ss" not in str(raised.value).split(":")[0]


def test_unreachable_server_raises_a_sentence() -> None:
    with pytest.raises(DeliveryError, match="ConnectionRefusedError"):
        send_mail("smtp://127.0.0.1:9", MAIL, sleep=lambda _: None)
