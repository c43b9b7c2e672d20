"""A job that takes too long or is canceled ends as such and merges nothing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from flows.pipeline.job import Observer, Progress
from flows.pipeline.run import run_job
from flows.pipeline.stop import Stop, canceled_by
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.jobs import find_job
from schemas.faults import Canceled, JobFault
from schemas.job import FaultRecord, JobStatus, JobSummary, fault_record
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


def timed_out(folder: JobFolder, *, seconds: float, limit: float, source_bytes: int = 0) -> FaultRecord | None:
    """Return the fault of a job with that limit after so many seconds."""
    times = iter([100.0, 100.0 + seconds])
    stop = Stop(folder, limit, clock=lambda: next(times))
    stop.allow_time_for(source_bytes)
    try:
        stop.check()
    except JobFault as fault:
        return fault_record(fault)
    return None


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "job")
    folder.create()
    return folder


LATE = "the job took longer than 7,200 seconds: after 7,201 it was"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            {"status": "loading", "percent": 43.1, "rows": 1234567, "seconds_left": None},
            f"{LATE} loading, 43.1 % of the sources, 1,234,567 rows",
        ),
        (
            {"status": "importing", "percent": 100.0, "rows": 2000000},
            f"{LATE} merging, 100 % of the sources, 2,000,000 rows",
        ),
        ({}, f"{LATE} not loading yet"),
    ],
)
def test_a_time_out_says_how_far_the_job_was(folder: JobFolder, status: Mapping[str, object], message: str) -> None:
    folder.write_status(status)
    fault = timed_out(folder, seconds=7201, limit=7200)
    assert fault is not None
    assert (fault["code"], fault["message"]) == ("TIMED_OUT", message)
    assert "run it again with --time-limit 14400 " in fault["hint"]


def test_the_hint_of_a_time_out_names_a_limit_that_is_allowed(folder: JobFolder) -> None:
    fault = timed_out(folder, seconds=2_592_001, limit=2_592_000)
    assert fault is not None
    assert "--time-limit 2592000 " in fault["hint"]


def test_the_time_limit_grows_with_the_sources(folder: JobFolder) -> None:
    assert timed_out(folder, seconds=7200 + 19, limit=7200, source_bytes=1_000_000) is None
    assert timed_out(folder, seconds=7200 + 21, limit=7200, source_bytes=1_000_000) is not None


def test_a_job_that_is_asked_to_stop_does_not_guess_from_where(folder: JobFolder) -> None:
    folder.request_cancel()
    with pytest.raises(Canceled, match="the job was canceled by request"):
        Stop(folder, 60).check()


def test_a_reader_of_batches_that_is_interrupted_ends_as_canceled(folder: JobFolder) -> None:
    stop = Stop(folder, 3600)
    with duckdb.connect() as connection:
        reader = connection.sql("from range(50_000_000)").to_arrow_reader(50_000)
        with pytest.raises(Canceled), stop.interruptible(connection):
            _interrupt(stop, reader)


def _interrupt(stop: Stop, reader: pa.RecordBatchReader) -> None:
    reader.read_next_batch()
    stop.request(canceled_by("a test"))
    reader.read_all()


@pytest.mark.parametrize("error", [OSError("broken"), duckdb.Error("broken")])
def test_an_error_without_a_request_to_stop_stays_what_it_is(folder: JobFolder, error: Exception) -> None:
    stop = Stop(folder, 3600)
    with duckdb.connect() as connection, pytest.raises(type(error), match="broken"), stop.interruptible(connection):
        raise error


class Recording(Observer):
    """An observer that keeps the time limit that a job has when it is planned."""

    def __init__(self, stop: Stop) -> None:
        self.stop, self.limit = stop, 0.0

    def on_phase(self, status: JobStatus) -> None:
        if status is JobStatus.READY:
            self.limit = self.stop.time_limit_seconds


@pytest.mark.parametrize(("option", "limit"), [(None, 7200 + 5 / 50_000), (90, 90)])
def test_a_job_has_the_limit_of_its_option_or_one_for_its_sources(
    settings: Settings, option: int | None, limit: float
) -> None:
    path = settings.database.parent / "a.json"
    path.write_text("[]\n\n\n")
    stop = Stop.for_job(settings, job_id="11111111-1111-4111-8111-111111111111")
    observer = Recording(stop)
    options = JobOptions(sources=(str(path),), time_limit=option)
    run_job(options, settings=settings, job_id=stop.folder.path.name, observer=observer, stop=stop)
    assert observer.limit == pytest.approx(limit, abs=1e-9)


def test_a_job_that_is_merging_still_says_how_many_rows_it_loaded(settings: Settings) -> None:
    path = write_ndjson(settings.database.parent / "a.ndjson", (record for record, _ in population(50)))
    seen: dict[JobStatus, list[object]] = {}
    job_folder = JobFolder(settings.jobs_folder / "11111111-1111-4111-8111-111111111111")

    class Reading(Observer):
        def on_phase(self, status: JobStatus) -> None:
            found = job_folder.read_status()
            seen[status] = [found.get(name) for name in ("status", "percent", "rows")]

    run_job(JobOptions(sources=(str(path),)), settings=settings, job_id=job_folder.path.name, observer=Reading())
    assert seen[JobStatus.LOADING] == ["loading", None, None]
    assert seen[JobStatus.IMPORTING] == ["importing", 100.0, 50]


@pytest.mark.parametrize("when", [JobStatus.LOADING, None, JobStatus.READY, JobStatus.IMPORTING])
def test_a_job_canceled_in_any_phase_merges_nothing(settings: Settings, when: JobStatus | None) -> None:
    path = write_ndjson(settings.database.parent / "a.ndjson", (record for record, _ in population(50)))
    summary = run(settings, path, when)
    assert (summary.status, summary.fault and summary.fault["code"]) == (JobStatus.CANCELED, "CANCELED")
    assert summary.total == summary.failed == (0 if when is JobStatus.LOADING else 50)  # what was read until then
    assert find_job(Store(settings), summary.job_id).total == summary.total
    assert read_users(settings) == []
    assert import_records(settings, [user(1)]).inserted == 1
