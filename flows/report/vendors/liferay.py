"""Format Liferay's import task, its failed items and their CSV report. Liferay has no codes: the message has them."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from flows.report.vendors.view import JobView, Json
from schemas.job import VENDOR_STATUS, Mode, OnError

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins with one of these is a formula for a spreadsheet
CONTENT_TYPES = {".csv": "CSV", ".xlsx": "XLSX", ".ndjson": "JSONL", ".jsonl": "JSONL", ".parquet": "PARQUET"}


def job(view: JobView) -> dict[str, Json]:
    """Return the import task; one that stops at an error has the first failed item only."""
    summary = view.summary
    suffix = "." + summary.sources[0].rpartition(".")[2].lower() if summary.sources else ""
    return {
        "id": summary.job_id,
        "externalReferenceCode": summary.external_id or summary.job_id,
        "className": "com.liferay.headless.admin.user.dto.v1_0.UserAccount",
        "contentType": CONTENT_TYPES.get(suffix, "JSON"),
        "operation": "UPDATE" if summary.mode == Mode.UPDATE else "CREATE",
        "importStrategy": f"ON_ERROR_{view.on_error.upper()}",
        "executeStatus": VENDOR_STATUS[summary.status]["liferay"],
        "startTime": summary.started_at,
        "endTime": summary.finished_at,
        "errorMessage": view.reason,
        "processedItemsCount": view.processed,
        "totalItemsCount": view.expected,
        "failedItems": [*islice(iterate_failed_items(view), 1 if view.on_error == OnError.FAIL else None)],
    }


def failed_items(view: JobView) -> list[dict[str, Json]]:
    """Return the failed items: one per refused record, with its messages joined."""
    return [*iterate_failed_items(view)]


def iterate_failed_items(view: JobView) -> Iterator[dict[str, Json]]:
    """Yield the failed items."""
    for record, user, rows in view.refused():
        messages = (f"{row['code']} at {row['path'] or 'record'}: {row['message']}" for row in rows)
        yield {"item": user, "itemIndex": record, "message": "; ".join(messages)}


def report(*pages: JobView) -> str:
    """Return the CSV report of the pages of a job."""
    return "".join(report_lines(pages))


def report_lines(pages: Iterable[JobView]) -> Iterator[str]:
    """Yield the CSV report page by page; a cell that a spreadsheet would run as a formula begins with an apostrophe."""
    yield "item,itemIndex,message\n"
    for page in pages:
        output = io.StringIO()
        rows = (map(_escape_formula, item.values()) for item in iterate_failed_items(page))
        csv.writer(output, lineterminator="\n").writerows(rows)
        yield output.getvalue()


def missing(job_id: str) -> Json:
    """Return the response for a task that does not exist."""
    return {"status": "NOT_FOUND", "title": f"there is no job {job_id}"}


def _escape_formula(cell: Json) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
