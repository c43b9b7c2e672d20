"""Where notices go: the targets that the environment describes, and those of them that a run uses.

A run names its targets, for their URLs hold secrets. What is sent is in `flows.report.notices`.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Self
from urllib.parse import urldefrag, urlsplit

from flows.report.command_line import UsageError
from flows.settings import NO, NO_CONTROLS, NOTICE_TARGET, NOTICE_VARIABLES, YES

ALWAYS = ("IMPORT_WEBHOOK_URL", "IMPORT_NOTICE_TO")  # the targets that every run uses without a name
SECRET_BYTES = range(24, 65)
CHAT_SCHEMES = (  # of Apprise: services that are reached by HTTP
    *("discord", "gchat", "mmost", "mmosts", "ntfy", "ntfys", "opsgenie", "pagerduty", "rocket", "rockets"),
    *("slack", "tgram", "webex", "workflow", "workflows", "wxteams", "zulip"),
)
CHAT_HOSTS = (  # whose URLs Apprise takes as the service gives them out
    "hooks.slack.com",
    "logic.azure.com",
    "api.powerplatform.com",
    "discord.com",
    "chat.googleapis.com",
)


class Way(Enum):
    """How a target is reached."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    CHAT = "chat"


@dataclass(frozen=True)
class Target:
    """A place that notices go to."""

    variable: str  # of the environment, which describes it
    address: str = field(repr=False)  # a URL, which holds secrets, or the addresses of a mail
    only_problems: bool = False

    @property
    def mail_addresses(self) -> tuple[str, ...]:
        """Return the addresses that commas separate."""
        return tuple(text.strip() for text in self.address.split(",") if text.strip())

    @property
    def way(self) -> Way | None:
        """Return how the target is reached; None if the address is of no kind that is."""
        try:
            url = urlsplit(self.address)
            host = f".{url.hostname}" if url.port != 0 and url.hostname else ""
        except ValueError:  # a port that is not a number, a broken IPv6 address
            return None
        if not url.scheme and "@" in self.address:
            return Way.MAIL
        if url.scheme in CHAT_SCHEMES or (url.scheme == "https" and host.endswith(tuple(f".{h}" for h in CHAT_HOSTS))):
            return Way.CHAT
        return Way.WEBHOOK if url.scheme in ("http", "https") and host else None


@dataclass(frozen=True, kw_only=True)
class NoticeSettings:
    """Where notices go; nowhere by default."""

    targets: tuple[Target, ...] = ()
    webhook_secret: str = field(default="", repr=False)
    allow_private_addresses: bool = False
    smtp_url: str = field(default="", repr=False)  # may hold a password
    mail_from: str = ""

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], *, notify: Sequence[str] = (), no_mail: bool = False
    ) -> Self:
        """Return the settings of the `IMPORT_…` variables for a run that notifies targets of these names as well, or
        sends no mail.
        Raise `ValueError` if a variable is wrong or missing, `UsageError` for a name of the run's without a target."""
        private = environment.get("IMPORT_WEBHOOK_ALLOW_PRIVATE", "")
        for name in (*NOTICE_VARIABLES, *filter(_is_target, environment)):
            if not NO_CONTROLS.fullmatch(environment.get(name, "")):
                raise ValueError(f"{name} contains a control character, or bytes that are not UTF-8")
        if private.lower() not in (*YES, *NO):
            raise ValueError(f"IMPORT_WEBHOOK_ALLOW_PRIVATE is {private!r}; it must be 1 or 0")
        settings = cls(
            targets=tuple(_find_targets(environment, notify)),
            webhook_secret=environment.get("IMPORT_WEBHOOK_SECRET", ""),
            allow_private_addresses=private.lower() in YES,
            smtp_url=environment.get("IMPORT_SMTP_URL", ""),
            mail_from=environment.get("IMPORT_NOTICE_FROM", ""),
        )
        for mistake in _find_mistakes(settings):
            raise ValueError(mistake)
        kept = [target for target in settings.targets if not (no_mail and target.way is Way.MAIL)]
        return replace(settings, targets=tuple(kept))

    def split_webhook(self, target: Target) -> tuple[str, str]:
        """Return the URL of a webhook and its secret, which a fragment of the URL may be."""
        url, secret = urldefrag(target.address)
        return url, secret or self.webhook_secret


def _is_target(variable: str) -> bool:
    return variable.startswith(NOTICE_TARGET)


def _find_targets(environment: Mapping[str, str], notify: Sequence[str]) -> Iterator[Target]:
    """Yield each target that a run notifies, once: for problems only if it is not named for everything as well."""
    targets = {name.removeprefix(NOTICE_TARGET).lower(): name for name in environment if _is_target(name)}
    only_problems = {name: False for name in ALWAYS if environment.get(name)}
    everywhere = environment.get("IMPORT_NOTIFY", "").split(",")
    for text in (*everywhere, *notify):
        name, _, when = text.strip().partition(":")
        variable = targets.get(name.lower().replace("-", "_"))
        if variable and when in ("", "problems"):
            only_problems[variable] = bool(when) and only_problems.get(variable, True)
        elif text.strip():
            known = ", ".join(sorted(targets)) or "none"
            kind = ValueError if text in everywhere else UsageError
            raise kind(f"there is no target of notices {text!r}; IMPORT_NOTIFY_… variables describe: {known}")
    for variable, limited in only_problems.items():
        yield Target(variable, environment[variable].strip(), limited)


def _find_mistakes(settings: NoticeSettings) -> Iterator[str]:
    """Yield a sentence about everything without which no notice could be sent; none has a value: it may be secret."""
    url = urlsplit(settings.smtp_url)
    if settings.smtp_url and not (url.scheme in ("smtp", "smtps") and url.hostname):
        yield "IMPORT_SMTP_URL must be smtp[s]://[user:password@]host[:port]"
    for target in settings.targets:
        match target.way:
            case None:
                yield (
                    f"{target.variable} must be http[s]://host[:port]/path, mail addresses, or a URL of Apprise that"
                    f" begins with one of {', '.join(CHAT_SCHEMES)}"
                )
            case Way.MAIL if not (settings.smtp_url and settings.mail_from):
                yield f"IMPORT_SMTP_URL and IMPORT_NOTICE_FROM are missing, with which {target.variable} is sent mail"
            case Way.WEBHOOK if not _is_secret(secret := settings.split_webhook(target)[1]):
                wrong = "is not one of Standard Webhooks" if secret else "is missing"
                yield (
                    f"IMPORT_WEBHOOK_SECRET {wrong}: it must be whsec_ and 24 to 64 bytes in base64;"
                    ' make one with `echo "whsec_$(head -c 32 /dev/urandom | base64)"`'
                )


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and len(key) in SECRET_BYTES
