"""Apply a dry run: carry out its plan exactly as it was shown, or nothing. An application is an import with its own id.

It plans again from the rows that the dry run has staged, and compares both plans row by row
(`outcomes_changed.sql`); merging is that of every import.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from typing import Any

from flows.pipeline.job import Job, Observer, accept_job
from flows.pipeline.lifecycle import recording_faults, report_end, running_job
from flows.pipeline.load import Loaded
from flows.pipeline.merge import merge
from flows.pipeline.plan import make_plan
from flows.pipeline.stop import Stop
from flows.settings import Settings, format_command
from flows.store.connections import find_connection
from flows.store.database import Store
from flows.store.job_folder import LAST, LAYOUTS_FILE, LOCK_FILE, JobFolder
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import Content, build_summary, find_job, get_job_row, options_of
from flows.store.locks import file_lock, slot
from flows.store.private_files import atomic_write
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import DONE, RUNNING, UNDO, JobStatus, JobSummary
from schemas.options import JobOptions
from transforms.statements import run

LOADED_FILE = "loaded.json"
PARTS = ("accepted", "errors", "originals", "trimmed", "refused", "rejected")
COUNTED = ("profile", "total", "failed", "warnings", "not_users", "blank_lines", "errors_by_code")


def apply(planned_id: str, *, settings: Settings, job_id: str, waits_for_slot: bool = False) -> JobSummary:
    """Carry out the plan of a dry run and return the summary, however it ended; that of an earlier application where
    one is in force.

    Raise `JobFault` if there is no such job, it is not a dry run that has completed, or its rows are no longer kept,
    `DatabaseFault` if the database cannot be opened, and `Canceled` if it was stopped before it began.
    """
    stop = Stop.for_job(settings, job_id=job_id)
    stop.folder.discard_cancel()
    store = Store(settings, on_retry=stop.check)
    store.require_database()
    store.prepare()
    end_lost_jobs(store)
    options = find_options(store, planned_id)
    with _held(JobFolder(settings.jobs_folder / planned_id), store) as planned:
        if earlier := find_application(store, planned_id):
            return earlier
        loaded = require_plan(planned)
        job = accept_job(options, store=store, stop=stop, observer=Observer(), job_id=job_id)
        with running_job(replace(job, applies=planned_id)) as summary:
            if summary.status not in RUNNING:
                return summary
            with store.transaction() as connection:
                run(connection, "set_applies", job_id=job_id, applies=planned_id)
            return _carry_out(
                replace(job, summary=summary, applies=planned_id),
                planned,
                loaded,
                waiting=stop.check if waits_for_slot else None,
            )


def find_options(store: Store, planned_id: str) -> JobOptions:
    """Return the options of the import that a dry run has planned; raise `JobFault` (`NOT_APPLICABLE`) if it is none
    that has completed."""
    row = get_job_row(store, planned_id)
    job = build_summary(row)
    if not job.dry_run or job.mode == UNDO or job.status not in DONE:
        what = "is not a dry run of an import" if not job.dry_run or job.mode == UNDO else "has no complete plan"
        hint = f"see `{format_command('jobs', 'status', planned_id, database=store.path)}`"
        raise JobFault(ErrorCode.NOT_APPLICABLE, f"job {planned_id} {what}", hint)
    options = options_of(row, sources=job.sources)
    return options.model_copy(update={"connection": job.connection, "external_id": job.external_id})


def find_application(store: Store, planned_id: str) -> JobSummary | None:
    """Return the job that has carried out the plan of a dry run, unless it was undone; None if there is none."""
    with store.reading() as connection:
        found = run(connection, "applied_by", applies=planned_id)
    return find_job(store, str(found[0][0])) if found else None


def require_plan(folder: JobFolder) -> Mapping[str, Any]:
    """Return what the dry run has loaded; raise `JobFault` (`STAGED_PURGED`) if it is no longer kept."""
    try:
        found: Mapping[str, Any] = json.loads((folder.path / LOADED_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        raise _purged(folder) from None
    return found


def keep_loaded(job: Job, loaded: Loaded) -> None:
    """Keep the result of the load stage of a dry run in its folder."""
    document = {**asdict(loaded), "summary": loaded.summary.to_dict()}
    with atomic_write(job.folder.path / LOADED_FILE) as temp:
        temp.write_text(json.dumps(document), encoding="utf-8")


@recording_faults
def _carry_out(
    job: Job, planned: JobFolder, loaded: Mapping[str, Any], *, waiting: Callable[[], None] | None
) -> JobSummary:
    with slot(job.settings, connection=job.options.connection, waiting=waiting):
        find_connection(job.store, job.options.connection)
        job.enter_phase(JobStatus.LOADING)
        _link_parts(planned, job.folder)
        staged = _as_loaded(job, loaded)
        return report_end(job, merge(job, staged, make_plan(job, staged)))


@contextmanager
def _held(folder: JobFolder, store: Store) -> Iterator[JobFolder]:
    """Hold the dry run's folder, which is neither purged nor applied by another process meanwhile."""
    with ExitStack() as lock:
        try:
            lock.enter_context(file_lock(folder.path / LOCK_FILE, wait_seconds=store.settings.wait_seconds))
        except BlockingIOError:
            message = f"another process applies job {folder.path.name}"
            raise JobFault(ErrorCode.JOB_RUNNING, message, "wait until it has ended") from None
        except FileNotFoundError:
            raise _purged(folder) from None
        yield folder


def _purged(folder: JobFolder) -> JobFault:
    message = f"the staged records of job {folder.path.name} are no longer kept"
    return JobFault(ErrorCode.STAGED_PURGED, message, "make a new dry run")


def _as_loaded(job: Job, document: Mapping[str, Any]) -> Loaded:
    """Return what the dry run has loaded as the result of this job's load stage."""
    counted = {name: document["summary"][name] for name in COUNTED}
    read = document["content"]
    content = Content(read["hash"], tuple(read["files"]), tuple(read["first_records"]))
    return replace(Loaded(**document), summary=replace(job.summary, **counted), content=content)


def _link_parts(planned: JobFolder, folder: JobFolder) -> None:
    """Link the staged rows into the folder of the job; those that the plan added are made anew."""
    for part in (*(part for kind in PARTS for part in planned.parts(kind)), planned.path / LAYOUTS_FILE):
        if LAST not in part.name:
            os.link(part, folder.path / part.name)
