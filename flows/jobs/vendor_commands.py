"""Print jobs and errors in the shape of another system (`--as`); the shapes are in `flows.report.vendors`."""

import sys
from typing import cast

from flows.import_users.cli import Common
from flows.report.printing import print_json
from flows.report.vendors import VENDORS, JobView, liferay
from flows.store.job_status import get_live_status
from flows.store.jobs import find_errors, find_rejected, get_job_row
from schemas.faults import ExitCode, Fault


def print_status(common: Common, job_id: str, *, vendor: str) -> int:
    """Print a job as the system would, also one that does not exist, and return the exit code."""
    try:
        print_json(VENDORS[vendor].job(_view(common, job_id)))
    except Fault as fault:
        print_json(VENDORS[vendor].missing(job_id))
        return fault.exit_code
    return ExitCode.ALL_ROWS_IN


def print_errors(common: Common, job_id: str, *, vendor: str, csv: bool) -> None:
    """Print a job's refused records as the system would."""
    view, shape = _view(common, job_id), VENDORS[vendor].errors
    if csv and vendor == "liferay":
        sys.stdout.write(liferay.report(view))
    else:
        print_json(shape(view) if shape else [])


def _view(common: Common, job_id: str) -> JobView:
    """Return the job with all that the shapes are made of."""
    store = common.find_store()
    summary, live = get_live_status(store, job_id)
    row = get_job_row(store, job_id)
    return JobView(
        summary=summary,
        percent=cast("float | None", live.get("percent")),
        seconds_left=cast("float | None", live.get("seconds_left")),
        rows=cast("int", live.get("rows", 0)),
        expired=row["purged_at"] is not None,
        on_error=str(row["on_error"]),
        errors=find_errors(store, job_id),
        rejected=find_rejected(store, job_id),
    )
