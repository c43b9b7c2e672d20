"""A requested job on disk: its options, its files and who asked for it, in the job's folder, until retention.

A request becomes visible whole or not at all: its folder is renamed into place. It begins as a job when a process runs
it; until then its folder says that it is pending, and no row of the database does.
"""

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from flows.settings import Settings
from flows.store.job_folder import REQUEST_FILE, SOURCES_FOLDER, JobFolder
from flows.store.locks import file_lock, is_locked
from flows.store.private_files import atomic_write, private_folder
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import UNDO, JobStatus, JobSummary
from schemas.options import JobOptions

DRAFT = ".new-"  # before the id, in the name of the folder of a request that is not whole yet
START_LOCK = "start.lock"  # held by the process that was started for the request, from its first instruction on
REQUEST_LOCK = "request.lock"  # held by whoever changes the request
NEW_SECONDS = 60.0
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
MOST_CHARACTERS_OF_NAME = 80


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What was asked for."""

    job_id: str
    face: str  # the HTTP face that took it, or "stage"
    requested_by: str  # the name of a token
    connection: str
    kind: str = "import"  # or "undo" or "apply", whose only path is the id of the job that is undone or applied
    options: Mapping[str, object] = field(default_factory=dict)  # of `JobOptions`, without sources and connection
    paths: tuple[str, ...] = ()  # sources that were named rather than sent
    details: Mapping[str, object] = field(default_factory=dict)  # what only the face knows to answer with
    created_at: str = ""
    is_staged: bool = False  # its files still come; nothing starts it
    starts: int = 0  # processes that were started for it
    flow_run_id: str | None = None  # of the run that Prefect has queued

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> Self:
        """Return the request of which `asdict` made the document; raise `TypeError` if it is none."""
        known = {name: value for name, value in document.items() if name in cls.__dataclass_fields__}
        known["paths"] = tuple(known.get("paths", ()))  # type: ignore[arg-type] # a list of JSON
        return cls(**known)  # type: ignore[arg-type] # values of JSON

    def to_options(self, folder: JobFolder) -> JobOptions:
        """Return the options of the job, whose files are in its folder."""
        sources = (*map(str, sent_files(folder)), *self.paths)
        return JobOptions.model_validate({**self.options, "connection": self.connection, "sources": sources})

    def summary(self, status: JobStatus = JobStatus.PENDING, *, sources: Sequence[str] = ()) -> JobSummary:
        """Return the summary of the job that has not begun."""
        return JobSummary(
            job_id=self.job_id,
            external_id=_text(self.options.get("external_id")),
            connection=self.connection,
            sources=tuple(sources),
            profile=str(self.options.get("profile", "auto")),
            mode=UNDO if self.kind == UNDO else str(self.options.get("mode", "insert")),
            dry_run=bool(self.options.get("dry_run")),
            status=status,
            created_at=self.created_at,
        )


class Draft:
    """A request that nobody sees yet; leaving its block removes it unless it was published."""

    def __init__(self, settings: Settings, request: JobRequest) -> None:
        """Create its folder; raise `OSError` if the disk is full or the folder cannot be written to."""
        self.settings = settings
        self.request = replace(request, created_at=_now())
        private_folder(settings.jobs_folder)
        self.folder = JobFolder(settings.jobs_folder / f"{DRAFT}{request.job_id}")
        self.folder.create()
        self._lock = ExitStack()
        self._lock.enter_context(file_lock(self.folder.path / REQUEST_LOCK))

    def add_file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Return a block that writes a source file."""
        return new_source(self.folder, name)

    def publish(self, *, is_staged: bool = False) -> JobFolder:
        """Make the request visible, whole, and return its folder."""
        self.request = replace(self.request, is_staged=is_staged)
        write_request(self.folder, self.request)
        self.folder.write_database_name(Path(os.path.realpath(self.settings.database)))
        write_pending(self.folder, self.request)
        final = JobFolder(self.settings.jobs_folder / self.request.job_id)
        self.folder.path.rename(final.path)
        self.folder = final
        return final

    def close(self) -> None:
        """Remove the folder unless the request was published."""
        if self.folder.path.name.startswith(DRAFT):
            self.folder.remove()
        self._lock.close()


def new_job_id() -> str:
    """Return an id that no job has."""
    return str(uuid.uuid4())


@contextmanager
def new_source(folder: JobFolder, name: str) -> Iterator[BinaryIO]:
    """Yield a new file for the next source of a request, private to its owner, to write and to read; it counts once the
    block has ended.

    Each has a numbered folder of its own, so that it keeps its name.
    """
    sources = private_folder(folder.path / SOURCES_FOLDER)
    with file_lock(sources / ".lock"):
        number = 1 + max((int(path.name.lstrip(".")) for path in _numbered(sources)), default=0)
        hidden = private_folder(sources / f".{number:06}")
    try:
        path = hidden / safe_name(name)
        path.touch(mode=0o600, exist_ok=False)
        with path.open("w+b") as file:
            yield file
        hidden.rename(sources / hidden.name.lstrip("."))
    finally:
        if hidden.exists():
            shutil.rmtree(hidden, onerror=lambda *_: None)


def sent_files(folder: JobFolder) -> list[Path]:
    """Return the files that were sent for a request, in the order in which they came."""
    whole = sorted(path for path in _numbered(folder.path / SOURCES_FOLDER) if not path.name.startswith("."))
    return [file for path in whole for file in path.iterdir()]


def safe_name(name: str) -> str:
    """Return a file name that is safe on any system, with the ending of the given one, by which a format is known."""
    text = UNSAFE.sub("_", Path(name.replace("\\", "/")).name).lstrip(".")
    return text[-MOST_CHARACTERS_OF_NAME:] or "users.json"


def _numbered(sources: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in sources.iterdir() if re.fullmatch(r"\.?[0-9]{6}", path.name)]
    return []


def read_request(folder: JobFolder) -> JobRequest | None:
    """Return the request in a job's folder; None if the job was not requested, or its data is purged."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError, json.JSONDecodeError, TypeError):
        return JobRequest.from_dict(json.loads((folder.path / REQUEST_FILE).read_text(encoding="utf-8")))
    return None


def write_request(folder: JobFolder, request: JobRequest) -> None:
    """Replace the request in a job's folder."""
    with atomic_write(folder.path / REQUEST_FILE) as temp:
        temp.write_text(json.dumps(asdict(request)), encoding="utf-8")


def write_pending(folder: JobFolder, request: JobRequest) -> None:
    """Publish in the folder that the job is pending."""
    sources = [*(path.name for path in sent_files(folder)), *request.paths]
    folder.write_status(request.summary(sources=sources).to_dict())


@contextmanager
def changing(folder: JobFolder) -> Iterator[JobRequest]:
    """Yield the request, which no other process changes within the block.
    Raise `JobFault` (`JOB_NOT_FOUND`) if there is none."""
    with ExitStack() as stack:
        request = None
        with suppress(FileNotFoundError, NotADirectoryError):
            stack.enter_context(file_lock(folder.path / REQUEST_LOCK))
            request = read_request(folder)
        if request is None:
            raise JobFault(ErrorCode.JOB_NOT_FOUND, f"there is no job {folder.path.name}")
        yield request


def has_begun(folder: JobFolder) -> bool:
    """Return whether a process runs the job or has run it."""
    return folder.read_status().get("status") != JobStatus.PENDING or folder.is_running


def is_started(folder: JobFolder) -> bool:
    """Return whether a process that was started for the request is there, also before it has begun the job."""
    return folder.is_running or is_locked(folder.path / START_LOCK)


def remove_drafts(settings: Settings) -> None:
    """Remove the requests whose sender or server is gone before they were whole."""
    for path in settings.jobs_folder.glob(f"{DRAFT}*"):
        with suppress(FileNotFoundError):  # published meanwhile
            is_new = time.time() - path.stat().st_mtime < NEW_SECONDS  # it may not be locked yet
            if not is_new and not is_locked(path / REQUEST_LOCK):
                JobFolder(path).remove()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
