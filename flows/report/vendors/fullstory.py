"""Format FullStory's batch job of users. In FullStory a job with refused rows is FAILED."""

from flows.report.vendors.view import JobView, Json, drop_nulls, get_status


def job(view: JobView) -> Json:
    """Return the response of `GET /v2/users/batch/{job_id}`."""
    summary = view.summary
    known: dict[str, Json] = {
        "id": summary.job_id,
        "status": get_status("fullstory", summary),
        "created": summary.created_at,
        "finished": summary.finished_at,
    }
    return {"imports": view.imported, "errors": summary.failed, "job": drop_nulls(known)}


def missing(job_id: str) -> Json:
    """Return the response for a job that does not exist."""
    return {"code": "resource_not_found", "message": f"there is no job {job_id}"}
