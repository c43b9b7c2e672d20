"""`python -m flows.import_users.requested JOB DATABASE`: run a requested job in this process, without a terminal.

The dispatcher of the HTTP face starts it; everything that people see of it is in the job's folder and the database.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from flows.import_users.direct import run_directly, send_notices
from flows.pipeline.job import Observer
from flows.pipeline.undo import undo
from flows.report.targets import NoticeSettings
from flows.settings import Settings, settings_from
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.jobs import record_repeat
from flows.store.requests.queue import end_request
from flows.store.requests.request import JobRequest, read_request
from schemas.codes import ErrorCode
from schemas.faults import Canceled, Fault
from schemas.job import JobStatus, JobSummary

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the database is busy


@dataclass
class Log(Observer):
    """Writes warnings to standard error, which the dispatcher keeps in the job's folder."""

    def on_warning(self, sentence: str) -> None:
        """Write it."""
        sys.stderr.write(f"{sentence}\n")


def main(job_id: str, database: str) -> int:
    """Run the job and return its exit code."""
    settings = settings_from(os.environ, database=Path(database))
    folder = JobFolder(settings.jobs_folder / job_id)
    request = read_request(folder)
    if request is None:
        sys.stderr.write("the request is gone\n")
        return 1
    options, log = request.to_options(folder), Log()
    notices = NoticeSettings.from_environment(os.environ, notify=options.notify, no_mail=options.no_mail)
    try:
        if request.kind == "import":
            summary = run_directly(options, log, settings=settings, notices=notices, job_id=job_id, waits_for_slot=True)
        else:
            summary = _act_on_job(request, settings=settings)
    except Fault as fault:  # the job could not begin
        if fault.code in (ErrorCode.DATABASE_BUSY, ErrorCode.JOB_RUNNING):
            return TRY_AGAIN
        end_request(folder, JobStatus.CANCELED if isinstance(fault, Canceled) else JobStatus.FAILED, fault)
        return fault.exit_code
    send_notices(summary, notices=notices, database=settings.database, observer=log)
    return summary.exit_code


def _act_on_job(request: JobRequest, *, settings: Settings) -> JobSummary:
    """Undo the job of the request; where that was done before, the request becomes another name of it."""
    summary: JobSummary = undo(
        request.paths[0], dry_run=bool(request.options.get("dry_run")), settings=settings, job_id=request.job_id
    )
    if summary.job_id != request.job_id:
        record_repeat(Store(settings), request.summary(), earlier=summary.job_id)
        JobFolder(settings.jobs_folder / request.job_id).remove()
    return summary


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
