"""Print jobs and errors in the shape of another system (`--as`); the shapes are in `flows.report.vendors`."""

import sys
from contextlib import suppress
from dataclasses import replace
from typing import cast

from flows.import_users.cli import Common
from flows.jobs.lookup import find_job, find_job_id
from flows.report.printing import print_json
from flows.report.vendors import VENDORS, JobView, liferay
from flows.store.database import Store
from flows.store.job_status import KnownJob, impatient
from flows.store.jobs import find_errors, find_rejected
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, ExitCode, JobFault


def print_status(common: Common, name: str, *, vendor: str) -> int:
    """Print a job as the system would, also one that does not exist, and return the exit code."""
    try:
        view = _view(find_job(common, name))
    except JobFault as fault:
        if fault.code is not ErrorCode.JOB_NOT_FOUND:
            raise
        print_json(VENDORS[vendor].missing(name))
        return fault.exit_code
    if view.summary.failed:
        with suppress(DatabaseFault):  # busy: the items are missing, as while the job runs
            view = _with_errors(impatient(common.find_store()), view)
    print_json(VENDORS[vendor].job(view))
    return ExitCode.ALL_ROWS_IN


def print_errors(common: Common, name: str, *, vendor: str, csv: bool) -> None:
    """Print a job's refused records as the system would."""
    store, job_id = common.find_store(), find_job_id(common, name)
    view = _with_errors(store, _view(find_job(common, job_id)))
    shape = VENDORS[vendor].errors
    if csv:
        sys.stdout.write(liferay.report(view))
    else:
        print_json(shape(view) if shape else [])


def _with_errors(store: Store, view: JobView) -> JobView:
    job_id = view.summary.job_id
    return replace(view, errors=find_errors(store, job_id), rejected=find_rejected(store, job_id))


def _view(job: KnownJob) -> JobView:
    """Return the job with all that the shapes are made of."""
    return JobView(
        summary=job.summary,
        percent=cast("float | None", job.progress.get("percent")),
        seconds_left=cast("float | None", job.progress.get("seconds_left")),
        rows=cast("int", job.progress.get("rows", 0)),
        expired=job.is_purged,
        on_error=job.on_error,
    )
