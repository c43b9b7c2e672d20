"""Sends one plain mail through an SMTP server: encrypted where it can be, always where a password goes over the line.

What it says is `flows.report.notices`'.
"""

import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from flows.report.webhook import Undelivered

WAITS = (2.0, 6.0)  # seconds before the second and third attempt
TIMEOUT_SECONDS = 15.0
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}  # submission: where a user name is given


@dataclass(frozen=True)
class Mail:
    """Who writes to whom, and what."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str


def send_mail(url: str, mail: Mail, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Hand the mail to the server of `smtp[s]://[user:password@]host[:port]`, with patience.

    Raises:
        Undelivered: the server cannot be fault_point, or refuses.

    """
    server = urlsplit(url)
    message = _message(mail)
    reason: Exception | None = None
    for wait in (0.0, *WAITS):
        sleep(wait)
        try:
            _send(server, message)
        except (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError) as error:
            reason = error
            if getattr(error, "smtp_code", 500) >= 500:
                break
        except (OSError, smtplib.SMTPException) as error:
            reason = error
        else:
            return
    raise Undelivered(f"the mail through {server.hostname} was not sent: {_told(reason)}")


def _send(server: SplitResult, message: EmailMessage) -> None:
    with _client(server) as client:
        if server.username:
            client.login(unquote(server.username), unquote(server.password or ""))
        client.send_message(message)


def _client(server: SplitResult) -> smtplib.SMTP:
    """A connection, encrypted where the server offers it; where a password follows, only to the host it names."""
    host, context = str(server.hostname), ssl.create_default_context()
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, server.port or PORTS["smtps"], timeout=TIMEOUT_SECONDS, context=context)
    client = smtplib.SMTP(
        host, server.port or PORTS["submission" if server.username else "smtp"], timeout=TIMEOUT_SECONDS
    )
    client.ehlo()
    if client.has_extn("starttls"):
        client.starttls(context=context if server.username else _any_certificate())
    elif server.username:
        client.close()
        raise smtplib.SMTPNotSupportedError("it offers no encryption, so no password is sent")
    return client


def _any_certificate() -> ssl.SSLContext:
    """For a relay of the house, without a password: encrypted to whoever answers is better than not encrypted."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = mail.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain="user-import.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _told(error: Exception | None) -> str:
    """The kind of failure; a server's own words may repeat addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return str(error)
    return type(error).__name__
