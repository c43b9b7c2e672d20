"""Jobs are found by id, external id, `last` or the beginning of an id, and shown while the database is busy."""

from dataclasses import replace

import pytest

from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.job_folder import JobFolder
from flows.store.job_status import (
    AmbiguousJobError,
    JobFilter,
    KnownJob,
    find_job_named,
    find_jobs,
    impatient,
    request_cancel,
)
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import JobStatus, JobSummary
from tests.flows.importing import add_jobs, change_database, ended_job, import_records, new_id
from tests.population import user


@pytest.fixture
def jobs(store: Store) -> list[JobSummary]:
    """Three jobs that have ended, oldest first; the first two have the same external id."""
    jobs = [
        ended_job(f"2026-01-0{day}T00:00:00.000000Z", name) for day, name in enumerate(("night", "night", "day"), 1)
    ]
    add_jobs(store, jobs)
    return jobs


def found(settings: Settings, name: str) -> str:
    return find_job_named(Store(settings), name).summary.job_id


def listed(settings: Settings, **wanted: object) -> list[str]:
    jobs, busy = find_jobs(Store(settings), JobFilter(**wanted))  # type: ignore[arg-type] # the fields of a filter
    assert busy is None
    return [job.summary.job_id for job in jobs]


def test_a_job_is_found_by_id_external_id_last_and_beginning(settings: Settings, jobs: list[JobSummary]) -> None:
    first, _, newest = (job.job_id for job in jobs)
    assert found(settings, first) == first
    assert found(settings, "day") == newest
    assert found(settings, "last") == newest
    assert found(settings, first[:6]) == first
    assert found(settings, first[:8].upper()) == first


@pytest.mark.parametrize("name", ["nothing", "", "../jobs", "%"])
def test_a_name_that_no_job_has_is_not_found(settings: Settings, jobs: list[JobSummary], name: str) -> None:
    for unknown in (name, jobs[0].job_id[:5], new_id()):
        with pytest.raises(JobFault) as raised:
            find_job_named(Store(settings), unknown)
        assert raised.value.code is ErrorCode.JOB_NOT_FOUND
        assert str(settings.database) in raised.value.hint


def test_a_name_that_several_jobs_have_is_refused_with_their_list(settings: Settings, jobs: list[JobSummary]) -> None:
    with pytest.raises(AmbiguousJobError) as raised:
        find_job_named(Store(settings), "night")
    assert [job.job_id in str(raised.value) for job in jobs] == [True, True, False]
    change_database(settings, "update import_jobs set job_id = 'abcdef' || substr(job_id, 7)")
    with pytest.raises(AmbiguousJobError, match="3 jobs"):
        find_job_named(Store(settings), "abcdef")


def test_an_external_id_comes_before_last_and_beginnings(settings: Settings, jobs: list[JobSummary]) -> None:
    first, second, _ = (job.job_id for job in jobs)
    rename = "update import_jobs set external_id = $name where job_id = $job"
    change_database(settings, rename, name="last", job=first)
    assert found(settings, "last") == first
    change_database(settings, rename, name=first[:8], job=second)
    assert found(settings, first[:8]) == second
    change_database(settings, rename, name=first, job=second)
    assert found(settings, first) == first


def test_an_undo_does_not_make_the_external_id_of_its_job_ambiguous(settings: Settings, jobs: list[JobSummary]) -> None:
    undo = replace(jobs[2], job_id=new_id(), mode="undo", created_at="2026-01-04T00:00:00Z")
    add_jobs(Store(settings), [undo])
    change_database(
        settings,
        "update import_jobs set kind = if(mode = 'undo', 'undo', kind), undone_by_job = $undo"
        " where external_id = 'day'",
        undo=undo.job_id,
    )
    job = find_job_named(Store(settings), "day")
    assert (job.summary.job_id, job.undone_by) == (jobs[2].job_id, undo.job_id)
    assert find_job_named(Store(settings), "last").kind == "undo"
    assert listed(settings, external_id="day") == [undo.job_id, jobs[2].job_id]


def test_the_list_is_filtered(settings: Settings, jobs: list[JobSummary]) -> None:
    first, second, third = (job.job_id for job in jobs)
    change_database(
        settings,
        "update import_jobs set status = 'failed', connection = 'crm', created_at = '2020-01-02T03:04:05Z',"
        " sources = ['in/a[1].csv'] where job_id = $first",
        first=first,
    )
    assert listed(settings) == [third, second, first]
    assert listed(settings, limit=1) == [third]
    assert listed(settings, statuses=("failed",)) == [first]
    assert set(listed(settings, statuses=("failed", "completed"))) == {first, second, third}
    assert listed(settings, connection="crm") == [first]
    assert listed(settings, since="2020-01-02T03:04:06+00:00") == [third, second]
    assert listed(settings, external_id="night") == [second, first]
    for name in ("a[1].csv", "in/a[1].csv", "a*.csv", "in/*"):
        assert listed(settings, file=name) == [first]
    assert listed(settings, file="a.csv") == []


def test_a_running_job_is_known_while_it_holds_the_database(settings: Settings) -> None:
    job_id, store = new_id(), impatient(Store(settings))
    seen: dict[str, tuple[list[KnownJob], DatabaseFault | None]] = {}

    def look(step: str) -> None:
        names = {"enter ready": [job_id], "commit": [job_id, job_id[:8], "last", "running"]}.get(step)
        if names:
            seen[step] = [find_job_named(store, name) for name in names], find_jobs(store, JobFilter())[1]

    with on_fault_point(look):
        summary = import_records(settings, [user(9)], name=job_id, external_id="running")
    assert summary.inserted == 1
    (loading,), fault = seen["enter ready"]
    assert loading.progress == {"percent": 100.0, "rows": 1, "seconds_left": 0.0}
    assert (loading.summary.status, fault) == (JobStatus.LOADING, None)
    merging, fault = seen["commit"]
    assert {job.summary.job_id for job in merging} == {job_id}
    assert {job.summary.status for job in merging} == {JobStatus.IMPORTING}
    assert fault is not None
    assert fault.code is ErrorCode.DATABASE_BUSY


def test_a_busy_database_hides_no_job_that_has_a_folder(settings: Settings, jobs: list[JobSummary]) -> None:
    store = impatient(Store(settings))
    with Store(settings).writing():
        assert [job.summary for job in find_jobs(store, JobFilter())[0]] == [*reversed(jobs)]
        assert [job.summary for job in find_jobs(store, JobFilter(external_id="day", file="*.csv"))[0]] == jobs[2:]
        assert find_job_named(store, jobs[0].job_id).summary == jobs[0]
        with pytest.raises(DatabaseFault) as raised:
            find_job_named(store, "nothing")
    assert raised.value.code is ErrorCode.DATABASE_BUSY


def test_a_job_that_waits_for_the_database_to_begin_is_known(settings: Settings, jobs: list[JobSummary]) -> None:
    job_id = new_id()
    folder = JobFolder(settings.jobs_folder / job_id)
    pending = {**jobs[0].to_dict(), "job_id": job_id, "status": "pending"}
    with folder.locked():
        folder.write_database_name(settings.database)
        folder.write_status(pending)
        with Store(settings).writing():
            assert find_job_named(impatient(Store(settings)), job_id).summary.status is JobStatus.PENDING
        assert listed(settings, statuses=("pending",)) == [job_id]
        assert request_cancel(Store(settings), job_id)
    assert folder.cancel_requested
    assert not request_cancel(Store(settings), job_id)


def test_a_lost_job_is_shown_as_such_while_its_end_cannot_be_recorded(
    settings: Settings, jobs: list[JobSummary]
) -> None:
    job_id = jobs[0].job_id
    JobFolder(settings.jobs_folder / job_id).write_status({**jobs[0].to_dict(), "status": "importing"})
    change_database(settings, "update import_jobs set status = 'importing' where job_id = $job_id", job_id=job_id)
    for hold in (Store(settings).reading, Store(settings).writing):
        with hold():
            summary = find_job_named(impatient(Store(settings)), job_id).summary
            assert (summary.status, (summary.fault or {}).get("code")) == (JobStatus.FAILED, "JOB_LOST")


def test_a_queued_job_is_pending_until_the_table_has_it(settings: Settings, jobs: list[JobSummary]) -> None:
    queued = [replace(job, status=JobStatus.PENDING, total=0) for job in jobs]
    other = replace(queued[0], job_id=new_id(), external_id="other")
    assert find_job_named(Store(settings), jobs[0].job_id, queued=queued).summary == jobs[0]
    assert find_job_named(Store(settings), "other", queued=[other]).summary == other
    assert len(find_jobs(Store(settings), JobFilter(), queued=[*queued, other])[0]) == 4


def test_a_queued_job_is_known_before_there_is_a_database(settings: Settings) -> None:
    settings.database.unlink()
    queued = replace(ended_job("2026-01-01T00:00:00.000000Z"), status=JobStatus.PENDING)
    assert find_job_named(Store(settings), queued.job_id, queued=[queued]).summary == queued
    with pytest.raises(DatabaseFault, match="there is no database"):
        find_job_named(Store(settings), queued.job_id)
