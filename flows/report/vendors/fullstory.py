"""Format FullStory's batch job of users. In FullStory a job with refused rows is FAILED."""

from flows.report.vendors.view import JobView, Json, Row, drop_nulls, parse_user
from schemas.job import VENDOR_STATUS


def job(view: JobView) -> Json:
    """Return the response of `GET /v2/users/batch/{job_id}`."""
    summary, status = view.summary, VENDOR_STATUS[view.summary.status]["fullstory"]
    times = {"created": summary.created_at, "finished": summary.finished_at}
    batch = {"id": summary.job_id, "status": status, **drop_nulls(times)}
    errors = {"errors": summary.failed or len(reason(view))} if status == "FAILED" else {}
    return {"imports": view.imported, **errors, "job": batch}


def reason(view: JobView) -> list[dict[str, Json]]:
    """Return why the job failed or was canceled as a whole, as an error without a user; nothing if it did not."""
    fault = view.summary.fault
    return [{"code": fault["code"].lower(), "message": fault["message"], "user": {}}] if fault else []


def errors(view: JobView) -> list[dict[str, Json]]:
    """Return the refused records as a page of errors lists them: one code of each, and all messages."""
    return [
        {"code": str(rows[0]["code"]).lower(), "message": "; ".join(map(_describe, rows)), "user": parse_user(user)}
        for _, user, rows in view.refused()
    ]


def _describe(row: Row) -> str:
    return f"{row['path']}: {row['message']}" if row["path"] else str(row["message"])


def missing(job_id: str) -> Json:
    """Return the response for a job that does not exist."""
    return {"code": "resource_not_found", "message": f"there is no job {job_id}"}
