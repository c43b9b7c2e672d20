"""Print jobs and errors in the shape of another system (`--as`); the shapes are in `flows.report.vendors`."""

import argparse
import sys
from typing import TYPE_CHECKING, cast

from flows.report.printing import print_json
from flows.settings import Settings
from schemas.faults import ExitCode, Fault

if TYPE_CHECKING:
    from flows.report.vendors import JobView


def status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a job as the system would; a job that is not there in its own words too."""
    from flows.report.vendors import VENDORS

    vendor = VENDORS[arguments.vendor]
    try:
        print_json(vendor.job(_view(arguments.job, settings)))
    except Fault as fault:
        print_json(vendor.missing(arguments.job))
        return fault.exit_code
    return ExitCode.ALL_ROWS_IN


def errors(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print a job's refused records as the system would."""
    from flows.report.vendors import VENDORS, liferay

    view = _view(arguments.job, settings)
    if arguments.csv and arguments.vendor == "liferay":
        sys.stdout.write(liferay.report(view))
        return ExitCode.ALL_ROWS_IN
    shape = VENDORS[arguments.vendor].errors
    print_json(shape(view) if shape else [])
    return ExitCode.ALL_ROWS_IN


def _view(job_id: str, settings: Settings) -> "JobView":
    """The job with all that the shapes are made of."""
    from flows.report.vendors import JobView
    from flows.store.database import Store
    from flows.store.job_status import get_live_status
    from flows.store.jobs import find_errors, find_rejected, get_job_row

    store = Store(settings)
    store.require_database()
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
