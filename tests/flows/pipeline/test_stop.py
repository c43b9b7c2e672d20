"""A job that takes too long or is canceled ends as such and merges nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.pipeline.job import Observer, Progress
from flows.pipeline.run import run_job
from flows.settings import Settings
from flows.store.job_folder import JobFolder
from schemas.job import JobStatus, JobSummary
from schemas.options import JobOptions
from tests.flows.importing import import_records, read_users
from tests.population import population, user, write_ndjson


class Canceling(Observer):
    """An observer that cancels the job when it enters a phase, or on its first progress."""

    def __init__(self, folder: JobFolder, when: JobStatus | None) -> None:
        self.folder, self.when = folder, when

    def on_phase(self, status: JobStatus) -> None:
        if status is self.when:
            self.folder.request_cancel()

    def on_progress(self, progress: Progress) -> None:  # noqa: ARG002 - an observer is told by position
        if self.when is None:
            self.folder.request_cancel()


def run(settings: Settings, path: Path, when: JobStatus | None) -> JobSummary:
    job_id = "11111111-1111-4111-8111-111111111111"
    observer = Canceling(JobFolder(settings.jobs_folder / job_id), when)
    return run_job(JobOptions(sources=(str(path),)), settings=settings, job_id=job_id, observer=observer)


def test_a_job_beyond_its_time_limit_fails_and_merges_nothing(settings: Settings) -> None:
    import_records(settings, [user(1)])
    before = read_users(settings)
    summary = import_records(replace(settings, time_limit_seconds=0), [user(2)])
    assert (summary.status, summary.fault and summary.fault["code"]) == (JobStatus.FAILED, "TIMED_OUT")
    assert read_users(settings) == before


@pytest.mark.parametrize("when", [JobStatus.LOADING, None, JobStatus.READY, JobStatus.IMPORTING])
def test_a_job_canceled_in_any_phase_merges_nothing(settings: Settings, when: JobStatus | None) -> None:
    path = write_ndjson(settings.database.parent / "a.ndjson", (record for record, _ in population(50)))
    summary = run(settings, path, when)
    assert (summary.status, summary.fault and summary.fault["code"]) == (JobStatus.CANCELED, "CANCELED")
    assert read_users(settings) == []
    assert import_records(settings, [user(1)]).inserted == 1
