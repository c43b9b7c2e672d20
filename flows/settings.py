"""Settings of this process from the environment and the command line, read once at the entry and passed down."""

import difflib
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from flows.readers.limits import Range, ReadLimits, ranges_of
from schemas.options import JobOptions
from schemas.source_names import REMOTE, is_url, without_secrets

DEFAULT_DATABASE = Path("data/users.duckdb")
MEMORY = "1GB"  # for DuckDB, unless set
MEMORY_OF_IMPORT = "400MB"  # as fast for a merge, and a job's memory does not grow with its file
LONG_RECORD_BYTES = 4096  # joins of longer records need more memory
THREAD_BYTES = 100_000_000  # memory of each thread of DuckDB; with a quarter of it a merge ran out
LONG_THREAD_BYTES = 400_000_000  # the same with long records
MEMORY_BYTES = (10_000_000, 100_000_000_000_000)  # with less DuckDB cannot open a database
MOST_SECONDS = 2_592_000.0  # that a job may take: 30 days
SOURCE_BYTES_PER_SECOND = (
    50_000  # a fifth of the slowest import measured: gzip, two processors with eight other processes
)
PREFIX = "IMPORT_"
SIZE = re.compile(r"(?=[0-9. ]*[1-9])([0-9]+(?:\.[0-9]+)?) ?([KMGT])(i?)B", re.IGNORECASE)
YES, NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
NOTICE_VARIABLES = (
    "IMPORT_WEBHOOK_SECRET",
    "IMPORT_WEBHOOK_URL",
    "IMPORT_WEBHOOK_ALLOW_PRIVATE",
    "IMPORT_SMTP_URL",
    "IMPORT_NOTICE_FROM",
    "IMPORT_NOTICE_TO",
    "IMPORT_NOTIFY",
)
NOTICE_TARGET = "IMPORT_NOTIFY_"  # before the name of a target of notices, in capitals
NO_CONTROLS = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")
ROOTS = "IMPORT_ROOTS"
_ROOT = re.compile(rf"(?:{'|'.join(REMOTE)})://[^/{os.pathsep}]*(?::[0-9]+)?(?:/[^{os.pathsep}]*)?|[^{os.pathsep}]+")
_STORE = re.compile(r"(?:s3|gs)://[^/@?#]+/[^@?#]*[^@?#/]")  # all of it below a prefix, without credentials
OUTSIDE = f"is outside of the folders that runs may use ({ROOTS})"
TASK_RUNNER = re.compile(r"auto|none|processes:[1-9][0-9]{0,2}|dask(=(tcp|tls)://\S+)?")
WORKER_BYTES = 100_000_000  # that DuckDB needs in each worker at least
RETENTION_DAYS = Range(0, 36_500)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the tables are and what a job may use; units as the names say."""

    database: Path = DEFAULT_DATABASE
    wait_seconds: Annotated[float, Range(0.0, 86_400.0)] = 30.0  # for a database that another process holds
    jobs_per_connection: Annotated[int, Range(1, 100)] = 2
    retries: Annotated[int, Range(0, 100)] = 3  # of a run of a deployment whose fault will pass
    retry_seconds: Annotated[float, Range(1.0, 86_400.0)] = 60.0  # before the first; each time five times as long
    time_limit_seconds: Annotated[float, Range(1.0, MOST_SECONDS)] = 2 * 60 * 60  # and more by the sources' bytes
    retention_days: Annotated[int, RETENTION_DAYS] = 7
    inbox_retention_days: Annotated[int, RETENTION_DAYS] = 36_500  # of filed files, which may be the only copy
    memory_limit: str | None = None  # of DuckDB, which spills the rest to the job folder; None: by length of records
    thread_bytes: int = THREAD_BYTES  # the number of threads is limited so that each has this much
    limits: ReadLimits = field(default_factory=ReadLimits)
    task_runner: str = "auto"  # where sources are loaded: none, processes:N, dask, dask=ADDRESS; auto: where that pays
    staging: Path | None = None  # the folder of slices, which all workers see; None: that of the job
    staging_url: str = ""  # of an object store, to which the workers of a scheduler copy slices
    url_roots: tuple[str, ...] = ()  # beginnings of URLs that sources may have, where `roots` limit sources
    roots: tuple[Path, ...] = ()  # that sources, outputs and databases must lie in; none: wherever the user may

    @property
    def jobs_folder(self) -> Path:
        """The folder of the job folders."""
        return jobs_folder_of(Path(os.path.realpath(self.database)))

    def slices_of(self, job_id: str) -> Path:
        """The folder of the slices of a job, which all of its workers see."""
        return self.jobs_folder / job_id / "slices" if self.staging is None else self.staging / job_id

    def for_records(self, mean_bytes: float) -> "Settings":
        """Return the settings for a merge of records of that mean length."""
        if mean_bytes > LONG_RECORD_BYTES:
            return replace(self, memory_limit=self.memory_limit or MEMORY, thread_bytes=LONG_THREAD_BYTES)
        return replace(self, memory_limit=self.memory_limit or MEMORY_OF_IMPORT)

    def shared_by(self, workers: int) -> "Settings":
        """Return the settings of one of several workers that share the memory."""
        return replace(self, memory_limit=f"{max(WORKER_BYTES, int(_bytes_of(self.memory)) // workers) // 1000}KB")

    @property
    def memory(self) -> str:
        """The memory of DuckDB."""
        return self.memory_limit or MEMORY

    @property
    def memory_bytes(self) -> float:
        """The memory of DuckDB in bytes."""
        return _bytes_of(self.memory)

    @property
    def most_threads(self) -> int:
        """The number of threads that the memory is enough for."""
        return max(1, int(self.memory_bytes // self.thread_bytes))


def jobs_folder_of(database: Path) -> Path:
    """Return the folder of the job folders, beside the database, whose links are resolved: `jobs`, or `jobs-UID` of the
    database's owner where another user has that: several users can have databases in one folder. What another user has
    put there under that name is not used either."""
    shared, own = (database.with_name(name) for name in ("jobs", f"jobs-{owner_of(database)}"))
    more = [own.with_name(f"{own.name}-{number}") for number in range(2, 10)]
    owners = {path: _owner(path) for path in (own, shared, *more)}
    with_owner = (path for path in owners if owners[path] == owner_of(database))
    return next(with_owner, next((path for path in (shared, own, *more) if owners[path] is None), own))


def owner_of(database: Path) -> int:
    """Return the user id of the database's owner: this user's, if it is yet to be created."""
    owner = _owner(Path(os.path.realpath(database)))
    return os.geteuid() if owner is None else owner


def _owner(path: Path) -> int | None:
    with suppress(OSError):
        return path.lstat().st_uid
    return None


def is_in_roots(path: Path, roots: Sequence[Path]) -> bool:
    """Return whether a path leads into one of the folders, through whatever links; true if there are none."""
    if "\0" in str(path):
        return not roots
    resolved = Path(os.path.realpath(path))
    return not roots or any(resolved.is_relative_to(root) for root in roots)


def is_listed_url(url: str, roots: Sequence[str]) -> bool:
    """Return whether a URL begins with one of the listed ones: the same server, and a path below theirs."""
    name = without_secrets(url)
    path = unquote(name)
    if "\\" in path or any(part in (".", "..") for part in path.split("/")):
        return False
    return any(name == root or name.startswith(f"{root.rstrip('/')}/") for root in roots)


def settings_from(
    environment: Mapping[str, str],
    *,
    database: Path | None = None,
    memory_limit: str | None = None,
    roots: Sequence[Path] = (),
) -> Settings:
    """Return the settings of the `IMPORT_…` variables, with defaults; the other arguments override them, but for
    `roots`, which are used where `IMPORT_ROOTS` is not set. Raise `ValueError`, with the name of the variable, if one
    is not a number of its range, a size or a path, or the database is outside of the roots."""
    limit = environment.get("IMPORT_MEMORY_LIMIT")
    if environment.get("IMPORT_DATABASE") == "":
        raise ValueError("IMPORT_DATABASE is empty; it must be the path of a file, or not be set")
    try:
        memory = memory_limit or (memory_size(limit) if limit is not None else None)
    except ValueError as error:
        raise ValueError(f"IMPORT_MEMORY_LIMIT: {error}") from None
    runner = environment.get("IMPORT_TASK_RUNNER", "auto")
    if not TASK_RUNNER.fullmatch(runner):
        raise ValueError(
            f"IMPORT_TASK_RUNNER is {runner!r}; it must be auto, none, processes:N, dask or dask=tcp://HOST:PORT"
        )
    path = database or Path(environment.get("IMPORT_DATABASE", DEFAULT_DATABASE))
    if not NO_CONTROLS.fullmatch(str(path)):
        raise ValueError(f"{str(path)!a} cannot be the path of a database: control characters, or not UTF-8")
    named = _ROOT.findall(environment.get(ROOTS, ""))
    url_roots = tuple(text for text in named if is_url(text))
    if named:
        roots = [Path(os.path.realpath(text)) for text in named if not is_url(text)]
    if named and not roots:
        raise ValueError(f"{ROOTS} lists URLs only; it must list the folder of the database as well")
    if not is_in_roots(path, roots):
        raise ValueError(f"the database {path} {OUTSIDE}")
    return Settings(
        database=path,
        **_numbers(environment, Settings),
        memory_limit=memory,
        task_runner=runner,
        **_staging(environment, roots),
        limits=ReadLimits(**_numbers(environment, ReadLimits)),
        url_roots=url_roots,
        roots=tuple(roots),
    )


def format_command(module: str, *words: str, database: Path) -> str:
    """Return a command of this program about a database, as a shell takes it in any folder."""
    return shlex.join(["python", "-m", f"flows.{module}", *words, "--database", str(database.absolute())])


def format_import(options: JobOptions, *, database: Path) -> str:
    """Return the command of an import, with every option that differs from its default."""
    given = options.model_dump(mode="json", exclude={"sources"}, exclude_defaults=True)
    arguments = [word for name, value in given.items() for word in _as_arguments(name, value)]
    return format_command("import_users", *map(_as_source, options.shown_sources), *arguments, database=database)


def _as_source(path: str) -> str:
    """Return the absolute path of a file that is there, and any other name such that it is not an option."""
    if path != "-" and not is_url(path) and os.path.lexists(path):
        return os.path.abspath(path)  # noqa: PTH100 - `Path.resolve` follows links
    return f"./{path}" if path.startswith("-") and path != "-" else path


def _as_arguments(name: str, value: object) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    match value:
        case bool():
            return [option]
        case dict():
            return [option, ",".join(f"{key}={item}" for key, item in value.items())]
        case list():
            return [option, ",".join(map(str, value))]
        case _:
            return [option, str(value)]


def memory_size(text: str) -> str:
    """Return a size of memory: a number with KB, MB, GB or TB (powers of 1000) or KiB and so on (of 1024).
    Raise `ValueError` if the text is not a size, or one that DuckDB cannot work with."""
    least, most = MEMORY_BYTES
    if not least <= _bytes_of(text) <= most:
        raise ValueError(f"{text!r} is not a size of memory from 10MB to 100TB")
    return text.strip()


def _staging(environment: Mapping[str, str], roots: Sequence[Path]) -> dict[str, Any]:
    if (text := environment.get("IMPORT_STAGING")) is None:
        return {}
    if not text or not NO_CONTROLS.fullmatch(text) or (is_url(text) and not _STORE.fullmatch(text)):
        wanted = "the path of a folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX"
        raise ValueError(f"IMPORT_STAGING is {without_secrets(text)!a}; it must be {wanted}, or not be set")
    if is_url(text):
        return {"staging_url": text}
    if not is_in_roots(Path(text), roots):
        raise ValueError(f"IMPORT_STAGING: {text} {OUTSIDE}")
    return {"staging": Path(text)}


def find_unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence about each `IMPORT_…` variable that nothing reads, with the name that may have been meant."""
    numbers = (f"{PREFIX}{name.upper()}" for kind in (Settings, ReadLimits) for name in ranges_of(kind))
    known = {
        "IMPORT_DATABASE",
        "IMPORT_MEMORY_LIMIT",
        "IMPORT_TASK_RUNNER",
        "IMPORT_STAGING",
        ROOTS,
        *NOTICE_VARIABLES,
        *numbers,
    }
    unknown = {name for name in environment if name.startswith(PREFIX) and not name.startswith(NOTICE_TARGET)} - known
    for name in sorted(unknown):
        similar = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
        yield f"{ascii(name)[1:-1]} is not a variable of this program" + "".join(
            f"; did you mean {s}?" for s in similar
        )


def _bytes_of(size: str) -> float:
    found = SIZE.fullmatch(size.strip())
    if found is None:
        raise ValueError(f"{size!r} is not a size of memory, such as 512MB or 2GB")
    base = 1024.0 if found[3] else 1000.0
    return float(found[1]) * base ** (1 + "KMGT".index(found[2].upper()))


def _numbers(environment: Mapping[str, str], kind: type) -> dict[str, Any]:
    """Return the numbers of the variables `IMPORT_<NAME>` that are set, by the field of the class that each is for."""
    found: dict[str, Any] = {}
    for name, allowed in ranges_of(kind).items():
        variable = f"{PREFIX}{name.upper()}"
        if (text := environment.get(variable)) is not None:
            try:
                found[name] = allowed.parse(text)
            except ValueError as error:
                raise ValueError(f"{variable} {error}") from None
    return found
