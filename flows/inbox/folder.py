"""Find new files in an inbox folder, and move them to a subfolder once they have been imported.

This module is about files and their names only; importing them is in `flows.inbox.flow`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.report.artifacts import ErrorRow
from flows.store.locks import try_file_lock
from flows.store.private_files import private_folder, private_umask
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary

LOCK_NAME = ".user-import.lock"
ARCHIVES = ("done", "refused")
REPORT = ".report.json"  # after the name of the file that it is about
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")  # suffixes of files that are not complete
# Failures that another run may not have; the file stays in the inbox.
RETRIED_CODES = (
    ErrorCode.CANCELED,
    ErrorCode.CONNECTION_NOT_FOUND,
    ErrorCode.DATABASE_BUSY,
    ErrorCode.DATABASE_UNREADABLE,
    ErrorCode.DISK_FULL,
    ErrorCode.JOB_LOST,
    ErrorCode.PREFECT_UNAVAILABLE,
    ErrorCode.TOO_MANY_JOBS,
)


@dataclass(frozen=True)
class Inbox:
    """A folder for new files, with the subfolders `done` and `refused`."""

    path: Path

    @contextmanager
    def try_lock(self) -> Iterator[bool]:
        """Lock the folder for the block, and yield whether no other process has it locked.
        Raise `JobFault` (`FILE_NOT_FOUND`) if there is no such folder."""
        if not self.path.is_dir():
            raise JobFault(ErrorCode.FILE_NOT_FOUND, f"there is no folder {self.path}", "create it, or choose another")
        with try_file_lock(self.path / LOCK_NAME) as is_acquired:
            yield is_acquired

    def find_new_files(self, *, settled_before: float) -> list[Path]:
        """Return the complete files by name: those last modified at or before that time, in seconds since 1970."""
        return [path for path in sorted(self.path.iterdir()) if _is_ready(path, settled_before=settled_before)]

    def files(self) -> Iterator[Path]:
        """Yield every file that waits, was imported or was refused; neither reports nor symbolic links."""
        for folder in (self.path, *(self.path / name for name in ARCHIVES)):
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if (
                    not (path.name.startswith(".") or path.is_symlink() or path.name.endswith(REPORT))
                    and path.is_file()
                ):
                    yield path

    def archive(self, path: Path, summary: JobSummary, errors: Sequence[ErrorRow]) -> Path | None:
        """Move an imported file to `done` or `refused` with a report beside it; return None for a file that stays."""
        if summary.fault and summary.fault["code"] in RETRIED_CODES:
            return None
        folder = private_folder(self.path / ("refused" if summary.status is JobStatus.FAILED else "done"))
        target = _find_free_name(folder, path, job_id=summary.job_id)
        report = {"summary": summary.to_dict(), "errors": [dict(error) for error in errors]}
        text = json.dumps(report, ensure_ascii=False, indent=2, default=str) + "\n"
        with private_umask():
            target.with_name(f"{target.name}{REPORT}").write_text(text, encoding="utf-8")
        path.rename(target)  # last: after a crash the file is found again, and the job recognises its content
        return target


def _is_ready(path: Path, *, settled_before: float) -> bool:
    """Return whether a file is complete and regular; a link could read a file that its creator must not read."""
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED) or path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_mtime <= settled_before


def _find_free_name(folder: Path, path: Path, *, job_id: str) -> Path:
    """Return the file's own name if it is free; otherwise add the job's id, and a number if necessary."""
    endings = ("", f".{job_id}", *(f".{job_id}.{number}" for number in range(2, 1000)))
    candidates = (folder / f"{path.stem}{ending}{path.suffix}" for ending in endings)
    return next(candidate for candidate in candidates if not candidate.exists())
