"""Account for the last day: where each file of the inboxes lies, how each job ended, and what needs a person.

`jobs night` and the flow `import-night` print it. Nothing is changed here, except that jobs whose process is gone are
ended first. What lies in an inbox is read by `flows.inbox.folder`.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, cast

from flows.inbox.archive import filed_files
from flows.inbox.folder import LOCK_NAME, Inbox
from flows.jobs.forget import find_inbox
from flows.readers.sources import printable
from flows.report.artifacts import format_duration
from flows.store.database import Store
from flows.store.job_folder import STATUS_FILE
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import build_summary
from flows.store.locks import find_holder, is_locked
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault
from schemas.job import DONE, RUNNING, UNDO, JobSummary
from transforms.statements import run, run_mapped

SETTLE_SECONDS = 10.0  # for which a file is said to be still written to
PATIENCE = timedelta(hours=1)  # how long a file may wait, and a run be silent
Kind = Literal["lost", "blocked", "waiting", "changed"]
KINDS: tuple[Kind, ...] = ("lost", "blocked", "waiting", "changed")
UNREAD = (ErrorCode.FILE_NOT_FOUND, ErrorCode.FILE_CHANGED)  # of a file that its sender took back before it was read
COUNTS = ("total", "inserted", "updated", "unchanged", "failed")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that needs a person: what it is, and what to do."""

    kind: Kind
    message: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class NightFile:
    """A file of an inbox: where it lies, since when, and the job that imported it."""

    inbox: str
    name: str  # under which it came
    place: str  # waiting, importing, withdrawn, replaced, missing, or the folder that it was filed under
    path: str | None  # where it lies
    since: datetime
    why: str = ""
    is_changed: bool = False
    is_repeat: bool = False  # its content had been imported before
    job: JobSummary | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the file as JSON values."""
        rows = {name: getattr(self.job, name) if self.job and not self.is_repeat else 0 for name in COUNTS}
        return {
            **{name: getattr(self, name) for name in ("inbox", "name", "place", "path")},
            "since": _iso(self.since),
            "why": self.why,
            "changed": self.is_changed,
            "repeat": self.is_repeat,
            "job_id": self.job.job_id if self.job else None,
            "status": self.job.status.value if self.job else None,
            **rows,
        }


@dataclass(frozen=True, kw_only=True)
class Night:
    """What became of every file and job since a time, and what needs a person."""

    since: datetime
    until: datetime
    files: tuple[NightFile, ...]
    jobs: tuple[JobSummary, ...]
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing needs a person."""
        return not self.problems

    @property
    def places(self) -> Mapping[str, int]:
        """The number of files by place."""
        return Counter(file.place for file in self.files)

    @property
    def statuses(self) -> Mapping[str, int]:
        """The number of jobs by status."""
        return Counter(job.status.value for job in self.jobs)

    @property
    def rows(self) -> Mapping[str, int]:
        """The rows of the jobs by outcome; those of dry runs and undos are not counted."""
        counted = [job for job in self.jobs if not job.dry_run and job.mode != UNDO]
        return {name: sum(getattr(job, name) for job in counted) for name in COUNTS}

    @property
    def sentence(self) -> str:
        """Whether the night was good, and what there was."""
        found = Counter(problem.kind for problem in self.problems)
        verdict = ", ".join(f"{found[kind]:,} {kind}" for kind in KINDS if found[kind])
        rows = self.rows
        counts = (
            f"{_count(len(self.files), 'file')}{_listed(self.places)}, {_count(len(self.jobs), 'job')}"
            f"{_listed(self.statuses)}, {rows['failed']:,} of {_count(rows['total'], 'row')} refused"
        )
        return f"the night needs a person: {verdict}; {counts}" if verdict else f"the night was good: {counts}"

    def to_dict(self) -> dict[str, object]:
        """Return the night as JSON values, keys in the documented order."""
        return {
            "good": self.is_good,
            "sentence": self.sentence,
            "since": _iso(self.since),
            "until": _iso(self.until),
            "problems": [dict(problem.__dict__) for problem in self.problems],
            "counts": {"files": dict(self.places), "jobs": dict(self.statuses), "rows": dict(self.rows)},
            "files": [file.to_dict() for file in self.files],
            "jobs": [job.to_dict() for job in self.jobs],
        }


def get_night(store: Store, *, since: datetime, now: datetime, inboxes: Sequence[Path] = ()) -> Night:
    """Return the night since a time, with the inboxes that are given and those that jobs have read from."""
    jobs: list[JobSummary] = []
    unreadable: list[Problem] = []
    folders: list[Path | None] = [path.resolve() for path in inboxes]
    try:
        end_lost_jobs(store)
        with store.reading() as connection:
            jobs += map(build_summary, run_mapped(connection, "jobs_of_night", since=since.isoformat()))
            folders += [find_inbox(store, Path(str(name))) for (name,) in run(connection, "source_folders")]
    except DatabaseFault as fault:
        unreadable.append(Problem(kind="blocked", message=fault.message, hint=fault.hint))
    found = [Inbox(path) for path in dict.fromkeys(filter(None, folders))]
    there = [inbox for inbox in found if inbox.path.is_dir()]
    files = [file for inbox in there for file in _find_files(store, inbox, jobs, since=since, now=now)]
    problems = (
        *unreadable,
        *_find_lost(jobs, files),
        *([] if unreadable else _find_unknown(store, files)),
        *_find_silent(store, jobs, now=now),
        *_find_held(store, found, jobs, now=now),
        *_find_problems_of_files(files, now=now),
    )
    return Night(since=since, until=now, files=tuple(files), jobs=tuple(jobs), problems=problems)


def _find_files(
    store: Store, inbox: Inbox, jobs: Sequence[JobSummary], *, since: datetime, now: datetime
) -> Iterator[NightFile]:
    """Yield the files that wait in an inbox, those that were filed since a time or have changed, and those of jobs that
    lie nowhere."""
    jobs_by_name = {name: job for job in jobs if job.mode != UNDO for name in _names_in(store, inbox, job)}
    waiting = [*_find_waiting(inbox, now=now)]  # first: meanwhile a file may move from there to where it is filed
    filed = [*filed_files(inbox)]
    make = partial(NightFile, inbox=printable(str(inbox.path)))
    for path, why in waiting:
        job = jobs_by_name.get(printable(path.name))
        place = "importing" if job and job.status in RUNNING else "waiting"
        yield make(name=printable(path.name), place=place, path=printable(str(path)), since=_ctime(path), why=why, job=job)
    for file in filed:
        about, is_changed = file.document["file"], file.is_changed
        if file.filed_at >= since or is_changed:
            is_there = file.path is not None and os.path.lexists(file.path)
            outcome = "replaced" if about["outcome"] == "changed" else str(about["outcome"])
            yield make(
                name=str(about["name"]),
                place=outcome if is_there or file.path is None else "missing",
                path=printable(str(file.path)) if is_there else None,
                since=file.filed_at,
                why=about["already_imported"] or "",
                is_changed=is_changed,
                is_repeat=bool(about["already_imported"]),
                job=JobSummary.from_dict(file.document["summary"]),
            )
    seen = {printable(path.name) for path in (*(path for path, _ in waiting), *inbox.files())}
    for name in jobs_by_name.keys() - seen - {str(file.document["file"]["name"]) for file in filed}:
        job = jobs_by_name[name]
        place = "withdrawn" if job.fault and job.fault["code"] in UNREAD else "missing"
        since_when = datetime.fromisoformat(job.finished_at or job.created_at)
        yield make(name=name, place=place, path=None, since=since_when, job=job)


def _find_waiting(inbox: Inbox, *, now: datetime) -> Iterator[tuple[Path, str]]:
    """Yield what lies in the inbox itself, and why it waits."""
    ready, waiting = inbox.scan(now=now.timestamp(), settle_seconds=SETTLE_SECONDS)
    yield from ((path, "is ready for the next run: look whether the inbox is scheduled and its worker runs") for path in ready)
    yield from ((file.path, file.reason) for file in waiting)


def _names_in(store: Store, inbox: Inbox, job: JobSummary) -> Iterator[str]:
    """Yield the names of the job's files that it read from the inbox."""
    for path in map(Path, job.sources):
        if find_inbox(store, path.parent) == inbox.path:
            yield printable(path.name)


def _find_problems_of_files(files: Sequence[NightFile], *, now: datetime) -> Iterator[Problem]:
    """Yield the files that lie nowhere, wait for too long or have changed since they were filed."""
    for file in files:
        job = f" of job {file.job.job_id}" if file.job else ""
        if file.place == "missing":
            message = f"{file.name}{job} lies neither in the inbox {file.inbox} nor where it was filed"
            yield Problem(kind="lost", message=message, hint=_what_became_of(file.job))
        if file.place == "waiting" and now - file.since > PATIENCE:
            why, _, hint = file.why.partition(": ")
            message = f"{file.path} {why}, and has waited for {_duration(now - file.since)}"
            yield Problem(kind="waiting", message=message, hint=hint or "look whether its sender is done")
        if file.is_changed:
            what = "and what is new in it is not imported"
            message = f"{file.path} changed after job {file.job and file.job.job_id} had imported it, {what}"
            hint = "move it back into the inbox, and have its sender rename files that are complete"
            yield Problem(kind="changed", message=message, hint=hint)


def _what_became_of(job: JobSummary | None) -> str:
    if job is None:
        return "ask its sender for it"
    if job.status in DONE:
        return f"its rows were imported; `python -m flows.jobs status {job.job_id}` has the counts"
    return "nothing of it was imported: ask its sender for it, and put it into the inbox again"


def _find_lost(jobs: Sequence[JobSummary], files: Sequence[NightFile]) -> Iterator[Problem]:
    """Yield the jobs whose process was lost, and whose files neither wait nor were imported by a later job."""
    waiting = {(file.job.job_id) for file in files if file.job and file.place in ("waiting", "importing")}
    for place, job in enumerate(jobs):
        lost = job.fault is not None and job.fault["code"] == ErrorCode.JOB_LOST
        later = (other for other in jobs[place + 1 :] if other.status in DONE and not other.dry_run)
        if lost and job.job_id not in waiting and not any(_is_repeated_by(job, other) for other in later):
            message = f"job {job.job_id} was lost with its process, and no later job imported {_sources(job)}"
            yield Problem(kind="lost", message=message, hint="run it again; nothing of it was merged")


def _is_repeated_by(job: JobSummary, other: JobSummary) -> bool:
    return (job.connection, job.mode, job.sources) == (other.connection, other.mode, other.sources)


def _find_unknown(store: Store, files: Sequence[NightFile]) -> Iterator[Problem]:
    """Yield the files whose report names a job that the database does not have."""
    ids = [file.job.job_id for file in files if file.job]
    with store.reading() as connection:
        known = {job_id for (job_id,) in run(connection, "known_jobs", job_ids=ids)}
    for file in files:
        if file.job and file.job.job_id not in known:
            message = f"{file.path or file.name} was filed by job {file.job.job_id}, which is not in {store.path}"
            hint = "name the database of the inbox with --database; after a restore, move the file back into the inbox"
            yield Problem(kind="lost", message=message, hint=hint)


def _find_silent(store: Store, jobs: Sequence[JobSummary], *, now: datetime) -> Iterator[Problem]:
    """Yield the jobs that run and have shown no progress for too long."""
    for job in (job for job in jobs if job.status in RUNNING):
        silence = now - _last_sign(store, job)
        if silence > PATIENCE:
            message = f"job {job.job_id} is {job.status.value} and has shown no progress for {_duration(silence)}"
            stop = f"python -m flows.jobs cancel {job.job_id} --database {store.path}"
            yield Problem(kind="blocked", message=message, hint=f"stop it with `{stop}`, and import its files again")


def _last_sign(store: Store, job: JobSummary) -> datetime:
    status = store.settings.jobs_folder / job.job_id / STATUS_FILE
    with suppress(OSError):
        return datetime.fromtimestamp(status.stat().st_mtime, UTC)
    return datetime.fromisoformat(job.started_at or job.created_at)


def _find_held(store: Store, inboxes: Sequence[Inbox], jobs: Sequence[JobSummary], *, now: datetime) -> Iterator[Problem]:
    """Yield the inboxes that are missing, and those that a run has held for long without importing anything."""
    for inbox in inboxes:
        lock, name = inbox.path / LOCK_NAME, printable(str(inbox.path))
        if not inbox.path.is_dir():
            yield Problem(kind="blocked", message=f"there is no folder {name}", hint="create it, or mount its disk")
        elif is_locked(lock):
            held = now - datetime.fromtimestamp(lock.stat().st_mtime, UTC)
            at_work = any(job.status in RUNNING and [*_names_in(store, inbox, job)] for job in jobs)
            if held > PATIENCE and not at_work:
                holder = find_holder(lock)
                message = f"{f'process {holder}' if holder else 'a process'} has held the inbox {name} for {_duration(held)} and imports nothing"
                hint = f"end it{f' with `kill {holder}`' if holder else ''}; the next run goes on"
                yield Problem(kind="blocked", message=message, hint=hint)


def _sources(job: JobSummary) -> str:
    return ", ".join(printable(source) for source in job.sources[:3]) + (" …" if len(job.sources) > 3 else "")


def _duration(period: timedelta) -> str:
    return format_duration(period.total_seconds())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{count:,} {name}' for name, count in sorted(counts.items()))})".replace("_", " ") if counts else ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _ctime(path: Path) -> datetime:
    """Return when the file came to where it is or was last written to, whatever date it bears."""
    return datetime.fromtimestamp(path.lstat().st_ctime, UTC)
