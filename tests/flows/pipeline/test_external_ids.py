"""An external id names one job where that was asked for, and a repeat gives the earlier job another name."""

import uuid
from pathlib import Path

import pytest

from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.job_status import JobFilter, find_job_named, find_jobs
from schemas.faults import ExitCode
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import import_file, query_rows

ADA, BOB = '{"email": "ada@x.example"}\n', '{"email": "bob@x.example"}\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "users.ndjson"
    path.write_text(ADA)
    return path


def import_as(
    settings: Settings, source: Path, external_id: str, mode: Mode = Mode.UPSERT, **more: object
) -> JobSummary:
    options = {"again": False, "unique_external_id": True, **more}
    return import_file(settings, source, mode, name=str(uuid.uuid4()), external_id=external_id, **options)


def reused(summary: JobSummary) -> bool:
    return (summary.fault or {}).get("code") == "EXTERNAL_ID_REUSED" and summary.exit_code == ExitCode.JOB_FAILED


def users(settings: Settings) -> list[object]:
    return [email for (email,) in query_rows(settings, "select email from users order by email")]


def test_the_same_import_with_the_same_unique_id_answers_with_the_first_job(settings: Settings, source: Path) -> None:
    first = import_as(settings, source, "night")
    other = source.with_name("other.ndjson")
    other.write_text(BOB)
    import_file(settings, other)  # changes users, so that the content alone would be imported again
    assert import_as(settings, source, "night") == first
    assert len(query_rows(settings, "from import_jobs")) == 2


@pytest.mark.parametrize("change", ["content", "options", "again"])
def test_another_import_with_a_unique_id_is_refused(settings: Settings, source: Path, change: str) -> None:
    first = import_as(settings, source, "night")
    if change == "content":
        source.write_text(BOB)
    mode = Mode.INSERT if change == "options" else Mode.UPSERT
    second = import_as(settings, source, "night", mode, again=change == "again")
    assert reused(second)
    assert first.job_id in (second.fault or {})["message"]
    assert users(settings) == ["ada@x.example"]


def test_without_the_flag_jobs_share_an_external_id(settings: Settings, source: Path) -> None:
    import_as(settings, source, "night")
    source.write_text(BOB)
    assert import_as(settings, source, "night", unique_external_id=False).inserted == 1
    assert len(find_jobs(Store(settings), JobFilter(external_id="night"))[0]) == 2


def test_jobs_that_changed_nothing_leave_the_id_free(settings: Settings, source: Path) -> None:
    import_as(settings, source, "night", dry_run=True)
    assert import_as(settings, source.with_name("none.csv"), "night").status is JobStatus.FAILED
    first = import_as(settings, source, "night")
    assert first.inserted == 1
    undo(first.job_id, dry_run=False, settings=settings, job_id=str(uuid.uuid4()))
    assert import_as(settings, source, "night").inserted == 1


def test_of_two_imports_at_once_the_first_has_the_unique_id(settings: Settings, source: Path) -> None:
    other = source.with_name("other.ndjson")
    other.write_text(BOB)
    second: list[JobSummary] = []

    def import_other(step: str) -> None:
        if step == "enter ready" and not second:
            second.append(import_as(settings, other, "night"))

    with on_fault_point(import_other):
        first = import_as(settings, source, "night")
    assert (first.inserted, users(settings)) == (1, ["ada@x.example"])
    assert reused(second[0])
    assert f"jobs wait {first.job_id}" in (second[0].fault or {})["hint"]


def test_a_repeat_gives_the_earlier_job_another_name(settings: Settings, source: Path) -> None:
    first = import_as(settings, source, "night", unique_external_id=False)
    repeat = str(uuid.uuid4())
    for name in ("morning", "morning", "night"):
        again = import_file(settings, source, name=repeat, external_id=name, again=False)
        assert again == first
    job = find_job_named(Store(settings), "morning")
    assert (job.summary.job_id, job.other_external_ids) == (first.job_id, ("morning",))
    assert find_job_named(Store(settings), repeat).summary == first
    assert [job.summary for job in find_jobs(Store(settings), JobFilter(external_id="morning"))[0]] == [first]
    source.write_text(BOB)
    assert reused(import_as(settings, source, "morning"))
