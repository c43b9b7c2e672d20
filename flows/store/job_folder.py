"""A job's private folder: its staged Parquet, its live status, its lock and its request to cancel.

The lock ends with the job's process, however that process ends.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.store.errors import find_shortage, folder_fault
from flows.store.fault_points import fault_point
from flows.store.locks import file_lock, is_locked, try_file_lock
from flows.store.private_files import atomic_write, private_folder, private_umask
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus

STATUS_FILE = "status.json"
CANCEL_FILE = "cancel"
LOCK_FILE = "lock"
SLICES_FOLDER = "slices"  # parts of the sources that were loaded by themselves; see `flows.pipeline.slices`
REQUEST_FILE = "request.json"  # of a job that was requested before a process ran it; see `flows.store.requests`
SOURCES_FOLDER = "sources"  # files that were sent with the request
LAYOUTS_FILE = "layouts.ndjson"
DATABASE_FILE = "database"  # holds the database's name: several databases can share a folder
LOCK_SECONDS = 5.0  # for the process of an earlier attempt to end
JOB_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # a UUID
LAST = "-last-"  # in the names of the parts that a plan adds
REJECTS_NAME = "rejects"  # of the file that is written to be corrected
RESERVE_FILE = "reserve"
RESERVED_BYTES = 1 << 20  # for the database to record how a job failed on a full disk
MERGE_FILES = ("accepted-*.parquet", "updates.parquet", "plan.parquet", "duckdb_temp*")


@dataclass(frozen=True)
class JobFolder:
    """The folder of one job; parts are Parquet files of one kind: accepted, errors, refused, rejected, …"""

    path: Path

    def create(self) -> None:
        """Create the folder, readable by its owner only."""
        private_folder(self.path.parent)
        private_folder(self.path)

    def write_part(self, kind: str, number: int, frame: pl.DataFrame) -> None:
        """Stage a frame in place of the part of that number; an empty frame leaves no part."""
        self._write_part(f"{kind}-{number:012}", kind, frame)

    def write_last_part(self, kind: str, number: int, frame: pl.DataFrame) -> None:
        """Stage a frame as one of the parts of the plan, which come after those of the load."""
        self._write_part(f"{kind}{LAST}{number:012}", kind, frame)

    def remove_last_parts(self, kind: str) -> None:
        """Remove the parts of an earlier plan."""
        for part in self.last_parts(kind):
            part.unlink()

    def _write_part(self, name: str, kind: str, frame: pl.DataFrame) -> None:
        part = self.path / f"{name}.parquet"
        part.unlink(missing_ok=True)
        if frame.height:
            fault_point(f"folder: write {kind}")
            with private_umask():
                frame.write_parquet(part, compression="lz4", statistics=False)

    def link_part(self, kind: str, number: int, part: Path) -> None:
        """Let a part that was staged elsewhere be the one of that number, too; on another disk, copy it."""
        own = self.path / f"{kind}-{number:012}.parquet"
        try:
            own.hardlink_to(part)
        except OSError:
            with private_umask():
                shutil.copyfile(part, own)

    def parts(self, kind: str) -> list[Path]:
        """Return the staged files of a kind, in the order of their rows."""
        return sorted(self.path.glob(f"{kind}-*.parquet"))

    def last_parts(self, kind: str) -> list[Path]:
        """Return the parts of the plan only, in the order in which they were staged."""
        return sorted(self.path.glob(f"{kind}{LAST}*.parquet"))

    def add_layout(self, format: str, columns: Sequence[str] | None) -> None:  # noqa: A002 - the name of the option
        """Record the format of the next source, and its columns if it is a table."""
        with private_umask(), (self.path / LAYOUTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"format": format, "columns": columns}) + "\n")

    def layouts(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return format and columns of each source, in order; without columns if it is not a table."""
        try:
            lines = (self.path / LAYOUTS_FILE).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [(found["format"], tuple(found["columns"] or ())) for found in map(json.loads, lines)]

    def path_of_rejects(self) -> Path:
        """Return where the refused records are written if no file is named, in the format of the first source."""
        return self.path / f"{REJECTS_NAME}.{next((found for found, _ in self.layouts()), 'ndjson')}"

    def write_database_name(self, database: Path) -> None:
        """Record the database that the job belongs to; a failure to write is ignored."""
        with private_umask(), suppress(OSError):
            (self.path / DATABASE_FILE).write_bytes(os.fsencode(database.name))

    def belongs_to(self, database: Path) -> bool:
        """Return whether the job may belong to the database: no other database is recorded."""
        try:
            name = os.fsdecode((self.path / DATABASE_FILE).read_bytes())
        except FileNotFoundError:
            return True
        except PermissionError:
            return False
        return name in ("", database.name)

    def write_status(self, status: Mapping[str, object]) -> None:
        """Replace the live status, which `jobs status` shows of a running job."""
        with atomic_write(self.path / STATUS_FILE) as temp:
            temp.write_text(json.dumps(status), encoding="utf-8")
            fault_point("folder: replace the status")

    def read_status(self) -> Mapping[str, object]:
        """Return the last live status, empty if there is none."""
        try:
            status = json.loads((self.path / STATUS_FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return status if isinstance(status, dict) else {}

    def request_cancel(self) -> None:
        """Request that the job's process stops, wherever it runs on this machine."""
        (self.path / CANCEL_FILE).touch(mode=0o600)

    def discard_cancel(self) -> None:
        """Remove the request that stopped an earlier attempt of the job; one that still runs, and a requested job that
        has not begun, have to heed it."""
        with suppress(NotADirectoryError):  # the database will say where it cannot have its folder
            is_waiting = self.is_requested and self.read_status().get("status") == JobStatus.PENDING
            if not (self.is_running or is_waiting):
                (self.path / CANCEL_FILE).unlink(missing_ok=True)

    @property
    def cancel_requested(self) -> bool:
        """Whether the job was requested to stop."""
        return (self.path / CANCEL_FILE).exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder and hold the job's lock within the block: `is_running` is then true in every process.
        Raise `JobFault` (`JOB_RUNNING`) if another process holds it."""
        with ExitStack() as stack:
            while True:
                with suppress(FileNotFoundError):  # another process removed the folder before it was locked
                    try:
                        self.create()
                        stack.enter_context(file_lock(self.path / LOCK_FILE, wait_seconds=LOCK_SECONDS))
                    except BlockingIOError:
                        message = f"another process is running job {self.path.name}"
                        raise JobFault(ErrorCode.JOB_RUNNING, message, "wait until it has ended") from None
                    except FileNotFoundError:
                        raise
                    except OSError as error:
                        raise find_shortage(error) or folder_fault(self.path, error) from None
                    break
            yield

    def clear(self) -> None:
        """Remove what an earlier attempt of the job left, as far as possible; its locks, its database, its loaded
        slices and what was sent with its request remain."""
        kept = (LOCK_FILE, DATABASE_FILE, SLICES_FOLDER, REQUEST_FILE, SOURCES_FOLDER)
        for path in self.path.iterdir():
            if path.name not in kept and path.suffix != ".lock":
                shutil.rmtree(path, onerror=lambda *_: None) if path.is_dir() else path.unlink(missing_ok=True)

    def remove(self) -> bool:
        """Remove the folder and everything in it, as far as possible; return whether nothing of it is left."""
        shutil.rmtree(self.path, onerror=lambda *_: None)
        return not os.path.lexists(self.path)

    @property
    def is_accessible(self) -> bool:
        """Whether this user may read and change what is in the folder, if there is one."""
        return not os.path.lexists(self.path) or os.access(self.path, os.R_OK | os.W_OK | os.X_OK)

    def remove_if_unknown(self, is_known: Callable[[], bool]) -> None:
        """Remove the folder of a job that never began: its lock is free and its id is unknown."""
        with suppress(FileNotFoundError), try_file_lock(self.path / LOCK_FILE) as is_acquired:
            if is_acquired and not is_known():
                self.remove()

    @contextmanager
    def reserved_space(self) -> Iterator[None]:
        """Reserve space within the block, which `remove_merge_files` frees; raise `OSError` if the disk has none."""
        reserve = self.path / RESERVE_FILE
        try:
            with private_umask(), reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
            yield
        finally:
            reserve.unlink(missing_ok=True)

    def remove_merge_files(self) -> None:
        """Remove what only a merge needs, so that a full disk has space to record how the job failed."""
        for path in (self.path / RESERVE_FILE, *self._merge_files()):
            path.unlink(missing_ok=True)
        JobFolder(self.path / SLICES_FOLDER).remove()  # which has the same files under other names

    @property
    def merge_bytes(self) -> int:
        """The size of the files that only a merge needs."""
        return sum(path.stat().st_size for path in self._merge_files())

    def _merge_files(self) -> list[Path]:
        return [path for pattern in MERGE_FILES for path in self.path.glob(pattern)]

    @property
    def is_requested(self) -> bool:
        """Whether the job was requested, so that its folder counts before a process runs it."""
        with suppress(PermissionError):  # another owner's
            return (self.path / REQUEST_FILE).exists()
        return False

    @property
    def is_running(self) -> bool:
        """Whether a process holds the job's lock."""
        return is_locked(self.path / LOCK_FILE)


def folders_in(jobs_folder: Path) -> list[JobFolder]:
    """Return the folders that are named after jobs; anything else in there is not ours."""
    return [JobFolder(path) for path in jobs_folder.glob("*-*-*-*-*") if JOB_ID.fullmatch(path.name)]
