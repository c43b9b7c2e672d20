"""Format Auth0's users-import job and its errors. As in Auth0, optional properties without a value are left out."""

from flows.report.vendors.view import JobView, Json, drop_nulls, parse_user
from schemas.job import DONE, RUNNING, VENDOR_STATUS, JobStatus, Mode


def job(view: JobView) -> Json:
    """Return the response of `GET /api/v2/jobs/{id}`."""
    summary, done = view.summary, view.summary.status in DONE
    is_processing = summary.status in RUNNING and summary.status is not JobStatus.PENDING
    properties: dict[str, Json] = {
        **_identity(view),
        "external_id": summary.external_id,
        "upsert": summary.mode != Mode.INSERT,
        "percentage_done": 100 if done else round(view.percent or 0) if is_processing else None,
        "time_left_seconds": round(view.seconds_left or 0) if is_processing else 0 if done else None,
        "status_details": view.reason,
        "summary": None if summary.status in RUNNING else _counts(view),
    }
    return drop_nulls(properties)


def errors(view: JobView) -> Json:
    """Return the response of `GET /api/v2/jobs/{id}/errors`: one object per refused row, or the fault of the job."""
    if view.summary.status in (JobStatus.FAILED, JobStatus.CANCELED):
        return {**_identity(view), "status_details": view.reason}
    return [
        {
            "user": parse_user(user),
            "errors": [{name: str(row[name]) for name in ("code", "message", "path")} for row in rows],
        }
        for _, user, rows in view.refused()
    ]


def missing(job_id: str) -> Json:
    """Return the response for a job that does not exist."""
    return {"statusCode": 404, "error": "Not Found", "message": f"there is no job {job_id}"}


def _identity(view: JobView) -> dict[str, Json]:
    summary = view.summary
    return {
        "type": "users_import",
        "status": "expired" if view.expired and summary.status in DONE else VENDOR_STATUS[summary.status]["auth0"],
        "id": summary.job_id,
        "created_at": summary.created_at,
        "connection_id": summary.connection,
    }


def _counts(view: JobView) -> Json:
    """Return the counts; Auth0 has no unchanged rows, so they count as updated and all counts add up to the total."""
    summary, updated = view.summary, view.summary.updated + view.summary.unchanged
    return {"failed": summary.failed, "updated": updated, "inserted": summary.inserted, "total": summary.total}
