"""Format Rocket.Chat's import operation: its public state and the internal step of that state."""

from flows.report.vendors.view import JobView, Json, drop_nulls
from schemas.job import VENDOR_STATUS, JobStatus

STEPS = {
    JobStatus.PENDING: "importer_new",
    JobStatus.LOADING: "importer_preparing_users",
    JobStatus.READY: "importer_user_selection",
    JobStatus.IMPORTING: "importer_importing_users",
    JobStatus.COMPLETED: "importer_done",
    JobStatus.COMPLETED_WITH_ERRORS: "importer_done",
    JobStatus.FAILED: "importer_import_failed",
    JobStatus.CANCELED: "importer_import_cancelled",
}


def job(view: JobView) -> Json:
    """Return the response of `import.status`."""
    summary, rows = view.summary, view.expected
    return {
        "state": VENDOR_STATUS[summary.status]["rocketchat"],
        "operation": {
            "_id": summary.job_id,
            "type": "api",
            "importerKey": "api",
            "ts": summary.created_at,
            "status": STEPS[summary.status],
            "valid": summary.status is not JobStatus.FAILED,
            "user": summary.external_id or "",
            "_updatedAt": summary.finished_at or summary.started_at or summary.created_at,
            "count": {"total": rows, "users": rows, "completed": view.imported, "error": summary.failed},
            **drop_nulls({"error": view.reason}),  # Rocket.Chat has it in its log only
        },
    }


def missing(_job_id: str) -> Json:
    """Return the response for an operation that does not exist."""
    return {"state": "none"}
