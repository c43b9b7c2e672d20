"""File imported files: move each to the subfolder of its outcome, with a report and its refused records beside it.

Which files are imported is in `flows.inbox.folder` and `flows.inbox.importing`.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from flows.inbox.folder import ARCHIVES, REPORT, Inbox
from flows.inbox.reports import hash_of, read_report, write_json
from flows.pipeline.stop import is_by_signal
from flows.readers.compression import COMPRESSIONS
from flows.readers.limits import MIB
from flows.readers.sources import WRITABLE, Identity, Source, open_source, printable
from flows.report.artifacts import ErrorRow
from flows.report.deadline import in_thread
from flows.store.private_files import atomic_write
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.job import DONE, JobStatus, JobSummary

MOST_BYTES_OF_NAME = 255 - len(REPORT)
# Failures that another run may not have; the file stays in the inbox.
RETRIED_CODES = (
    ErrorCode.CONNECTION_NOT_FOUND,
    ErrorCode.DATABASE_BUSY,
    ErrorCode.DATABASE_UNREADABLE,
    ErrorCode.DISK_FULL,
    ErrorCode.FILE_CHANGED,
    ErrorCode.JOB_LOST,
    ErrorCode.PREFECT_UNAVAILABLE,
    ErrorCode.TOO_MANY_JOBS,
)
UNREAD_CODES = (ErrorCode.FILE_NOT_FOUND, ErrorCode.FILE_CHANGED)  # of a file that its sender took back
MOST_BYTES_OF_ENDING = 32
Outcome = Literal["done", "partly", "refused", "canceled", "left", "changed", "withdrawn"]
WriteRejects = Callable[[Path], int]  # returns the number of records; without any, no file is written


class Opened:
    """The file that a job has opened, held open, with its identity and hash at that time."""

    def __init__(self, source: Source) -> None:
        self.file = open_source(source)
        self.identity = Identity.of(os.fstat(self.file.fileno()))
        self._hash = in_thread(self._read_hash)

    @property
    def sha256(self) -> str:
        """The hash of what was opened."""
        return self._hash.result()

    def is_named(self, path: Path) -> bool:
        """Return whether the path is that of the file, in this version, and not a link to it."""
        return _identity(path) == self.identity

    def is_at(self, path: Path) -> bool:
        """Return whether the path leads to the file, and that to what was opened."""
        return self.is_named(path) and self._read_hash() == self.sha256

    def _read_hash(self) -> str:
        """Return the SHA-256 of as many bytes as the file had; those that were appended since were not read."""
        digest, left = hashlib.sha256(), self.identity.size
        while chunk := os.pread(self.file.fileno(), min(MIB, left), self.identity.size - left):
            digest.update(chunk)
            left -= len(chunk)
        return digest.hexdigest()


@dataclass(frozen=True)
class Filing:
    """What is filed: the job's summary, the first errors, the earlier job that it repeats, and its refused records."""

    summary: JobSummary
    errors: Sequence[ErrorRow] = ()
    is_repeat: bool = False
    write_rejects: WriteRejects = lambda _: 0
    extension: str = ".ndjson"  # of the refused records of a file without a known one


def outcome_of(summary: JobSummary, *, by_person: bool = True) -> Outcome:
    """Return where the file of a job belongs; `by_person` is who canceled one that was canceled."""
    match summary.status:
        case JobStatus.COMPLETED:
            return "done"
        case JobStatus.COMPLETED_WITH_ERRORS:
            return "partly"
        case JobStatus.CANCELED:
            return "canceled" if by_person else "left"
        case _:
            return "left" if summary.fault and summary.fault["code"] in RETRIED_CODES else "refused"


def is_canceled_by_signal(summary: JobSummary) -> bool:
    """Return whether no person canceled the job, but its process was told to end."""
    return summary.status is JobStatus.CANCELED and summary.fault is not None and is_by_signal(summary.fault)


def file_away(
    inbox: Inbox, path: Path, opened: Opened | None, filing: Filing, outcome: Outcome
) -> tuple[Outcome, Path | None]:
    """Move the file to the folder of its outcome; return what became of it, and its place or that of its report.

    A file is moved only as the job has opened it: one that was changed or replaced since stays, and one that is gone
    was withdrawn. What was merged of such a file has a report without a file.
    Raise `JobFault`, `FileFault` or `OSError` if it cannot be moved.
    """
    if opened is None or outcome == "left":
        return ("left" if os.path.lexists(path) else "withdrawn"), None
    inbox.require_usable()  # it may be on a disk that is no longer there
    with inbox.open_archive(outcome) as folder:
        left, place = _file_in(folder, inbox, path, opened, filing, outcome=outcome)
    return left, place and inbox.path / outcome / place.name


def _file_in(
    folder: Path, inbox: Inbox, path: Path, opened: Opened, filing: Filing, *, outcome: Outcome
) -> tuple[Outcome, Path | None]:
    if opened.is_at(path):
        target = _find_free(folder, *_split_name(path.name), job_id=filing.summary.job_id)
        report = target.with_name(f"{target.name}{REPORT}")
        _remove_unfinished(report, job_id=filing.summary.job_id)
        rejects = _name_rejects(target, filing) if outcome in ("partly", "refused") else None
        write_report = partial(_write_report, report, path, opened, filing, outcome=outcome)
        write_report(rejects=rejects)  # first: so the next run finds what a crash leaves
        if rejects and not filing.write_rejects(rejects):
            rejects = None
            write_report(rejects=None)
        # last: after a crash the file is found again, and the job recognises its content
        if _move(path, target, opened):
            _remove_outdated_reports(inbox, path.name, keep=inbox.path / outcome / report.name)
            return outcome, target
        for written in filter(None, (report, rejects)):
            written.unlink()
    left: Outcome = "changed" if os.path.lexists(path) else "withdrawn"
    if filing.summary.status not in DONE:
        return left, None
    stem, ending = _split_name(path.name)
    report = _find_free(folder, stem, f"{ending}{REPORT}", job_id=filing.summary.job_id, always_job=True)
    _write_report(report, path, opened, filing, outcome=left, rejects=None)
    return left, report


def _write_report(
    report: Path,
    path: Path,
    opened: Opened,
    filing: Filing,
    *,
    outcome: Outcome,
    rejects: Path | None,
) -> None:
    about = {
        "name": printable(path.name),
        **asdict(opened.identity),
        "sha256": opened.sha256,
        "outcome": outcome,
        "filed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rejects": rejects.name if rejects else None,
        "already_imported": describe_repeat(filing.summary) if filing.is_repeat else None,
    }
    document = {"file": about, "summary": filing.summary.to_dict(), "errors": [dict(error) for error in filing.errors]}
    write_json(report, document)


def describe_repeat(earlier: JobSummary) -> str:
    """Return a sentence about a file whose content an earlier job has imported."""
    names = ", ".join(Path(source).name for source in earlier.sources)
    return f"already imported as {names} by job {earlier.job_id}"


def _remove_unfinished(report: Path, *, job_id: str) -> None:
    """Remove what an earlier run wrote beside a file that it could not move."""
    left = read_report(report)
    if left is not None and left.document["summary"]["job_id"] == job_id:
        for path in left.paths:
            path.unlink(missing_ok=True)


def _name_rejects(target: Path, filing: Filing) -> Path:
    """Return the path of the refused records, beside the file and in its format."""
    stem, ending = _split_name(target.name)
    known = next((suffix for suffix in WRITABLE if ending.lower().startswith(suffix)), filing.extension)
    return _find_free(target.parent, stem, f".rejects{known}", job_id=filing.summary.job_id, taken=target)


def _move(path: Path, target: Path, opened: Opened) -> bool:
    """Move the file if it still is what the job has read, and return whether it was; it is private from then on."""
    try:
        path.rename(target)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _copy(path, target, opened)
    if _identity(target) != opened.identity:  # replaced or written to just before
        number = hashlib.sha256(os.fsencode(target)).hexdigest()[:8]
        target.rename(_find_free(path.parent, *_split_name(path.name), job_id=number))
        return False
    if os.fstat(opened.file.fileno()).st_nlink == 1:  # else it has another name, in a folder of others
        with suppress(PermissionError):  # the file of another user; the folder is private
            os.fchmod(opened.file.fileno(), 0o600)
    return True


def _copy(path: Path, target: Path, opened: Opened) -> bool:
    """Move the file to another file system: remove it only once its copy is complete."""
    with atomic_write(target) as temp:
        with temp.open("wb") as copy:
            opened.file.seek(0)
            shutil.copyfileobj(opened.file, copy)
        os.utime(temp, ns=(opened.identity.mtime_ns, opened.identity.mtime_ns))
        with temp.open("rb") as file:
            os.fsync(file.fileno())
    if _identity(path) != opened.identity or hash_of(target) != opened.sha256:
        target.unlink()
        return False
    path.unlink()
    return True


def _remove_outdated_reports(inbox: Inbox, name: str, *, keep: Path) -> None:
    """Remove reports of that name whose file was moved away, for example back into the inbox once it was corrected."""
    for folder in ARCHIVES:
        path = inbox.path / folder / name
        report = path.with_name(f"{name}{REPORT}")
        with suppress(OSError):  # such as a name that is too long for a report
            filed = read_report(report)
            if report != keep and filed and filed.path and not filed.path.exists():
                report.unlink()


def _find_free(
    folder: Path, stem: str, ending: str, *, job_id: str, always_job: bool = False, taken: Path | None = None
) -> Path:
    """Return the name if it is free; otherwise, or always, add the job's id, and a number if necessary.
    A long name is cut, its ending is kept."""
    most = MOST_BYTES_OF_NAME + len(REPORT) * ending.endswith(REPORT)
    added = ("", f".{job_id}", *(f".{job_id}.{number}" for number in range(2, 1000)))
    for more in added[always_job:]:
        cut = stem
        while len(os.fsencode(f"{cut}{more}{ending}")) > most:
            cut = cut[:-1]
        path = folder / f"{cut}{more}{ending}"
        if path != taken and _is_free(path, is_report=always_job):
            return path
    name = printable(str(folder / f"{stem}{ending}"))
    raise FileFault(ErrorCode.FILE_UNREADABLE, f"{name} exists too often", "clear the folder")


def _is_free(path: Path, *, is_report: bool) -> bool:
    """Return whether neither a file has the name, nor its report would replace anything but that of a file which was
    moved away. A file that is named as a report would be taken for one."""
    if os.path.lexists(path) or is_report:
        return not os.path.lexists(path)
    report = path.with_name(f"{path.name}{REPORT}")
    filed = read_report(report)
    return not path.name.endswith(REPORT) and (filed.path is not None if filed else not os.path.lexists(report))


def _split_name(name: str) -> tuple[str, str]:
    """Return the name without its ending, and the whole ending: `.csv.gz`."""
    ending = "".join(Path(name).suffixes[-2 if Path(name.lower()).suffix in COMPRESSIONS else -1 :])
    return (name.removesuffix(ending), ending) if len(os.fsencode(ending)) <= MOST_BYTES_OF_ENDING else (name, "")


def _identity(path: Path) -> Identity | None:
    with suppress(OSError):
        return Identity.of(path.lstat())
    return None
