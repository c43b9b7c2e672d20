"""Who is told that a job has ended, as the environment says. Light: it is read before anything is started.

The notices themselves are `flows.notices`'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

TRUE = ("1", "true", "yes", "on")


@dataclass(frozen=True, kw_only=True)
class NoticeSettings:
    """Who is told; everything empty means nobody."""

    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    allow_private_addresses: bool = False
    smtp_url: str = field(default="", repr=False)  # may hold a password
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings that `IMPORT_…` variables give.

        Raises:
            ValueError: a half configuration, as a sentence that names the variable.

        """
        to = environment.get("IMPORT_NOTICE_TO", "").split(",")
        settings = cls(
            webhook_url=environment.get("IMPORT_WEBHOOK_URL", ""),
            webhook_secret=environment.get("IMPORT_WEBHOOK_SECRET", ""),
            allow_private_addresses=environment.get("IMPORT_WEBHOOK_ALLOW_PRIVATE", "").lower() in TRUE,
            smtp_url=environment.get("IMPORT_SMTP_URL", ""),
            mail_from=environment.get("IMPORT_NOTICE_FROM", ""),
            mail_to=tuple(address.strip() for address in to if address.strip()),
        )
        for fault in _half_configured(settings):
            raise ValueError(fault)
        return settings


def _half_configured(settings: NoticeSettings) -> Iterator[str]:
    if settings.webhook_url and not _is_url(settings.webhook_url, schemes=("http", "https")):
        yield "IMPORT_WEBHOOK_URL must be http[s]://host[:port]/path"
    if settings.webhook_url and not settings.webhook_secret:
        yield "IMPORT_WEBHOOK_SECRET is missing: without it nobody can tell a notice from a forged one"
    if settings.smtp_url and not _is_url(settings.smtp_url, schemes=("smtp", "smtps")):
        yield "IMPORT_SMTP_URL must be smtp[s]://[user:password@]host[:port]"
    if settings.smtp_url and not (settings.mail_to and settings.mail_from):
        yield "IMPORT_NOTICE_FROM and IMPORT_NOTICE_TO must name who writes and who is written to"


def _is_url(text: str, *, schemes: tuple[str, ...]) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in schemes and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, a broken IPv6 address
        return False
