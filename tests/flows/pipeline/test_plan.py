"""A plan that exceeds a threshold of its job is not merged."""

from pathlib import Path

import pytest

from flows.pipeline.plan import exceeded_threshold
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.job import JobStatus, OnError
from schemas.options import JobOptions
from tests.flows.importing import import_records, read_users
from tests.flows.summaries import job_summary


@pytest.mark.parametrize(
    ("options", "counts", "code"),
    [
        ({}, {"inserted": 1, "failed": 99}, None),
        ({"on_error": OnError.FAIL}, {"inserted": 99, "failed": 1}, ErrorCode.TOO_MANY_ERRORS),
        ({"on_error": OnError.FAIL}, {"inserted": 100}, None),
        ({"max_error_rate": 0.1}, {"inserted": 90, "failed": 10}, None),
        ({"max_error_rate": 0.1}, {"inserted": 89, "failed": 11}, ErrorCode.TOO_MANY_ERRORS),
        ({"max_errors": 3}, {"inserted": 1, "failed": 3}, None),
        ({"max_errors": 0}, {"inserted": 100, "failed": 1}, ErrorCode.TOO_MANY_ERRORS),
        ({"max_updates_rate": 0.1}, {"updated": 20, "unchanged": 500}, None),
        ({"max_updates_rate": 0.1}, {"updated": 21}, ErrorCode.TOO_MANY_CHANGES),
        ({"max_updates_rate": 0.0}, {"inserted": 1_000}, None),
        ({}, {"updated": 200}, None),
    ],
)
def test_a_threshold_is_exceeded_only_beyond_its_value(
    options: dict[str, object], counts: dict[str, int], code: ErrorCode | None
) -> None:
    fault = exceeded_threshold(
        JobOptions.model_validate({"sources": ("x",), **options}),
        job_summary(**counts),
        users=200,
        database=Path("users.duckdb"),
    )
    assert (fault and fault.code) == code


def test_the_message_gives_the_share_of_users_that_would_change() -> None:
    options = JobOptions(sources=("x",), max_updates_rate=0.1)
    fault = exceeded_threshold(options, job_summary(updated=76, inserted=900), users=200, database=Path("users.duckdb"))
    assert fault is not None
    assert "would change 38.0% of the 200 users" in fault.message


def test_a_job_that_would_change_too_much_merges_nothing(settings: Settings) -> None:
    import_records(settings, [{"email": "a@x.example"}, {"email": "b@x.example"}])
    before = read_users(settings)
    rows = [{"email": "a@x.example", "name": "A"}, {"email": "c@x.example"}]
    job = import_records(settings, rows, max_updates_rate=0.4)
    assert (job.status, job.fault and job.fault["code"]) == (JobStatus.FAILED, "TOO_MANY_CHANGES")
    assert read_users(settings) == before
    assert import_records(settings, rows, max_updates_rate=0.5).status is JobStatus.COMPLETED
