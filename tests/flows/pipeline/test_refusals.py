"""What a plan refuses is staged in batches, and nobody sees where one ends."""

from pathlib import Path

import pytest

from flows.pipeline import refusals
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import LAST, JobFolder
from schemas.job import JobSummary, Mode
from tests.flows.importing import import_records, query_rows

RECORDS = [
    {"user_id": f"u-{number}", "email": f"u{number % 600}@example.com", "name": f" {'x' * (number % 90 + 1)}"}
    for number in range(900)
]


def refuse(folder: Path) -> tuple[JobSummary, Settings]:
    """Import 600 users, and again with 300 repeats into the same table, which refuses all."""
    folder.mkdir()
    settings = Settings(database=folder / "users.duckdb")
    Store(settings).prepare()
    import_records(settings, RECORDS[:600])
    return import_records(settings, RECORDS, Mode.INSERT), settings


def left(job: JobSummary, settings: Settings) -> tuple[object, ...]:
    """Return what a job counted and stored."""
    queries = (
        "select * exclude (job_id, source) from import_errors order by all",
        "select * exclude (job_id) from rejected_users order by all",
    )
    return (job.failed, job.errors_by_code, *(query_rows(settings, query) for query in queries))


def test_the_refused_records_of_many_batches_are_those_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = left(*refuse(tmp_path / "whole"))
    monkeypatch.setattr(refusals, "BATCH_ROWS", 200)
    job, settings = refuse(tmp_path / "batches")
    assert left(job, settings) == whole
    assert (job.total, job.failed) == (900, 900)
    folder = JobFolder(settings.jobs_folder / job.job_id)
    for kind in ("errors", "refused", "rejected"):
        assert len([part for part in folder.parts(kind) if LAST in part.name]) > 1
