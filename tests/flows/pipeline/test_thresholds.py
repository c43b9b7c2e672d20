"""A plan that refuses or changes more than the job allows is not merged."""

import pytest

from flows.pipeline.thresholds import exceeded_threshold
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.job import JobStatus, JobSummary, OnError
from schemas.options import JobOptions
from tests.flows.importing import imported, users_of


def summary(**counts: int) -> JobSummary:
    """The plan of a job into a connection of users."""
    return JobSummary(
        job_id="job",
        external_id=None,
        connection="default",
        sources=("users.json",),
        profile="auth0",
        mode="upsert",
        dry_run=False,
        status=JobStatus.READY,
        created_at="2026-01-01T00:00:00Z",
        total=sum(counts.values()),
        **counts,
    )


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
def test_a_limit_is_broken_only_beyond_it(
    options: dict[str, object], counts: dict[str, int], code: ErrorCode | None
) -> None:
    fault = exceeded_threshold(JobOptions(sources=("x",), **options), summary(**counts), users=200)  # type: ignore[arg-type]
    assert (fault and fault.code) == code


def test_the_share_that_would_change_is_told() -> None:
    options = JobOptions(sources=("x",), max_updates_rate=0.1)
    fault = exceeded_threshold(options, summary(updated=76, inserted=900), users=200)
    assert fault is not None
    assert "would change 38.0% of the 200 users" in fault.message


def test_a_job_that_would_change_too_much_merges_nothing(settings: Settings) -> None:
    imported(settings, [{"email": "a@x.example"}, {"email": "b@x.example"}])
    before = users_of(settings)
    rows = [{"email": "a@x.example", "name": "A"}, {"email": "c@x.example"}]
    job = imported(settings, rows, max_updates_rate=0.4)
    assert (job.status, job.fault and job.fault["code"]) == (JobStatus.FAILED, "TOO_MANY_CHANGES")
    assert users_of(settings) == before
    assert imported(settings, rows, max_updates_rate=0.5).status is JobStatus.COMPLETED
