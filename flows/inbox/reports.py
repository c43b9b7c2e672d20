"""The reports of an inbox: what was filed, where it lies, and whether it has changed since.

Files are filed in `flows.inbox.archive`, and removed after their retention in `flows.inbox.retention`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.inbox.folder import ARCHIVES, REPORT, Inbox
from flows.readers.sources import Source, fingerprint, printable
from flows.store.private_files import atomic_write, open_regular
from schemas.faults import FileFault


@dataclass(frozen=True)
class Filed:
    """A report of an archive folder, and the file that it is about; None if that was not filed, or held only a user who
    was forgotten."""

    path: Path | None
    report: Path
    document: Mapping[str, Any]

    @property
    def is_changed(self) -> bool:
        """Whether the file was written to after it was filed: a program had it open. Its new rows were not imported."""
        about = self.document["file"]
        try:
            found = self.path.lstat() if self.path else None
            if self.path is None or found is None or (found.st_size, found.st_mtime_ns) == _version(about):
                return False
            return bool(found.st_size != about["size"] or hash_of(self.path) != about["sha256"])
        except (OSError, FileFault):  # moved by a person
            return False

    @property
    def paths(self) -> list[Path]:
        """The file, its refused records and its report."""
        name = self.document["file"]["rejects"]
        rejects = self.report.with_name(name) if name else None
        if rejects and rejects.with_name(f"{name}{REPORT}").exists():  # corrected, and filed with a report of its own
            rejects = None
        return [*filter(None, (self.path, rejects)), self.report]

    @property
    def filed_at(self) -> datetime:
        """When it was filed."""
        return datetime.fromisoformat(self.document["file"]["filed_at"])


def filed_files(inbox: Inbox) -> Iterator[Filed]:
    """Yield every file that was filed, with its report, by folder and name."""
    for folder in (inbox.path / name for name in ARCHIVES):
        yield from filed_in(folder) if not folder.is_symlink() else ()


def filed_in(folder: Path) -> Iterator[Filed]:
    """Yield every file that was filed in a folder, with its report, by name."""
    yield from filter(None, map(read_report, sorted(folder.glob(f"*{REPORT}"))))


@contextmanager
def keeping_report(path: Path) -> Iterator[None]:
    """Rewrite or remove a filed file within the block, and its report after it, so that the file counts neither as
    changed nor as lost."""
    report = path.with_name(f"{path.name}{REPORT}")
    filed = read_report(report)
    is_current = filed is not None and not filed.is_changed
    yield
    if filed is not None and is_current:
        version: dict[str, object] = {"forgotten": True}
        if path.exists():
            found = path.stat()
            version = {"size": found.st_size, "mtime_ns": found.st_mtime_ns, "sha256": hash_of(path)}
        write_json(report, {**filed.document, "file": {**filed.document["file"], **version}})


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a report, or replace it."""
    with atomic_write(path) as temp:
        text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
        temp.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")  # as JSON escapes bytes of a name


def read_report(report: Path) -> Filed | None:
    """Return what a report is about; None if there is none, or it is one of another program."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        with os.fdopen(open_regular(report, os.O_RDONLY), encoding="utf-8") as file:
            document = json.load(file)
        is_filed = document["file"]["outcome"] in ARCHIVES and "forgotten" not in document["file"]
        filed = Filed(report.with_name(report.name.removesuffix(REPORT)) if is_filed else None, report, document)
        if filed.filed_at and filed.paths:
            return filed
    return None


def _version(about: Mapping[str, Any]) -> tuple[int, int]:
    return int(about["size"]), int(about["mtime_ns"])


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return fingerprint(Source(printable(path.name), path, 0))
