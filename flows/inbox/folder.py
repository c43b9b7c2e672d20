"""A folder into which others put files of users: what is new in it, and where a file goes once it has been imported.

Only files and their names; what an import is, and Prefect, are `flows.inbox.flow`'.
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
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")  # as programs name what they still write
# The file is not to blame: it stays for the next run.
COME_BACK = frozenset(
    code.value
    for code in (
        ErrorCode.CANCELED,
        ErrorCode.CONNECTION_NOT_FOUND,
        ErrorCode.DATABASE_BUSY,
        ErrorCode.DATABASE_UNREADABLE,
        ErrorCode.DISK_FULL,
        ErrorCode.JOB_LOST,
        ErrorCode.PREFECT_UNAVAILABLE,
        ErrorCode.TOO_MANY_JOBS,
    )
)


@dataclass(frozen=True)
class Inbox:
    """A folder with `done` and `refused` inside it."""

    path: Path

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other process works on the folder; the lock dies with its process.

        Raises:
            JobFault: `FILE_NOT_FOUND`.

        """
        if not self.path.is_dir():
            raise JobFault(ErrorCode.FILE_NOT_FOUND, f"there is no folder {self.path}", "create it, or name another")
        with try_file_lock(self.path / LOCK_NAME) as is_acquired:
            yield is_acquired

    def new_files(self, *, settled_before: float) -> list[Path]:
        """The files to import, by name: complete ones, which nobody has written to since that time (seconds)."""
        return [path for path in sorted(self.path.iterdir()) if _is_ready(path, settled_before=settled_before)]

    def file_away(self, path: Path, summary: JobSummary, errors: Sequence[ErrorRow]) -> Path | None:
        """Move an imported file to `done` or `refused`, with its report beside it; none when it has to stay."""
        if summary.fault and summary.fault["code"] in COME_BACK:
            return None
        folder = private_folder(self.path / ("refused" if summary.status is JobStatus.FAILED else "done"))
        target = _free_name(folder, path.name, job_id=summary.job_id)
        with private_umask():
            report = target.with_name(f"{target.name}.report.json")
            report.write_text(_report(summary, errors), encoding="utf-8")
        path.rename(target)  # last: a file that is still here is looked at again, and its content is known by then
        return target


def _is_ready(path: Path, *, settled_before: float) -> bool:
    """Regular files only: whoever may put a link here shall not read with our rights what it points to."""
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED) or path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_mtime <= settled_before


def _free_name(folder: Path, name: str, *, job_id: str) -> Path:
    """The file's own name where it is free; else with the job's id, and a number if need be."""
    stem, suffix = Path(name).stem, Path(name).suffix
    candidates = [name, f"{stem}.{job_id}{suffix}", *(f"{stem}.{job_id}.{number}{suffix}" for number in range(2, 1000))]
    return next(folder / candidate for candidate in candidates if not (folder / candidate).exists())


def _report(summary: JobSummary, errors: Sequence[ErrorRow]) -> str:
    document = {"summary": summary.to_dict(), "errors": [dict(error) for error in errors]}
    return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"
