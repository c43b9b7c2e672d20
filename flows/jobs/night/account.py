"""Account for the last day: where each file of the inboxes lies, how each job ended, and what needs a person.

`jobs night` and the flow `import-night` print it. Nothing is changed here, except that jobs whose process is gone are
ended first. What lies in an inbox is read by `flows.inbox.folder`.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flows.inbox.archive import UNREAD_CODES
from flows.inbox.folder import LOCK_NAME, REPORT, Inbox, find_inbox, find_inboxes
from flows.inbox.reports import Filed, filed_files
from flows.jobs.night.report import Night, NightFile, Problem
from flows.readers.sources import printable
from flows.report.artifacts import format_duration
from flows.settings import format_command
from flows.store.database import Store
from flows.store.job_folder import STATUS_FILE
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import build_summary
from flows.store.locks import find_holder, is_locked
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import DONE, RUNNING, UNDO, JobSummary
from transforms.statements import run, run_mapped

SETTLE_SECONDS = 10.0  # for which a file is said to be still written to
READY = "is ready for the next run: look whether the inbox is scheduled and its worker runs"
PATIENCE = timedelta(hours=1)  # how long a file may wait, and a run be silent


def get_night(store: Store, *, since: datetime, now: datetime, inboxes: Sequence[Path] = ()) -> Night:
    """Return the night since a time, with the inboxes that are given and those that jobs have read from."""
    jobs: list[JobSummary] = []
    unreadable: list[Problem] = []
    found = dict.fromkeys(Inbox(path.resolve()) for path in inboxes)
    is_readable = False
    try:
        end_lost_jobs(store)
        with store.reading() as connection:
            jobs += map(build_summary, run_mapped(connection, "jobs_of_night", since=since.isoformat()))
        found |= dict.fromkeys(find_inboxes(store))
        is_readable = True
    except DatabaseFault as fault:
        unreadable.append(Problem(kind="blocked", message=fault.message, hint=fault.hint))
    files: list[NightFile] = []
    there: list[Inbox] = []
    for inbox in found:
        try:
            files += _find_files(store, inbox, jobs, since=since, now=now)
            there.append(inbox)
        except (JobFault, OSError) as error:
            blocked = inbox.fault(error) if isinstance(error, OSError) else error
            unreadable.append(Problem(kind="blocked", message=blocked.message, hint=blocked.hint))
    problems = (
        *unreadable,
        *_find_lost(jobs, files),
        *(_find_unknown(store, files) if is_readable else []),
        *_find_silent(store, jobs, now=now),
        *_find_held(store, there, jobs, now=now),
        *_find_problems_of_files(store, files, now=now),
    )
    return Night(since=since, until=now, files=tuple(files), jobs=tuple(jobs), problems=problems)


def _find_files(
    store: Store, inbox: Inbox, jobs: Sequence[JobSummary], *, since: datetime, now: datetime
) -> Iterator[NightFile]:
    """Yield the files that wait in an inbox, those that were filed since a time or have changed, and those of jobs that
    lie nowhere."""
    waiting = [*_find_waiting(inbox, now=now)]  # first: meanwhile a file may move from there to where it is filed
    back = {printable(path.name) for path, _, _ in waiting}
    filed = [*filed_files(inbox)]
    jobs_by_name = {name: job for job in jobs if job.mode != UNDO for name in _names_in(store, inbox, job)}
    make = partial(NightFile, inbox=printable(str(inbox.path)))
    for path, why, arrived in waiting:
        if os.path.lexists(path):
            job = jobs_by_name.get(printable(path.name))
            place = "importing" if job and job.status in RUNNING else "waiting"
            yield make(
                name=printable(path.name), place=place, path=printable(str(path)), since=arrived, why=why, job=job
            )
    for file in filed:
        if file.filed_at >= since or file.is_changed:
            described = _describe(file)
            names = {described["name"], printable(file.report.name.removesuffix(REPORT))}
            if not (described["place"] == "missing" and names & back):
                yield make(**described)
    for name, job in jobs_by_name.items():
        if name not in back and not _is_filed(name, job, inbox, filed):
            ended = datetime.fromisoformat(job.finished_at or job.created_at)
            is_withdrawn = job.fault and job.fault["code"] in UNREAD_CODES
            is_purged = ended.timestamp() < inbox.purged_until
            place = "withdrawn" if is_withdrawn else "purged" if is_purged else "missing"
            yield make(name=name, place=place, path=None, since=ended, job=job)


def _find_waiting(inbox: Inbox, *, now: datetime) -> Iterator[tuple[Path, str, datetime]]:
    """Yield what lies in the inbox itself, why it waits, and since when: what is ready, since it came."""
    ready, waiting = inbox.scan(now=now.timestamp(), settle_seconds=SETTLE_SECONDS)
    for path in ready:
        with suppress(FileNotFoundError):
            yield path, READY, datetime.fromtimestamp(path.lstat().st_ctime, UTC)
    for item in waiting:
        yield item.path, item.reason, datetime.fromtimestamp(item.since, UTC)


def _describe(file: Filed) -> dict[str, Any]:
    """Return a filed file as the fields of a `NightFile`."""
    about = file.document["file"]
    is_there = file.path is not None and os.path.lexists(file.path)
    outcome = "replaced" if about["outcome"] == "changed" else str(about["outcome"])
    return {
        "name": str(about["name"]),
        "place": outcome if is_there or file.path is None else "missing",
        "path": printable(str(file.path)) if is_there else None,
        "since": file.filed_at,
        "why": about["already_imported"] or "",
        "is_changed": file.is_changed,
        "is_repeat": bool(about["already_imported"]),
        "job": JobSummary.from_dict(file.document["summary"]),
    }


def _is_filed(name: str, job: JobSummary, inbox: Inbox, filed: Sequence[Filed]) -> bool:
    """Return whether the job's file of that name was filed since the job began, or lies where files are without a
    report."""
    began = datetime.fromisoformat(job.created_at).replace(microsecond=0)  # as the reports have it
    without_report = {path for path in inbox.files() if path.name == name} - {file.path for file in filed}
    return bool(without_report) or any(
        file.document["file"]["name"] == name and file.filed_at >= began for file in filed
    )


def _names_in(store: Store, inbox: Inbox, job: JobSummary) -> Iterator[str]:
    """Yield the names of the job's files that it read from the inbox."""
    for path in map(Path, job.sources):
        if find_inbox(path.parent, store) == inbox:
            yield printable(path.name)


def _find_problems_of_files(store: Store, files: Sequence[NightFile], *, now: datetime) -> Iterator[Problem]:
    """Yield the files that lie nowhere, wait for too long or have changed since they were filed."""
    for file in files:
        job = f" of job {file.job.job_id}" if file.job else ""
        if file.place == "missing":
            message = f"{file.name}{job} lies neither in the inbox {file.inbox} nor where it was filed"
            yield Problem(kind="lost", message=message, hint=_what_became_of(store, file.job))
        if file.place == "waiting" and now - file.since > PATIENCE:
            why, _, hint = file.why.partition(": ")
            message = f"{file.path} {why}, and has waited for {_duration(now - file.since)}"
            yield Problem(kind="waiting", message=message, hint=hint or "look whether its sender is done")
        if file.is_changed:
            what = "and what is new in it is not imported"
            message = f"{file.path} changed after job {file.job and file.job.job_id} had imported it, {what}"
            hint = "move it back into the inbox, and have its sender rename files that are complete"
            yield Problem(kind="changed", message=message, hint=hint)


def _what_became_of(store: Store, job: JobSummary | None) -> str:
    if job is None:
        return "ask its sender for it"
    if job.status in DONE:
        status = format_command("jobs", "status", job.job_id, database=store.path)
        return f"its rows were imported; `{status}` has the counts"
    return "nothing of it was imported: ask its sender for it, and put it into the inbox again"


def _find_lost(jobs: Sequence[JobSummary], files: Sequence[NightFile]) -> Iterator[Problem]:
    """Yield the jobs whose process was lost, and whose files neither wait, nor were filed or imported since."""
    for place, job in enumerate(jobs):
        is_lost = job.fault is not None and job.fault["code"] == ErrorCode.JOB_LOST
        if is_lost and not _is_made_up_for(job, jobs[place + 1 :], files):
            sources = ", ".join(printable(source) for source in job.sources)
            message = f"job {job.job_id} was lost with its process, and no later job imported {sources}"
            yield Problem(kind="lost", message=message, hint="run it again; nothing of it was merged")


def _is_made_up_for(job: JobSummary, later: Sequence[JobSummary], files: Sequence[NightFile]) -> bool:
    same = (job.connection, job.mode, job.sources)
    names = {printable(Path(source).name) for source in job.sources}
    began = datetime.fromisoformat(job.created_at).replace(microsecond=0)
    if any(
        other.status in DONE and not other.dry_run and same == (other.connection, other.mode, other.sources)
        for other in later
    ):
        return True
    own = [file for file in files if file.name in names]
    return any(
        file.place in ("waiting", "importing")
        or (file.path and file.since >= began and file.job and file.job.job_id != job.job_id)
        for file in own
    )


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
            stop = format_command("jobs", "cancel", job.job_id, database=store.path)
            yield Problem(kind="blocked", message=message, hint=f"stop it with `{stop}`, and import its files again")


def _last_sign(store: Store, job: JobSummary) -> datetime:
    status = store.settings.jobs_folder / job.job_id / STATUS_FILE
    with suppress(OSError):
        return datetime.fromtimestamp(status.stat().st_mtime, UTC)
    return datetime.fromisoformat(job.started_at or job.created_at)


def _find_held(
    store: Store, inboxes: Sequence[Inbox], jobs: Sequence[JobSummary], *, now: datetime
) -> Iterator[Problem]:
    """Yield the inboxes that a run has held for long without importing anything."""
    for inbox in inboxes:
        lock, name = inbox.path / LOCK_NAME, printable(str(inbox.path))
        is_held = False
        with suppress(OSError):  # a link or a pipe has the name: no run can use the folder, and its files wait
            is_held = is_locked(lock)
        if is_held:
            held = now - datetime.fromtimestamp(lock.stat().st_mtime, UTC)  # a run writes to it when it begins
            is_at_work = any(job.status in RUNNING and [*_names_in(store, inbox, job)] for job in jobs)
            if held > PATIENCE and not is_at_work:
                holder = find_holder(lock)
                who, end = (f"process {holder}", f" with `kill {holder}`") if holder else ("a process", "")
                message = f"{who} has held the inbox {name} for {_duration(held)} and imports nothing"
                yield Problem(kind="blocked", message=message, hint=f"end it{end}; the next run goes on")


def _duration(period: timedelta) -> str:
    return format_duration(period.total_seconds())
