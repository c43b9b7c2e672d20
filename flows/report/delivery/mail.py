"""Send one plain-text mail through an SMTP server: encrypted if the server can, always if a password is sent.

The text of the mail is made in `flows.report.notices`.
"""

import smtplib
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from urllib.parse import SplitResult, unquote, urlsplit

from flows.report.delivery.attempts import DeliveryError, Sleep, TemporaryError, retry

WAITS = (0.0, 2.0, 6.0)  # seconds before each attempt
TIMEOUT_SECONDS = 15.0
PORTS = {"smtp": 25, "submission": 587, "smtps": 465}  # submission: with a user name


@dataclass(frozen=True)
class Mail:
    """A mail with its sender and recipients."""

    sender: str
    to: tuple[str, ...]
    subject: str
    text: str


def send_mail(url: str, mail: Mail, *, sleep: Sleep = time.sleep) -> None:
    """Send the mail through the server of `smtp[s]://[user:password@]host[:port]`, and retry temporary failures.
    Raise `DeliveryError` if the server cannot be reached, or refuses the mail."""
    retry(partial(_send, urlsplit(url), _message(mail)), waits=WAITS, sleep=sleep)


def _send(server: SplitResult, message: EmailMessage) -> None:
    try:
        with _client(server) as client:
            if server.username:
                client.login(unquote(server.username), unquote(server.password or ""))
            client.send_message(message)
    except OSError as error:  # of the connection, or of SMTP
        is_final = isinstance(error, smtplib.SMTPNotSupportedError) or getattr(error, "smtp_code", 0) >= 500
        kind = DeliveryError if is_final else TemporaryError
        raise kind(f"the mail through {server.hostname} was not sent: {_describe(error)}") from None


def _client(server: SplitResult) -> smtplib.SMTP:
    """Connect, encrypted if the server offers it; with a password, only if its certificate is valid for the host."""
    host = str(server.hostname)
    if server.scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, server.port or PORTS["smtps"], timeout=TIMEOUT_SECONDS, context=context)
    port = server.port or PORTS["submission" if server.username else "smtp"]
    client = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    client.ehlo()
    if client.has_extn("starttls"):
        context = ssl.create_default_context()
        if not server.username:  # an internal relay may have any certificate: encryption is better than none
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        client.starttls(context=context)
    elif server.username:
        client.close()
        raise smtplib.SMTPNotSupportedError("it does not offer encryption, so the password was not sent")
    return client


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


def _describe(error: OSError) -> str:
    """Return the kind of failure without the server's own text, which may contain addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return str(error)
    return type(error).__name__
