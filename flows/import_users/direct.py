"""An import in this process without Prefect, recorded in the database only; and the notices of its end."""

from functools import partial
from pathlib import Path

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.stop import A_SIGNAL, Stop, canceled_by, on_signals
from flows.report.targets import NoticeSettings
from flows.settings import Settings
from schemas.job import JobSummary
from schemas.options import JobOptions


def run_directly(
    options: JobOptions,
    observer: Observer,
    *,
    settings: Settings,
    notices: NoticeSettings,
    job_id: str,
    waits_for_slot: bool = False,
) -> JobSummary:
    """Run a job, which Ctrl-C and SIGTERM cancel, and return its summary; raise a `Fault` if it could not begin."""
    stop = Stop.for_job(settings, job_id=job_id)
    with on_signals(lambda: stop.request(canceled_by(A_SIGNAL))):
        return run_job(
            options,
            settings=settings,
            job_id=job_id,
            observer=observer,
            stop=stop,
            on_lost=partial(send_notices, notices=notices, database=settings.database, observer=observer),
            waits_for_slot=waits_for_slot,
        )


def send_notices(summary: JobSummary, *, notices: NoticeSettings, database: Path, observer: Observer) -> None:
    """Send the notices of the end of a job; one that cannot be delivered is a warning."""
    if notices.targets:
        from flows.report.notices import end_of, notify

        for failure in notify(end_of(summary, database=database), notices):
            observer.on_warning(failure)
