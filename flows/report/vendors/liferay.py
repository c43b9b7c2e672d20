"""Format Liferay's import task, its failed items and their CSV report. Liferay has no codes: the message has them."""

import csv
import io
from collections.abc import Mapping
from typing import cast

from flows.report.vendors.view import JobView, Json, Row, get_status, group_errors, to_text
from schemas.job import Mode

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins with one of these is a formula for a spreadsheet
CONTENT_TYPES = {".csv": "CSV", ".ndjson": "JSONL", ".jsonl": "JSONL", ".parquet": "PARQUET"}
CLASS_NAME = "com.liferay.headless.admin.user.dto.v1_0.UserAccount"


def job(view: JobView) -> Json:
    """Return the import task."""
    summary = view.summary
    suffix = "." + summary.sources[0].rpartition(".")[2].lower() if summary.sources else ""
    return {
        "id": summary.job_id,
        "externalReferenceCode": summary.external_id or summary.job_id,
        "className": CLASS_NAME,
        "contentType": CONTENT_TYPES.get(suffix, "JSON"),
        "operation": "UPDATE" if summary.mode == Mode.UPDATE else "CREATE",
        "importStrategy": f"ON_ERROR_{view.on_error.upper()}",
        "executeStatus": get_status("liferay", summary),
        "startTime": summary.started_at,
        "endTime": summary.finished_at,
        "errorMessage": view.reason,
        "processedItemsCount": view.processed,
        "totalItemsCount": view.expected,
        "failedItems": failed_items(view),
    }


def failed_items(view: JobView) -> list[Json]:
    """Return the failed items: one per refused record, with its messages joined."""
    records = {row["record"]: to_text(row["user"]) for row in view.rejected}
    return [
        {
            "item": records.get(record),
            "itemIndex": cast(int, record),
            "message": "; ".join(_format_error(row) for row in rows),
        }
        for record, rows in group_errors(view.errors)
    ]


def report(view: JobView) -> str:
    """Return the CSV report; a cell that a spreadsheet would run as a formula begins with an apostrophe."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(("item", "itemIndex", "message"))
    for item in failed_items(view):
        writer.writerow(_escape_formula(cell) for cell in (item.values() if isinstance(item, Mapping) else ()))
    return output.getvalue()


def missing(job_id: str) -> Json:
    """Return the response for a task that does not exist."""
    return {"status": "NOT_FOUND", "title": f"there is no job {job_id}"}


def _format_error(row: Row) -> str:
    return f"{row['code']} at {row['path'] or 'record'}: {row['message']}"


def _escape_formula(cell: Json) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
