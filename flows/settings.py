"""What the environment and the command line say about this process, read once at the entry and passed down."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar

from flows.caps import Caps

Number = TypeVar("Number", int, float)

DEFAULT_DATABASE = Path("data/users.duckdb")
MEMORY = "1GB"  # for DuckDB, unless somebody says otherwise
MEMORY_OF_IMPORT = "400MB"  # is as fast for a merge, and what a job takes then does not grow with its file
LONG_RECORD_BYTES = 4096  # records longer than this need more, to be joined with users as long
THREAD_BYTES = 100_000_000  # of that for each thread of DuckDB; with a quarter of it a merge ran out of memory
LONG_THREAD_BYTES = 400_000_000  # the same with long records
SIZE = re.compile(r"(?=[0-9. ]*[1-9])([0-9]+(?:\.[0-9]+)?) ?([KMGT])(i?)B", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the tables live and what a job may use; seconds, days and bytes as the names say."""

    database: Path = DEFAULT_DATABASE
    wait_seconds: float = 30.0  # for a database that another process holds
    jobs_per_connection: int = 2
    time_limit_seconds: float = 2 * 60 * 60
    retention_days: int = 7
    memory_limit: str | None = None  # of DuckDB, which spills to the job folder beyond; None: by what it has to do
    thread_bytes: int = THREAD_BYTES  # as many threads as have so much of it each
    caps: Caps = field(default_factory=Caps)

    @property
    def jobs_folder(self) -> Path:
        """The folder that holds one private folder per job, beside the database itself whatever links lead to it."""
        return Path(os.path.realpath(self.database)).parent / "jobs"

    def for_records(self, mean_bytes: float) -> "Settings":
        """The settings of a merge of records of that mean length."""
        if mean_bytes > LONG_RECORD_BYTES:
            return replace(self, memory_limit=self.memory_limit or MEMORY, thread_bytes=LONG_THREAD_BYTES)
        return replace(self, memory_limit=self.memory_limit or MEMORY_OF_IMPORT)

    @property
    def memory(self) -> str:
        """How much memory DuckDB has."""
        return self.memory_limit or MEMORY

    @property
    def most_threads(self) -> int:
        """How many threads the memory is enough for."""
        return max(1, int(_bytes_of(self.memory) // self.thread_bytes))


def settings_from(
    environment: Mapping[str, str], *, database: Path | None = None, memory_limit: str | None = None
) -> Settings:
    """The settings that `IMPORT_…` variables give, defaults elsewhere; what is given here counts more than they.

    Raises:
        ValueError: a number or a size is none.

    """
    defaults = Settings()
    said = environment.get("IMPORT_MEMORY_LIMIT") if memory_limit is None else memory_limit
    return Settings(
        database=database or Path(environment.get("IMPORT_DATABASE", DEFAULT_DATABASE)),
        wait_seconds=_number(environment, "IMPORT_WAIT_SECONDS", defaults.wait_seconds),
        jobs_per_connection=_number(environment, "IMPORT_JOBS_PER_CONNECTION", defaults.jobs_per_connection),
        time_limit_seconds=_number(environment, "IMPORT_TIME_LIMIT_SECONDS", defaults.time_limit_seconds),
        retention_days=_number(environment, "IMPORT_RETENTION_DAYS", defaults.retention_days),
        memory_limit=None if said is None else memory_size(said),
        caps=_caps_from(environment),
    )


def memory_size(text: str) -> str:
    """The size if it is one: a number with KB, MB, GB or TB (powers of 1000) or KiB and so on (of 1024).

    Raises:
        ValueError: it is none, and none that anything can be done in.

    """
    _bytes_of(text)
    return text.strip()


def _bytes_of(size: str) -> float:
    found = SIZE.fullmatch(size.strip())
    if found is None:
        raise ValueError(f"{size!r} is no size in memory, as 512MB or 2GB")
    base = 1024.0 if found[3] else 1000.0
    return float(found[1]) * base ** (1 + "KMGT".index(found[2].upper()))


def _caps_from(environment: Mapping[str, str]) -> Caps:
    """The caps of reading: each is set by the variable of its name, `IMPORT_RECORD_BYTES` and so on."""
    defaults = Caps()
    names = (cap.name for cap in fields(Caps))
    return Caps(**{name: _number(environment, f"IMPORT_{name.upper()}", getattr(defaults, name)) for name in names})


def _number(environment: Mapping[str, str], name: str, default: Number) -> Number:
    """The number that a variable says, of the default's type."""
    text = environment.get(name)
    if text is None:
        return default
    try:
        number = type(default)(text)
    except ValueError:
        number = None
    if number is None or not number >= 0:
        raise ValueError(f"{name} is {text!r}, and not a number from 0 on")
    return number
