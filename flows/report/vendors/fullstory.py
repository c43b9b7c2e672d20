"""FullStory's batch job of users. A job of which some rows were refused is FAILED there."""

from flows.report.vendors.view import JobView, Json, without_nulls, word


def job(view: JobView) -> Json:
    """The answer of `GET /v2/users/batch/{job_id}`."""
    summary = view.summary
    known: dict[str, Json] = {
        "id": summary.job_id,
        "status": word("fullstory", summary),
        "created": summary.created_at,
        "finished": summary.finished_at,
    }
    return {"imports": view.imported, "errors": summary.failed, "job": without_nulls(known)}


def missing(job_id: str) -> Json:
    """The answer for a job that does not exist."""
    return {"code": "resource_not_found", "message": f"there is no job {job_id}"}
