"""Liferay's import task, its failed items and their CSV report. It has no codes: they stand in the message."""

import csv
import io
from collections.abc import Mapping

from flows.report.vendors.view import JobView, Json, Row, by_record, text, word
from schemas.job import Mode

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins with one of them runs in a spreadsheet
CONTENT_TYPES = {".csv": "CSV", ".ndjson": "JSONL", ".jsonl": "JSONL", ".parquet": "PARQUET"}
CLASS_NAME = "com.liferay.headless.admin.user.dto.v1_0.UserAccount"


def job(view: JobView) -> Json:
    """The import task."""
    summary = view.summary
    suffix = "." + summary.sources[0].rpartition(".")[2].lower() if summary.sources else ""
    return {
        "id": summary.job_id,
        "externalReferenceCode": summary.external_id or summary.job_id,
        "className": CLASS_NAME,
        "contentType": CONTENT_TYPES.get(suffix, "JSON"),
        "operation": "UPDATE" if summary.mode == Mode.UPDATE else "CREATE",
        "importStrategy": f"ON_ERROR_{view.on_error.upper()}",
        "executeStatus": word("liferay", summary),
        "startTime": summary.started_at,
        "endTime": summary.finished_at,
        "errorMessage": view.reason,
        "processedItemsCount": view.processed,
        "totalItemsCount": view.expected,
        "failedItems": failed_items(view),
    }


def failed_items(view: JobView) -> list[Json]:
    """Liferay's failed items: one per refused record, its messages in one text."""
    records = {row["record"]: text(row["user"]) for row in view.rejected}
    return [
        {
            "item": records.get(record),
            "itemIndex": _number(record),
            "message": "; ".join(_sentence(row) for row in rows),
        }
        for record, rows in by_record(view.errors)
    ]


def report(view: JobView) -> str:
    """Liferay's CSV report; a cell that a spreadsheet would run is quoted with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("item", "itemIndex", "message"))
    for item in failed_items(view):
        writer.writerow(_harmless(cell) for cell in (item.values() if isinstance(item, Mapping) else ()))
    return text.getvalue()


def missing(job_id: str) -> Json:
    """The answer for a task that does not exist."""
    return {"status": "NOT_FOUND", "title": f"there is no job {job_id}"}


def _sentence(row: Row) -> str:
    return f"{row['code']} at {row['path'] or 'record'}: {row['message']}"


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _harmless(cell: Json) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
