"""Settings of this process from the environment and the command line, read once at the entry and passed down."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from flows.readers.limits import ReadLimits

DEFAULT_DATABASE = Path("data/users.duckdb")
MEMORY = "1GB"  # for DuckDB, unless set
MEMORY_OF_IMPORT = "400MB"  # as fast for a merge, and a job's memory does not grow with its file
LONG_RECORD_BYTES = 4096  # joins of longer records need more memory
THREAD_BYTES = 100_000_000  # memory of each thread of DuckDB; with a quarter of it a merge ran out
LONG_THREAD_BYTES = 400_000_000  # the same with long records
NUMBERS = ("wait_seconds", "jobs_per_connection", "time_limit_seconds", "retention_days")  # that variables set
SIZE = re.compile(r"(?=[0-9. ]*[1-9])([0-9]+(?:\.[0-9]+)?) ?([KMGT])(i?)B", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the tables are and what a job may use; units as the names say."""

    database: Path = DEFAULT_DATABASE
    wait_seconds: float = 30.0  # for a database that another process holds
    jobs_per_connection: int = 2
    time_limit_seconds: float = 2 * 60 * 60
    retention_days: int = 7
    memory_limit: str | None = None  # of DuckDB, which spills the rest to the job folder; None: by length of records
    thread_bytes: int = THREAD_BYTES  # the number of threads is limited so that each has this much
    limits: ReadLimits = field(default_factory=ReadLimits)

    @property
    def jobs_folder(self) -> Path:
        """The folder of the job folders, beside the database file that links resolve to."""
        return Path(os.path.realpath(self.database)).parent / "jobs"

    def for_records(self, mean_bytes: float) -> "Settings":
        """Return the settings for a merge of records of that mean length."""
        if mean_bytes > LONG_RECORD_BYTES:
            return replace(self, memory_limit=self.memory_limit or MEMORY, thread_bytes=LONG_THREAD_BYTES)
        return replace(self, memory_limit=self.memory_limit or MEMORY_OF_IMPORT)

    @property
    def memory(self) -> str:
        """The memory of DuckDB."""
        return self.memory_limit or MEMORY

    @property
    def most_threads(self) -> int:
        """The number of threads that the memory is enough for."""
        return max(1, int(_bytes_of(self.memory) // self.thread_bytes))


def settings_from(
    environment: Mapping[str, str], *, database: Path | None = None, memory_limit: str | None = None
) -> Settings:
    """Return the settings of the `IMPORT_…` variables, with defaults; the other arguments override them.
    Raise `ValueError` if a variable is not a number or a size."""
    limit = environment.get("IMPORT_MEMORY_LIMIT") if memory_limit is None else memory_limit
    return Settings(
        database=database or Path(environment.get("IMPORT_DATABASE", DEFAULT_DATABASE)),
        **_numbers(environment, NUMBERS, defaults=Settings()),
        memory_limit=None if limit is None else memory_size(limit),
        limits=ReadLimits(**_numbers(environment, ReadLimits.__dataclass_fields__, defaults=ReadLimits())),
    )


def memory_size(text: str) -> str:
    """Return a size of memory: a number with KB, MB, GB or TB (powers of 1000) or KiB and so on (of 1024).
    Raise `ValueError` if the text is not a size, or if it is 0."""
    _bytes_of(text)
    return text.strip()


def _bytes_of(size: str) -> float:
    found = SIZE.fullmatch(size.strip())
    if found is None:
        raise ValueError(f"{size!r} is not a size of memory, such as 512MB or 2GB")
    base = 1024.0 if found[3] else 1000.0
    return float(found[1]) * base ** (1 + "KMGT".index(found[2].upper()))


def _numbers(environment: Mapping[str, str], names: Iterable[str], *, defaults: object) -> dict[str, Any]:
    """Return these fields of the defaults, with the numbers of the variables `IMPORT_<NAME>` that are set."""
    return {name: _number(environment, f"IMPORT_{name.upper()}", getattr(defaults, name)) for name in names}


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    """Return the number that a variable holds, of the default's type."""
    text = environment.get(name)
    if text is None:
        return default
    with suppress(ValueError):
        number = type(default)(text)
        if number >= 0:
            return number
    raise ValueError(f"{name} is {text!r}; it must be a number, 0 or more")


@dataclass(frozen=True, kw_only=True)
class NoticeSettings:
    """Where notices go; nowhere by default."""

    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)
    allow_private_addresses: bool = False
    smtp_url: str = field(default="", repr=False)  # may hold a password
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings of the `IMPORT_…` variables, or raise `ValueError` if one is wrong or missing."""
        private = environment.get("IMPORT_WEBHOOK_ALLOW_PRIVATE", "")
        to = environment.get("IMPORT_NOTICE_TO", "").split(",")
        settings = cls(
            webhook_url=environment.get("IMPORT_WEBHOOK_URL", ""),
            webhook_secret=environment.get("IMPORT_WEBHOOK_SECRET", ""),
            allow_private_addresses=private.lower() in ("1", "true", "yes", "on"),
            smtp_url=environment.get("IMPORT_SMTP_URL", ""),
            mail_from=environment.get("IMPORT_NOTICE_FROM", ""),
            mail_to=tuple(address.strip() for address in to if address.strip()),
        )
        for fault in _find_mistakes(settings):
            raise ValueError(fault)
        return settings


def _find_mistakes(settings: NoticeSettings) -> Iterator[str]:
    if settings.webhook_url and not _is_url(settings.webhook_url, schemes=("http", "https")):
        yield "IMPORT_WEBHOOK_URL must be http[s]://host[:port]/path"
    if settings.webhook_url and not settings.webhook_secret:
        yield "IMPORT_WEBHOOK_SECRET is missing: without it a receiver cannot tell a notice from a forged one"
    if settings.smtp_url and not _is_url(settings.smtp_url, schemes=("smtp", "smtps")):
        yield "IMPORT_SMTP_URL must be smtp[s]://[user:password@]host[:port]"
    if settings.smtp_url and not (settings.mail_to and settings.mail_from):
        yield "IMPORT_NOTICE_FROM and IMPORT_NOTICE_TO must be the addresses of the sender and the receivers"


def _is_url(text: str, *, schemes: tuple[str, ...]) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in schemes and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is not a number, a broken IPv6 address
        return False
