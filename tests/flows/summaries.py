"""Summaries of jobs for tests that need one without running a job."""

from schemas.job import JobStatus, JobSummary


def job_summary(*, inserted: int = 0, updated: int = 0, unchanged: int = 0, failed: int = 0) -> JobSummary:
    """Return the summary of a completed upsert with these counts; set other fields with `dataclasses.replace`."""
    return JobSummary(
        job_id="11111111-2222-4333-8444-555555555555",
        external_id="crm-7",
        connection="crm-eu",
        sources=("/data/users.csv",),
        profile="auth0",
        mode="upsert",
        dry_run=False,
        status=JobStatus.COMPLETED_WITH_ERRORS if failed else JobStatus.COMPLETED,
        total=inserted + updated + unchanged + failed,
        inserted=inserted,
        updated=updated,
        unchanged=unchanged,
        failed=failed,
        created_at="2026-01-01T00:00:00.000000Z",
        started_at="2026-01-01T00:00:01.000000Z",
        finished_at="2026-01-01T00:00:02.000000Z",
    )
