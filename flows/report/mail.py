"""Send one plain-text mail through an SMTP server: encrypted if the server can, always if a password is sent.

The text of the mail is made in `flows.report.notices`.
"""

import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from flows.report.webhook import DeliveryError

WAITS = (2.0, 6.0)  # seconds before the second and third attempt
TIMEOUT_SECONDS = 15.0
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}  # submission: with a user name


@dataclass(frozen=True)
class Mail:
    """A mail with its sender and recipients."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str


def send_mail(url: str, mail: Mail, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Send the mail through the server of `smtp[s]://[user:password@]host[:port]`, and retry temporary failures.

    Raises:
        DeliveryError: the server cannot be reached, or refuses the mail.

    """
    server = urlsplit(url)
    message = _message(mail)
    reason: Exception | None = None
    for wait in (0.0, *WAITS):
        sleep(wait)
        try:
            _send(server, message)
        except OSError as error:  # of the connection, or of SMTP
            reason = error
            if isinstance(error, smtplib.SMTPNotSupportedError) or getattr(error, "smtp_code", 0) >= 500:
                break
        else:
            return
    raise DeliveryError(f"the mail through {server.hostname} was not sent: {_describe(reason)}")


def _send(server: SplitResult, message: EmailMessage) -> None:
    with _client(server) as client:
        if server.username:
            client.login(unquote(server.username), unquote(server.password or ""))
        client.send_message(message)


def _client(server: SplitResult) -> smtplib.SMTP:
    """Connect, encrypted if the server offers it; with a password, only if its certificate is valid for the host."""
    host, context = str(server.hostname), ssl.create_default_context()
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, server.port or PORTS["smtps"], timeout=TIMEOUT_SECONDS, context=context)
    client = smtplib.SMTP(
        host, server.port or PORTS["submission" if server.username else "smtp"], timeout=TIMEOUT_SECONDS
    )
    client.ehlo()
    if client.has_extn("starttls"):
        client.starttls(context=context if server.username else _unverified_context())
    elif server.username:
        client.close()
        raise smtplib.SMTPNotSupportedError("it does not offer encryption, so the password was not sent")
    return client


def _unverified_context() -> ssl.SSLContext:
    """Accept any certificate, for an internal relay without a password: encryption is better than none."""
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


def _describe(error: Exception | None) -> str:
    """Return the kind of failure without the server's own text, which may contain addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return str(error)
    return type(error).__name__
