"""An import of many users agrees in every row with a slow reference implementation in plain Python."""

from pathlib import Path

import pytest

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.settings import Settings
from flows.store.database import Store
from flows.store.jobs import find_errors
from schemas.job import JobSummary, Mode
from schemas.options import JobOptions
from tests.marks import mostly_slow
from tests.population import ReferenceImport, keys_of, population, write_ndjson

COUNTS = (20_000, 100_000)
COLUMNS = ("email", "username", "given_name", "email_verified", "blocked", "name")


def run_import(settings: Settings, path: Path, mode: str, job_id: str) -> JobSummary:
    options = JobOptions(sources=(str(path),), mode=Mode(mode), again=True)
    return run_job(options, settings=settings, job_id=job_id, observer=Observer())


def assert_agrees(summary: JobSummary, reference: ReferenceImport, settings: Settings) -> None:
    """Assert that summary, errors, views and users table are those of the reference implementation."""
    counts = (summary.inserted, summary.updated, summary.unchanged, summary.failed)
    assert counts == tuple(reference.outcomes[name] for name in ("insert", "update", "unchanged", "refused"))
    assert summary.total == sum(counts)
    errors = find_errors(Store(settings), summary.job_id)
    assert sorted((e["record"], e["code"], e["path"]) for e in errors if e["severity"] == "error") == sorted(
        reference.errors
    )
    with Store(settings).reading() as connection:
        by_code = connection.execute(
            "select code, sum(errors)::int from errors_by_code where job_id = $job and severity = 'error' group by all",
            {"job": summary.job_id},
        ).fetchall()
        stored = connection.execute(
            "select email, username, given_name, email_verified, blocked, name from users"
        ).fetchall()
        (overview,) = connection.execute(
            "select inserted, updated, unchanged, failed from job_overview where job_id = $job", {"job": summary.job_id}
        ).fetchall()
    assert dict(by_code) == summary.errors_by_code
    assert overview == counts
    assert sorted(stored, key=repr) == sorted(
        (tuple(user.get(column) for column in COLUMNS) for user in reference.users.values()), key=repr
    )


@pytest.mark.parametrize("count", mostly_slow(COUNTS, quick=COUNTS[:1]))
def test_many_users_agree_with_the_reference(count: int, tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "users.duckdb")
    reference = ReferenceImport()
    existing = count // 2
    first = population(existing, faulty=0, repeated=0)
    reference.import_users(first, mode="insert")
    assert_agrees(
        run_import(settings, write_ndjson(tmp_path / "a.ndjson", (r for r, _ in first)), "insert", "first"),
        reference,
        settings,
    )

    rows = population(count, first=existing * 3 // 5)
    path = write_ndjson(tmp_path / "b.ndjson", (record for record, _ in rows))
    reference.import_users(rows, mode="insert")
    assert_agrees(run_import(settings, path, "insert", "insert"), reference, settings)
    assert reference.outcomes["refused"] > count // 5

    changed = [
        (record | {"nickname": "N"} if number % 3 == 0 else record, faults)
        for number, (record, faults) in enumerate(rows)
    ]
    path = write_ndjson(tmp_path / "c.ndjson", (record for record, _ in changed))
    reference.import_users(changed, mode="upsert")
    assert_agrees(run_import(settings, path, "upsert", "upsert"), reference, settings)
    assert min(reference.outcomes[name] for name in ("update", "unchanged", "refused")) > count // 100
    assert len({key for user in reference.users.values() for key in keys_of(user)}) == 3 * len(reference.users)
