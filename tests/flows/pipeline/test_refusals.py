"""What a plan refuses is found in partitions and staged in batches, and nobody sees where one ends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from flows.pipeline import refusals
from flows.pipeline.apply import apply
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.stop import Stop, canceled_by
from flows.report.planned_rows import read_plan_lines
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.job_folder import JobFolder
from flows.store.jobs import find_errors, find_rejected
from schemas.job import JobStatus, JobSummary, Mode
from schemas.options import JobOptions
from tests.flows.importing import import_file, import_records, new_id, query_rows, read_users
from transforms import plan

RECORDS = [
    {"user_id": f"u-{number}", "email": f"u{number % 600}@example.com", "name": f" {'x' * (number % 90 + 1)}"}
    for number in range(900)
]
USERS = 600


def refuse(folder: Path, *, applied: bool = False) -> tuple[JobSummary, Settings]:
    """Import 600 users, and again with 300 repeats, from three files, into the same table, which refuses all."""
    folder.mkdir()
    settings = Settings(database=folder / "users.duckdb")
    Store(settings).prepare()
    import_records(settings, RECORDS[:USERS])
    files = [write_part(folder / f"{first}.ndjson", RECORDS[first : first + 300]) for first in range(0, 900, 300)]
    options = JobOptions(sources=tuple(map(str, files)), mode=Mode.INSERT, dry_run=applied)
    job = run_job(options, settings=settings, job_id=new_id(), observer=Observer())
    return (apply(job.job_id, settings=settings, job_id=new_id()) if applied else job), settings


def write_part(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def left(job: JobSummary, settings: Settings) -> tuple[object, ...]:
    """Return what a job counted, stored and wrote."""
    store = Store(settings)
    rejects = settings.database.with_name("rejects.csv")
    write_rejects(store, job.job_id, rejects)
    errors = [{**error, "source": Path(str(error["source"])).name} for error in find_errors(store, job.job_id)]
    plan_lines = [*read_plan_lines(settings, job.job_id)]
    return job.failed, job.errors_by_code, errors, find_rejected(store, job.job_id), plan_lines, rejects.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """What a job leaves that has one partition and one batch."""
    return left(*refuse(tmp_path_factory.mktemp("whole") / "job"))


@pytest.mark.parametrize("applied", [False, True])
def test_the_refused_records_of_many_batches_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: tuple[object, ...], applied: bool
) -> None:
    monkeypatch.setattr(refusals, "READ_ROWS", 70)
    monkeypatch.setattr(refusals, "BATCH_BYTES", 20_000)
    job, settings = refuse(tmp_path / "batches", applied=applied)
    assert (job.total, job.failed) == (900, 900)
    assert left(job, settings) == whole
    folder = JobFolder(settings.jobs_folder / job.job_id)
    for kind in ("errors", "refused", "rejected"):
        assert len(folder.last_parts(kind)) > 2


def test_the_records_refused_in_partitions_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: tuple[object, ...]
) -> None:
    monkeypatch.setattr(plan, "KEY_BYTES", 2_000_000)  # of 400 MB: five partitions
    assert left(*refuse(tmp_path / "partitions")) == whole


@pytest.mark.parametrize("kind", ["errors", "refused", "rejected"])
def test_a_job_canceled_between_batches_merges_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    import_records(settings, RECORDS[:USERS])
    before = read_users(settings)
    monkeypatch.setattr(refusals, "BATCH_BYTES", 1)
    job_id = new_id()
    stop = Stop.for_job(settings, job_id=job_id)
    path = write_part(settings.database.with_name("users.ndjson"), [*RECORDS, {"email": "new@example.com"}])

    def cancel(step: str) -> None:
        if step == f"folder: write {kind}":
            stop.request(canceled_by("a test"))

    with on_fault_point(cancel):
        options = JobOptions(sources=(str(path),), mode=Mode.INSERT)
        job = run_job(options, settings=settings, job_id=job_id, observer=Observer(), stop=stop)
    assert (job.status, job.fault and job.fault["code"]) == (JobStatus.CANCELED, "CANCELED")
    assert read_users(settings) == before
    for table in ("import_errors", "rejected_users"):
        assert query_rows(settings, f"from {table} where job_id = $job", job=job_id) == []


@pytest.mark.slow
def test_many_refused_records_need_little_memory(settings: Settings) -> None:
    """Sorted, read and redacted at once, they ended the job as `OUT_OF_MEMORY`."""
    count = 100_000
    path = settings.database.with_name("users.parquet")
    users = """
        copy (
            select format('auth0|{:016d}', i) as user_id, format('user{}@example.com', i) as email,
                format('name{}', i) as username, md5(i::varchar) as nickname, 'Ada Lund' as name,
                to_json({'plan': 'pro', 'id': repeat(md5(i::varchar), 12)})::varchar as app_metadata
            from range($count) as numbers(i)
        ) to $path (format parquet, row_group_size 20_000)
    """
    duckdb.execute(users, {"count": count, "path": str(path)})
    assert import_file(settings, path, Mode.INSERT).inserted == count
    job = import_file(replace(settings, memory_limit="60MB"), path, Mode.INSERT)
    assert (job.status, job.failed, job.fault) == (JobStatus.COMPLETED_WITH_ERRORS, count, None)
    assert job.errors_by_code == dict.fromkeys(("CONFLICT", "CONFLICT_EMAIL", "CONFLICT_USERNAME"), count)
