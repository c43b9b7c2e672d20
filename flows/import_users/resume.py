"""Run an import again under its id, as its next attempt: it takes up what the attempt before has loaded."""

import os
from typing import cast

from flows.import_users.direct import run_directly, send_notices
from flows.report.targets import NoticeSettings
from flows.report.terminal import Terminal
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.jobs import build_summary, get_job_row, options_of
from flows.store.requests.request import read_request
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import UNDO, JobSummary
from schemas.options import JobOptions


def resume(settings: Settings, job_id: str, terminal: Terminal) -> JobSummary:
    """Run the job again and return its summary; of one that has merged, the summary that it has.
    Raise `JobFault` if it is not an import, and `Fault` if it could not begin."""
    options = _options_of(settings, job_id)
    notices = NoticeSettings.from_environment(os.environ, notify=options.notify, no_mail=options.no_mail)
    summary = run_directly(options, terminal, settings=settings, notices=notices, job_id=job_id)
    send_notices(summary, notices=notices, database=settings.database, observer=terminal)
    return summary


def _options_of(settings: Settings, job_id: str) -> JobOptions:
    store = Store(settings)
    row = get_job_row(store, job_id)
    if row["kind"] == UNDO:
        raise JobFault(ErrorCode.NOT_UNDOABLE, f"job {job_id} is an undo", "run the undo again")
    folder = JobFolder(settings.jobs_folder / job_id)
    if request := read_request(folder):
        return request.to_options(folder)
    options = options_of(row, sources=tuple(cast("list[str]", row["sources"])))
    summary = build_summary(row)
    return options.model_copy(update={"dry_run": summary.dry_run, "external_id": summary.external_id})
