"""Import the files of an inbox one after another, file each, and sum up what became of them. Knows no Prefect.

The scheduled flow around it is `flows.inbox.flow`; how a file is filed is in `flows.inbox.archive`.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.inbox.archive import (
    UNREAD_CODES,
    Filing,
    Opened,
    Outcome,
    describe_repeat,
    file_away,
    is_canceled_by_signal,
    outcome_of,
)
from flows.inbox.folder import Inbox, Waiting, find_why_it_waits
from flows.inbox.reports import Filed, filed_files
from flows.inbox.retention import remove_leftovers
from flows.pipeline.job import Observer, utc_now
from flows.pipeline.stop import is_by_signal
from flows.readers.sources import Source, changed, printable
from flows.report.artifacts import ErrorRow, format_duration, mask_emails
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from schemas.codes import ErrorCode
from schemas.faults import Canceled, ExitCode, Fault, JobFault
from schemas.job import JobStatus, JobSummary, fault_record
from schemas.options import InboxOptions, JobOptions

COUNTS = ("total", "inserted", "updated", "unchanged", "failed")
SHOWN_NAMES = 3
GONE = "it is no longer there"
CHANGED = "was written to after it was filed: move it back into the inbox to import what is new"
RunJob = Callable[[JobOptions, Observer], Awaitable[JobSummary]]


@dataclass
class Watch(Observer):
    """Holds the file that a job has opened, and notes whether the job repeats an earlier one."""

    path: Path
    opened: Opened | None = None
    is_repeat: bool = False

    def on_open(self, sources: Sequence[Source]) -> None:
        """Hold the file open, so that what lies there at the end can be compared with it.
        Raise `FileFault` if a link led to it, or it was replaced just now."""
        self.hold(sources[0])

    def hold(self, source: Source) -> None:
        """Hold the file open; raise `FileFault` if a link led to it, or it was replaced just now."""
        self.opened = self.opened or Opened(source)
        if not self.opened.is_named(self.path):
            raise changed(source)

    def on_already_imported(self, job_id: str) -> None:  # noqa: ARG002 - it is that of the summary
        """Note it."""
        self.is_repeat = True

    def close(self) -> None:
        """Close the file."""
        if self.opened:
            self.opened.file.close()


@dataclass(frozen=True)
class FileResult:
    """What became of one file."""

    name: str
    outcome: Outcome
    sentence: str
    path: Path | None = None  # where it lies, or its report if it was not filed
    summary: JobSummary | None = None
    is_repeat: bool = False

    @property
    def is_fine(self) -> bool:
        """Whether all its rows are in, or its sender took it back before it was read."""
        return self.outcome == "done" or (self.outcome == "withdrawn" and self.summary is None)

    @property
    def document(self) -> dict[str, object]:
        """The result as JSON values."""
        counts = {name: getattr(self.summary, name) if self.summary else 0 for name in COUNTS}
        return {
            "name": mask_emails(self.name),
            "outcome": self.outcome,
            "job_id": self.summary.job_id if self.summary else None,
            "already_imported": self.is_repeat,
            **({} if self.is_repeat else counts),
            "message": mask_emails(self.sentence),
        }


@dataclass
class InboxResult:
    """What a run of the inbox did, and what it left."""

    files: list[FileResult] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    changed: list[Filed] = field(default_factory=list)  # since they were filed
    is_stopped: bool = False
    fault: Fault | None = None  # that no job could begin
    max_waiting_seconds: float = 0.0
    now: float = field(default_factory=time.time)

    @property
    def rows(self) -> dict[str, int]:
        """The counts of all files, without those of content that had been imported before."""
        summaries = [file.summary for file in self.files if file.summary and not file.is_repeat]
        return {name: sum(getattr(summary, name) for summary in summaries) for name in COUNTS}

    @property
    def overdue(self) -> list[Waiting]:
        """What has waited for too long."""
        return [item for item in self.waiting if self.now - item.since > self.max_waiting_seconds]

    @property
    def status(self) -> JobStatus:
        """The status, of those of a job."""
        if self.is_stopped:
            return JobStatus.CANCELED
        if self.fault or self.changed or self.overdue:
            return JobStatus.FAILED
        return JobStatus.COMPLETED if all(file.is_fine for file in self.files) else JobStatus.COMPLETED_WITH_ERRORS

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command line."""
        codes = {
            JobStatus.FAILED: ExitCode.JOB_FAILED,
            JobStatus.CANCELED: ExitCode.CANCELED,
            JobStatus.COMPLETED_WITH_ERRORS: ExitCode.ROWS_REFUSED,
        }
        return codes.get(self.status, ExitCode.ALL_ROWS_IN)

    @property
    def message(self) -> str:
        """All of it in one line."""
        outcomes = Counter("left for the next run" if file.outcome == "left" else file.outcome for file in self.files)
        parts = [", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))]
        if not self.files:
            parts = ["nothing new in the inbox"]
        if repeats := sum(file.is_repeat for file in self.files):
            parts[0] += f" ({repeats:,} already imported)"
        rows = self.rows
        if rows["total"]:
            counts = ", ".join(f"{rows[name]:,} {name}" for name in COUNTS[1:])
            parts.append(f"{counts} of {rows['total']:,}")
        if self.fault:
            parts.append(f"{self.fault.message} ({self.fault.code.value})")
        if self.changed:
            names = _list_names(
                [f"{filed.report.parent.name}/{filed.path.name}" for filed in self.changed if filed.path]
            )
            parts.append(f"{names} {CHANGED}")
        if self.waiting:
            oldest = self.waiting[0]
            parts.append(f"{len(self.waiting):,} waiting, the oldest for {format_duration(self.now - oldest.since)}")
            parts[-1] += f": {_list_names([printable(item.path.name) for item in self.waiting])}"
        return mask_emails(("canceled; " if self.is_stopped else "") + "; ".join(parts))

    @property
    def document(self) -> dict[str, Any]:
        """The result as JSON values."""
        waiting = [
            {
                "name": mask_emails(printable(item.path.name)),
                "reason": mask_emails(item.reason),
                "seconds": round(self.now - item.since),
            }
            for item in self.waiting
        ]
        return {
            "status": self.status.value,
            "message": self.message,
            "rows": self.rows,
            "files": [file.document for file in self.files],
            "waiting": waiting,
            "changed": [mask_emails(printable(str(filed.path))) for filed in self.changed],
        }


@dataclass
class InboxRun:
    """One run of the inbox: how its jobs are run, who is asked and told, and what it did so far."""

    inbox: Inbox
    options: InboxOptions
    settings: Settings
    run: RunJob
    find_errors: Callable[[JobSummary], Sequence[ErrorRow]] = lambda _: ()
    is_stopped_by_person: Callable[[], bool] = lambda: False
    log: Callable[[str], None] = lambda _: None
    result: InboxResult = field(default_factory=InboxResult)

    async def import_new_files(self) -> InboxResult:
        """Import file after file of the folder, which is locked; a signal leaves the rest for the next run."""
        result = self.result
        result.max_waiting_seconds = 60 * self.options.max_waiting_minutes
        try:
            remove_leftovers(self.inbox)
            ready, _ = self.inbox.scan(now=time.time(), settle_seconds=self.options.settle_seconds)
            for path in ready:
                self.inbox.require_usable()
                self.inbox.show_life()
                if file := await self._import_file(path):
                    result.files.append(file)
                    self.log(mask_emails(f"{file.name}: {file.outcome}, {file.sentence}"))
                if result.is_stopped or result.fault:
                    break
            result.now = time.time()
            result.waiting = sorted([*self._find_waiting(ready)], key=lambda item: item.since)
            result.changed = [filed for filed in filed_files(self.inbox) if filed.is_changed]
        except JobFault as fault:  # the folder is gone, for example with its disk
            result.fault = result.fault or fault
        except OSError as error:  # it changed hands meanwhile
            result.fault = result.fault or self.inbox.fault(error)
        for item in result.waiting:
            self.log(mask_emails(item.describe(result.now)))
        for filed in result.changed:
            self.log(mask_emails(f"{printable(str(filed.path))} {CHANGED}"))
        return result

    def _find_waiting(self, ready: Sequence[Path]) -> Iterator[Waiting]:
        """Yield what was not ready, and what could not be imported: since it came, which its time need not tell."""
        waiting = self.inbox.scan(now=self.result.now, settle_seconds=self.options.settle_seconds)[1]
        yield from waiting
        left = {file.name: file.sentence for file in self.result.files if file.outcome == "left"}
        for path in {*ready} - {item.path for item in waiting}:
            if sentence := left.get(printable(path.name)):
                with suppress(FileNotFoundError):
                    since = min(path.lstat().st_ctime, self.result.now)
                    yield Waiting(path, f"was not imported: {sentence}", since)

    async def _import_file(self, path: Path) -> FileResult | None:
        """Import and file one file; None if it has become something that waits."""
        name = printable(path.name)
        try:
            if find_why_it_waits(path, now=time.time(), settle_seconds=self.options.settle_seconds):
                return None
        except FileNotFoundError:
            return FileResult(name, "withdrawn", GONE)
        with closing(Watch(path)) as watch:
            try:
                summary = await self.run(self.options.for_file(str(path)), watch)
            except Fault as fault:  # no job began, and the next would not either
                self.result.is_stopped = is_by_signal(fault_record(fault))
                self.result.fault = None if isinstance(fault, Canceled) else fault
                return FileResult(name, "left", f"{fault.message} ({fault.code.value})")
            except Exception as error:  # noqa: BLE001 - whatever is wrong with this file, the others go on
                summary = self._broken_summary(name, error)
                with suppress(Fault):
                    watch.hold(Source(name, path, 0))
            self.result.is_stopped = is_canceled_by_signal(summary)
            outcome = outcome_of(summary, by_person=not self.result.is_stopped or self.is_stopped_by_person())
            try:
                outcome, place = file_away(self.inbox, path, watch.opened, self._filing_of(summary, watch), outcome)
            except (OSError, Fault) as error:  # such as a full disk; the next run recognises the content
                why = error.message if isinstance(error, Fault) else (error.strerror or type(error).__name__).lower()
                reason = f"it could not be moved: {why}"
                return FileResult(name, "left", f"{reason}; {summary.sentence}", None, summary, watch.is_repeat)
        if outcome == "withdrawn" and summary.fault and summary.fault["code"] in UNREAD_CODES:
            return FileResult(name, outcome, GONE)
        sentence = describe_repeat(summary) if watch.is_repeat else summary.sentence
        return FileResult(name, outcome, sentence, place, summary, watch.is_repeat)

    def _broken_summary(self, name: str, error: Exception) -> JobSummary:
        """Return the summary of an import that ended with an error that nobody expected; its text may hold data."""
        message = f"the import of the file broke down with {type(error).__name__}"
        hint = "look at the list of jobs whether one has imported it, and please report this"
        now = utc_now()
        return JobSummary(
            job_id=str(uuid4()),
            external_id=None,
            connection=self.options.connection,
            sources=(name,),
            profile=self.options.profile,
            mode=self.options.mode.value,
            dry_run=False,
            status=JobStatus.FAILED,
            created_at=now,
            finished_at=now,
            fault=fault_record(JobFault(ErrorCode.INTERNAL, message, hint)),
        )

    def _filing_of(self, summary: JobSummary, watch: Watch) -> Filing:
        layouts = JobFolder(self.settings.jobs_folder / summary.job_id).layouts()
        return Filing(
            summary,
            self.find_errors(summary),
            is_repeat=watch.is_repeat,
            write_rejects=partial(self._write_rejects, summary.job_id),
            extension=f".{layouts[0][0]}" if layouts else ".ndjson",
        )

    def _write_rejects(self, job_id: str, path: Path) -> int:
        try:
            return write_rejects(Store(self.settings), job_id, path).records
        except Fault as fault:  # purged, or the database is busy
            self.log(mask_emails(f"{printable(path.name)} was not written: {fault.message}; {fault.hint}"))
            return 0


def _list_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
