"""A job that is run again under its id: it runs until it has merged, then answers with its summary."""

import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, cast

import pytest

from flows.pipeline.job import Observer, Progress
from flows.pipeline.run import RunStage, run_job
from flows.pipeline.stop import Stop, canceled_by
from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store import job_status
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import find_job, find_rejected
from flows.store.retention import purge
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import JobStatus, JobSummary, fault_record
from schemas.options import JobOptions
from tests.flows.importing import change_database, query_rows

JOB = "11111111-1111-4111-8111-111111111111"
GOOD = '{"email": "ann@x.example"}\n'
BAD = '{"email": "no address"}\n'
ATTEMPTS = "select attempt, flow_run_id, status, fault_code from job_attempts order by attempt"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "users.ndjson"


def attempt(source: Path, settings: Settings, *, observer: Observer | None = None, **more: object) -> JobSummary:
    """Run the job once more."""
    options = JobOptions.model_validate({"sources": (str(source),), **more})
    return run_job(options, settings=settings, job_id=JOB, flow_run_id="run", observer=observer or Observer())


def users_in(settings: Settings) -> list[str]:
    return [str(email) for (email,) in query_rows(settings, "select email from users order by email")]


def test_job_that_failed_runs_again_as_its_second_attempt(source: Path, settings: Settings) -> None:
    failed = attempt(source, settings)
    assert failed.fault
    assert failed.fault["code"] == ErrorCode.FILE_NOT_FOUND
    source.write_text(GOOD + BAD)
    done = attempt(source, settings)
    assert (done.status, done.inserted, done.failed) == (JobStatus.COMPLETED_WITH_ERRORS, 1, 1)
    assert done.created_at == failed.created_at < str(done.started_at)
    assert find_job(Store(settings), JOB) == done
    assert query_rows(settings, "select attempts, flow_run_id from import_jobs") == [(2, "run")]
    assert query_rows(settings, ATTEMPTS) == [(1, "run", "failed", "FILE_NOT_FOUND")]


def test_job_that_has_merged_answers_with_its_summary(source: Path, settings: Settings) -> None:
    source.write_text(GOOD)
    done = attempt(source, settings)
    source.unlink()
    assert attempt(source, settings) == done
    assert query_rows(settings, "select attempts from import_jobs") == [(1,)]


def test_job_that_was_undone_stays_undone_until_the_undo_is_undone(source: Path, settings: Settings) -> None:
    source.write_text(GOOD)
    done = attempt(source, settings)
    undone_by = undo(JOB, dry_run=False, settings=settings, job_id=str(uuid.uuid4())).job_id
    with pytest.raises(JobFault, match=f"was undone by job {undone_by}") as caught:
        attempt(source, settings)
    assert caught.value.code is ErrorCode.JOB_ID_REUSED
    assert users_in(settings) == []
    undo(undone_by, dry_run=False, settings=settings, job_id=str(uuid.uuid4()))
    assert attempt(source, settings) == done
    assert users_in(settings) == ["ann@x.example"]


def test_job_that_accepted_nothing_is_completed_by_the_corrected_file(source: Path, settings: Settings) -> None:
    source.write_text(BAD + BAD)
    assert attempt(source, settings).failed == 2
    purge(Store(settings), days=0)
    source.write_text(BAD + GOOD)
    done = attempt(source, settings)
    assert (done.total, done.inserted, done.failed, done.errors_by_code) == (2, 1, 1, {"FORMAT": 1})
    assert query_rows(settings, ATTEMPTS) == [(1, "run", "failed", "NOTHING_ACCEPTED")]
    assert query_rows(settings, "select attempts, purged_at from import_jobs") == [(2, None)]
    assert query_rows(settings, "select record from import_errors") == [(1,)]
    assert len(find_rejected(Store(settings), JOB)) == 1


def test_dry_run_that_has_completed_answers_with_its_summary(source: Path, settings: Settings) -> None:
    assert attempt(source, settings, dry_run=True).status is JobStatus.FAILED
    source.write_text(GOOD)
    planned = attempt(source, settings, dry_run=True)
    assert (planned.status, planned.inserted) == (JobStatus.COMPLETED, 1)
    assert attempt(source, settings, dry_run=True) == planned
    assert users_in(settings) == []


def test_attempt_that_repeats_another_job_leaves_the_one_before_as_it_ended(source: Path, settings: Settings) -> None:
    failed = attempt(source, settings)
    source.write_text(GOOD)
    options = JobOptions(sources=(str(source),))
    other = run_job(options, settings=settings, job_id=str(uuid.uuid4()), observer=Observer())
    assert attempt(source, settings) == other
    assert find_job(Store(settings), JOB).fault == {**(failed.fault or {}), "hint": ""}
    assert query_rows(settings, "select attempts from import_jobs order by created_at") == [(1,), (1,)]
    assert query_rows(settings, ATTEMPTS) == []


def test_errors_and_staged_rows_of_the_attempt_before_are_gone(source: Path, settings: Settings) -> None:
    source.write_text(GOOD + BAD + BAD)
    assert attempt(source, settings, on_error="fail").status is JobStatus.FAILED
    source.write_text(BAD + GOOD)
    attempt(source, settings, on_error="fail")
    store, folder = Store(settings), JobFolder(settings.jobs_folder / JOB)
    assert [row["record"] for row in find_rejected(store, JOB)] == [1]
    assert query_rows(settings, "select distinct record from import_errors") == [(1,)]
    assert len(folder.layouts()) == 1


@pytest.mark.parametrize(
    "differing", [{"mode": "upsert"}, {"dry_run": True}, {"on_error": "fail"}, {"metadata": "merge"}], ids=str
)
def test_id_of_a_job_with_other_options_is_refused(
    source: Path, settings: Settings, differing: dict[str, object]
) -> None:
    source.write_text(GOOD)
    done = attempt(source, settings)
    with pytest.raises(JobFault, match="with other") as caught:
        attempt(source, settings, observer=None, **differing)
    assert caught.value.code is ErrorCode.JOB_ID_REUSED
    assert find_job(Store(settings), JOB) == done
    assert JobFolder(settings.jobs_folder / JOB).read_status()["status"] == "completed"


def test_id_of_a_lost_job_with_other_sources_is_refused(source: Path, settings: Settings) -> None:
    attempt(source, settings)
    change_database(settings, "update import_jobs set status = 'pending', finished_at = null")
    JobFolder(settings.jobs_folder / JOB).clear()
    with pytest.raises(JobFault, match="sources"):
        attempt(source.with_name("other.ndjson"), settings)
    assert query_rows(settings, "select status, attempts from import_jobs") == [("failed", 1)]


def test_job_that_runs_is_not_begun_again(source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.store.job_folder.LOCK_SECONDS", 0.1)
    source.write_text(GOOD)
    attempt(source, settings, dry_run=True)
    before = query_rows(settings, "from import_jobs")
    folder = JobFolder(settings.jobs_folder / JOB)
    folder.request_cancel()
    with folder.locked(), pytest.raises(JobFault, match="another process is running") as caught:
        attempt(source, settings, dry_run=True)
    assert caught.value.code is ErrorCode.JOB_RUNNING
    assert folder.cancel_requested, "the request is for the process that runs"
    assert query_rows(settings, "from import_jobs") == before


def test_job_that_was_canceled_runs_again(source: Path, settings: Settings) -> None:
    class Cancels(Observer):
        def on_progress(self, progress: Progress) -> None:  # noqa: ARG002
            JobFolder(settings.jobs_folder / JOB).request_cancel()

    source.write_text(GOOD)
    assert attempt(source, settings, observer=Cancels()).status is JobStatus.CANCELED
    assert attempt(source, settings).status is JobStatus.COMPLETED
    assert query_rows(settings, ATTEMPTS) == [(1, "run", "canceled", "CANCELED")]


def test_lost_attempt_is_recorded_with_its_end(source: Path, settings: Settings) -> None:
    attempt(source, settings)
    change_database(settings, "update import_jobs set status = 'loading', finished_at = null, fault_code = null")
    JobFolder(settings.jobs_folder / JOB).clear()
    source.write_text(GOOD)
    assert attempt(source, settings).status is JobStatus.COMPLETED
    assert query_rows(settings, ATTEMPTS) == [(1, "run", "failed", "JOB_LOST")]
    assert query_rows(settings, "select finished_at is not null from job_attempts") == [(True,)]


def test_lost_job_is_returned_once_and_has_an_end(source: Path, settings: Settings) -> None:
    attempt(source, settings)
    change_database(settings, "update import_jobs set status = 'loading', finished_at = null, fault_code = null")
    JobFolder(settings.jobs_folder / JOB).clear()
    store = Store(settings)
    (lost,) = end_lost_jobs(store)
    assert lost.fault
    assert (lost.job_id, lost.fault["code"]) == (JOB, "JOB_LOST")
    assert lost == find_job(store, JOB)
    assert str(lost.finished_at) > str(lost.started_at)
    assert end_lost_jobs(store) == []


def test_attempt_that_begins_while_the_one_before_is_found_to_be_lost_goes_on(
    source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_next(*lost: object) -> JobSummary:
        change_database(settings, "update import_jobs set attempts = 2, started_at = now()")
        return final_summary(*lost)

    attempt(source, settings)
    change_database(settings, "update import_jobs set status = 'loading', finished_at = null, fault_code = null")
    JobFolder(settings.jobs_folder / JOB).clear()
    final_summary: Callable[..., JobSummary] = job_status._final_summary
    monkeypatch.setattr(job_status, "_final_summary", begin_next)
    assert end_lost_jobs(Store(settings)) == []
    assert query_rows(settings, "select status, finished_at from import_jobs") == [("loading", None)]


def test_next_job_hears_of_a_lost_one(source: Path, settings: Settings) -> None:
    attempt(source, settings)
    change_database(settings, "update import_jobs set status = 'loading', finished_at = null, fault_code = null")
    JobFolder(settings.jobs_folder / JOB).clear()
    source.write_text(GOOD)
    lost: list[JobSummary] = []
    other = JobOptions(sources=(str(source),))
    run_job(other, settings=settings, job_id=str(uuid.uuid4()), observer=Observer(), on_lost=lost.append)
    assert [summary.job_id for summary in lost] == [JOB]


def test_attempt_that_cannot_begin_changes_nothing(source: Path, settings: Settings) -> None:
    source.write_text(GOOD + BAD)
    attempt(source, settings, on_error="fail")
    before = query_rows(settings, "from import_jobs")
    count = {"begun": 0}

    def break_it(name: str) -> None:
        if name == "database: commit":
            count["begun"] += 1
            raise OSError("broken")

    with on_fault_point(break_it), pytest.raises(OSError, match="broken"):
        attempt(source, settings, on_error="fail")
    assert count["begun"] > 0
    assert query_rows(settings, "from import_jobs") == before
    assert query_rows(settings, ATTEMPTS) == []
    assert len(find_rejected(Store(settings), JOB)) == 1


def test_attempt_begins_although_its_status_cannot_be_written(source: Path, settings: Settings) -> None:
    attempt(source, settings)
    source.write_text(GOOD)
    failures = [OSError("full")]

    def fail_once(name: str) -> None:
        if name == "folder: replace the status" and failures:
            raise failures.pop()

    with on_fault_point(fail_once):
        assert attempt(source, settings).status is JobStatus.COMPLETED
    assert not failures


def _ends_process() -> None:
    raise SystemExit(143)


class OrchestratorSignal(BaseException):
    """What an orchestrator raises to end a run."""


def _ends_run() -> NoReturn:
    raise OrchestratorSignal


def _interrupts() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("stop", [_ends_process, _ends_run, _interrupts])
@pytest.mark.parametrize("step", ["enter loading", "stage a batch", "enter importing"])
def test_end_of_the_process_cancels_the_job(
    source: Path, settings: Settings, stop: Callable[[], None], step: str
) -> None:
    source.write_text(GOOD)
    if stop is _interrupts and step == "enter importing":
        pytest.skip("the main thread hears of it some time later, when a small job may have merged")

    def stop_at(name: str) -> None:
        if name == step:
            stop()

    with on_fault_point(stop_at):
        summary = attempt(source, settings)
    assert summary.fault
    assert (summary.status, summary.fault["code"]) == (JobStatus.CANCELED, "CANCELED")
    assert end_lost_jobs(Store(settings)) == [], "canceled, and not lost as well"
    assert attempt(source, settings).status is JobStatus.COMPLETED
    assert users_in(settings) == ["ann@x.example"]


def test_orchestrator_that_ends_a_stopped_job_is_not_its_cause(source: Path, settings: Settings) -> None:
    def end_run(_name: str, _stage: object, /) -> NoReturn:
        stop.request(canceled_by("Prefect"))
        _ends_run()

    source.write_text(GOOD)
    stop = Stop.for_job(settings, job_id=JOB)
    options = JobOptions(sources=(str(source),))
    summary = run_job(
        options, settings=settings, job_id=JOB, observer=Observer(), run_stage=cast("RunStage", end_run), stop=stop
    )
    assert summary.fault == fault_record(canceled_by("Prefect"))


def test_busy_database_is_a_fault_of_the_attempt_only(source: Path, settings: Settings) -> None:
    source.write_text(GOOD)
    attempt(source.with_name("missing"), settings, again=True)
    with Store(settings).reading(), pytest.raises(DatabaseFault):
        attempt(source.with_name("missing"), settings, again=True)
    assert attempt(source.with_name("missing"), settings, again=True).status is JobStatus.FAILED
    assert query_rows(settings, "select attempts from import_jobs") == [(2,)]
