"""Auth0's users-import job and its errors. Optional properties that are not known are left out, as there."""

from flows.report.vendors.view import JobView, Json, by_record, document, whole, without_nulls, word
from schemas.job import JobStatus, Mode


def job(view: JobView) -> Json:
    """The answer of `GET /api/v2/jobs/{id}`."""
    summary, done = view.summary, view.is_done
    known: dict[str, Json] = {
        "type": "users_import",
        "status": "expired" if view.expired and done else word("auth0", summary),
        "id": summary.job_id,
        "created_at": summary.created_at,
        "connection_id": summary.connection,
        "external_id": summary.external_id,
        "upsert": summary.mode != Mode.INSERT,
        "percentage_done": 100 if done else whole(view.percent),
        "time_left_seconds": 0 if done else whole(view.seconds_left),
        "status_details": view.reason,
        "summary": _counts(view) if done else None,
    }
    return without_nulls(known)


def _counts(view: JobView) -> Json:
    """A row that needed no change counts as updated there, so that the counts add up to the total."""
    summary = view.summary
    return {
        "failed": summary.failed,
        "updated": summary.updated + summary.unchanged,
        "inserted": summary.inserted,
        "total": summary.total,
    }


def errors(view: JobView) -> Json:
    """The answer of `GET /api/v2/jobs/{id}/errors`: one object per refused row, or the job's own fault."""
    if view.summary.status in (JobStatus.FAILED, JobStatus.CANCELED):
        return {
            "type": "users_import",
            "status": word("auth0", view.summary),
            "id": view.summary.job_id,
            "created_at": view.summary.created_at,
            "connection_id": view.summary.connection,
            "status_details": view.reason,
        }
    users = {row["record"]: document(row["user"]) for row in view.rejected}
    return [
        {
            "user": users.get(record),
            "errors": [{name: str(row[name]) for name in ("code", "message", "path")} for row in rows],
        }
        for record, rows in by_record(view.errors)
    ]


def missing(job_id: str) -> Json:
    """The answer for a job that does not exist."""
    return {"statusCode": 404, "error": "Not Found", "message": f"there is no job {job_id}"}
