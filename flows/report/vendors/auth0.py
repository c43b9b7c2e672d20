"""Format Auth0's users-import job and its errors. As in Auth0, optional properties without a value are left out."""

from flows.report.vendors.view import JobView, Json, drop_nulls, get_status, group_errors, parse_record, round_or_none
from schemas.job import JobStatus, Mode


def job(view: JobView) -> Json:
    """Return the response of `GET /api/v2/jobs/{id}`."""
    summary, done = view.summary, view.is_done
    known: dict[str, Json] = {
        "type": "users_import",
        "status": "expired" if view.expired and done else get_status("auth0", summary),
        "id": summary.job_id,
        "created_at": summary.created_at,
        "connection_id": summary.connection,
        "external_id": summary.external_id,
        "upsert": summary.mode != Mode.INSERT,
        "percentage_done": 100 if done else round_or_none(view.percent),
        "time_left_seconds": 0 if done else round_or_none(view.seconds_left),
        "status_details": view.reason,
        "summary": _counts(view) if done else None,
    }
    return drop_nulls(known)


def _counts(view: JobView) -> Json:
    """Return the counts; Auth0 has no unchanged rows, so they count as updated and all counts add up to the total."""
    summary = view.summary
    return {
        "failed": summary.failed,
        "updated": summary.updated + summary.unchanged,
        "inserted": summary.inserted,
        "total": summary.total,
    }


def errors(view: JobView) -> Json:
    """Return the response of `GET /api/v2/jobs/{id}/errors`: one object per refused row, or the fault of the job."""
    if view.summary.status in (JobStatus.FAILED, JobStatus.CANCELED):
        return {
            "type": "users_import",
            "status": get_status("auth0", view.summary),
            "id": view.summary.job_id,
            "created_at": view.summary.created_at,
            "connection_id": view.summary.connection,
            "status_details": view.reason,
        }
    users = {row["record"]: parse_record(row["user"]) for row in view.rejected}
    return [
        {
            "user": users.get(record),
            "errors": [{name: str(row[name]) for name in ("code", "message", "path")} for row in rows],
        }
        for record, rows in group_errors(view.errors)
    ]


def missing(job_id: str) -> Json:
    """Return the response for a job that does not exist."""
    return {"statusCode": 404, "error": "Not Found", "message": f"there is no job {job_id}"}
