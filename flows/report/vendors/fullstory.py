"""Format FullStory's batch job of users. In FullStory a job with refused rows is FAILED."""

from flows.report.vendors.view import JobView, Json, drop_nulls
from schemas.job import VENDOR_STATUS


def job(view: JobView) -> Json:
    """Return the response of `GET /v2/users/batch/{job_id}`."""
    summary, status = view.summary, VENDOR_STATUS[view.summary.status]["fullstory"]
    times = {"created": summary.created_at, "finished": summary.finished_at}
    batch = {"id": summary.job_id, "status": status, **drop_nulls(times)}
    return {"imports": view.imported, "errors": summary.failed, "job": batch}


def missing(job_id: str) -> Json:
    """Return the response for a job that does not exist."""
    return {"code": "resource_not_found", "message": f"there is no job {job_id}"}
