"""Jobs and errors in each vendor's format, in every state: names and values as the vendor documents them."""

import csv
import io
import json
from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from flows.report.vendors import VENDORS, JobView, fullstory, liferay
from schemas.job import FaultRecord, JobStatus, JobSummary
from tests.flows.summaries import job_summary

JOB = job_summary(inserted=9, updated=2, unchanged=1, failed=3)
FAULT: FaultRecord = {"code": "FILE_SYNTAX", "message": "users.csv breaks off at byte 7", "hint": "mend it"}


def running(status: JobStatus) -> JobSummary:
    """Return the job before it has any counts."""
    return replace(job_summary(), status=status, finished_at=None)


VIEWS = {
    JobStatus.PENDING: JobView(summary=replace(running(JobStatus.PENDING), started_at=None)),
    JobStatus.LOADING: JobView(summary=running(JobStatus.LOADING), percent=41.7, seconds_left=12.4, rows=417),
    JobStatus.READY: JobView(summary=running(JobStatus.READY), percent=100.0, rows=1000),
    JobStatus.IMPORTING: JobView(summary=running(JobStatus.IMPORTING), rows=1000),
    JobStatus.COMPLETED: JobView(summary=job_summary(inserted=9, updated=2, unchanged=1)),
    JobStatus.COMPLETED_WITH_ERRORS: JobView(summary=JOB),
    JobStatus.FAILED: JobView(summary=replace(job_summary(failed=15), status=JobStatus.FAILED, fault=FAULT)),
    JobStatus.CANCELED: JobView(
        summary=replace(running(JobStatus.CANCELED), fault={"code": "CANCELED", "message": "m", "hint": ""})
    ),
}
STATES = [*VIEWS]
SHOWN_STATES = (JobStatus.PENDING, JobStatus.LOADING, JobStatus.COMPLETED_WITH_ERRORS, JobStatus.FAILED)


def job_as(vendor: str, view: JobView) -> dict[str, object]:
    """Return the response as a client gets it: through JSON."""
    response: dict[str, object] = json.loads(json.dumps(VENDORS[vendor].job(view)))
    return response


def rocketchat_operation(view: JobView) -> dict[str, object]:
    operation = job_as("rocketchat", view)["operation"]
    assert isinstance(operation, dict)
    return operation


def auth0_errors(view: JobView) -> object:
    errors = VENDORS["auth0"].errors
    assert errors is not None
    return errors(view)


def responses(vendor: str) -> dict[str, dict[str, object]]:
    """Return the response of a job with refused rows in some of its states."""
    return {status.value: job_as(vendor, VIEWS[status]) for status in SHOWN_STATES}


def test_auth0_job() -> None:
    assert responses("auth0") == snapshot(
        {
            "pending": {
                "type": "users_import",
                "status": "pending",
                "id": "11111111-2222-4333-8444-555555555555",
                "created_at": "2026-01-01T00:00:00.000000Z",
                "connection_id": "crm-eu",
                "external_id": "crm-7",
                "upsert": True,
            },
            "loading": {
                "type": "users_import",
                "status": "processing",
                "id": "11111111-2222-4333-8444-555555555555",
                "created_at": "2026-01-01T00:00:00.000000Z",
                "connection_id": "crm-eu",
                "external_id": "crm-7",
                "upsert": True,
                "percentage_done": 42,
                "time_left_seconds": 12,
            },
            "completed_with_errors": {
                "type": "users_import",
                "status": "completed",
                "id": "11111111-2222-4333-8444-555555555555",
                "created_at": "2026-01-01T00:00:00.000000Z",
                "connection_id": "crm-eu",
                "external_id": "crm-7",
                "upsert": True,
                "percentage_done": 100,
                "time_left_seconds": 0,
                "summary": {"failed": 3, "updated": 3, "inserted": 9, "total": 15},
            },
            "failed": {
                "type": "users_import",
                "status": "failed",
                "id": "11111111-2222-4333-8444-555555555555",
                "created_at": "2026-01-01T00:00:00.000000Z",
                "connection_id": "crm-eu",
                "external_id": "crm-7",
                "upsert": True,
                "status_details": "users.csv breaks off at byte 7",
                "summary": {"failed": 15, "updated": 0, "inserted": 0, "total": 15},
            },
        }
    )


def test_fullstory_job() -> None:
    assert responses("fullstory") == snapshot(
        {
            "pending": {
                "imports": 0,
                "job": {
                    "id": "11111111-2222-4333-8444-555555555555",
                    "status": "PROCESSING",
                    "created": "2026-01-01T00:00:00.000000Z",
                },
            },
            "loading": {
                "imports": 0,
                "job": {
                    "id": "11111111-2222-4333-8444-555555555555",
                    "status": "PROCESSING",
                    "created": "2026-01-01T00:00:00.000000Z",
                },
            },
            "completed_with_errors": {
                "imports": 12,
                "errors": 3,
                "job": {
                    "id": "11111111-2222-4333-8444-555555555555",
                    "status": "FAILED",
                    "created": "2026-01-01T00:00:00.000000Z",
                    "finished": "2026-01-01T00:00:02.000000Z",
                },
            },
            "failed": {
                "imports": 0,
                "errors": 15,
                "job": {
                    "id": "11111111-2222-4333-8444-555555555555",
                    "status": "FAILED",
                    "created": "2026-01-01T00:00:00.000000Z",
                    "finished": "2026-01-01T00:00:02.000000Z",
                },
            },
        }
    )


def test_rocketchat_job() -> None:
    assert responses("rocketchat") == snapshot(
        {
            "pending": {
                "state": "new",
                "operation": {
                    "_id": "11111111-2222-4333-8444-555555555555",
                    "type": "api",
                    "importerKey": "api",
                    "ts": "2026-01-01T00:00:00.000000Z",
                    "status": "importer_new",
                    "valid": True,
                    "user": "crm-7",
                    "_updatedAt": "2026-01-01T00:00:00.000000Z",
                    "count": {"total": 0, "users": 0, "completed": 0, "error": 0},
                },
            },
            "loading": {
                "state": "loading",
                "operation": {
                    "_id": "11111111-2222-4333-8444-555555555555",
                    "type": "api",
                    "importerKey": "api",
                    "ts": "2026-01-01T00:00:00.000000Z",
                    "status": "importer_preparing_users",
                    "valid": True,
                    "user": "crm-7",
                    "_updatedAt": "2026-01-01T00:00:01.000000Z",
                    "count": {"total": 1000, "users": 1000, "completed": 0, "error": 0},
                },
            },
            "completed_with_errors": {
                "state": "done",
                "operation": {
                    "_id": "11111111-2222-4333-8444-555555555555",
                    "type": "api",
                    "importerKey": "api",
                    "ts": "2026-01-01T00:00:00.000000Z",
                    "status": "importer_done",
                    "valid": True,
                    "user": "crm-7",
                    "_updatedAt": "2026-01-01T00:00:02.000000Z",
                    "count": {"total": 15, "users": 15, "completed": 12, "error": 3},
                },
            },
            "failed": {
                "state": "error",
                "operation": {
                    "_id": "11111111-2222-4333-8444-555555555555",
                    "type": "api",
                    "importerKey": "api",
                    "ts": "2026-01-01T00:00:00.000000Z",
                    "status": "importer_import_failed",
                    "valid": False,
                    "user": "crm-7",
                    "_updatedAt": "2026-01-01T00:00:02.000000Z",
                    "count": {"total": 15, "users": 15, "completed": 0, "error": 15},
                    "error": "users.csv breaks off at byte 7",
                },
            },
        }
    )


def test_liferay_job() -> None:
    assert responses("liferay") == snapshot(
        {
            "pending": {
                "id": "11111111-2222-4333-8444-555555555555",
                "externalReferenceCode": "crm-7",
                "className": "com.liferay.headless.admin.user.dto.v1_0.UserAccount",
                "contentType": "CSV",
                "operation": "CREATE",
                "importStrategy": "ON_ERROR_CONTINUE",
                "executeStatus": "INITIAL",
                "startTime": None,
                "endTime": None,
                "errorMessage": None,
                "processedItemsCount": 0,
                "totalItemsCount": 0,
                "failedItems": [],
            },
            "loading": {
                "id": "11111111-2222-4333-8444-555555555555",
                "externalReferenceCode": "crm-7",
                "className": "com.liferay.headless.admin.user.dto.v1_0.UserAccount",
                "contentType": "CSV",
                "operation": "CREATE",
                "importStrategy": "ON_ERROR_CONTINUE",
                "executeStatus": "STARTED",
                "startTime": "2026-01-01T00:00:01.000000Z",
                "endTime": None,
                "errorMessage": None,
                "processedItemsCount": 417,
                "totalItemsCount": 1000,
                "failedItems": [],
            },
            "completed_with_errors": {
                "id": "11111111-2222-4333-8444-555555555555",
                "externalReferenceCode": "crm-7",
                "className": "com.liferay.headless.admin.user.dto.v1_0.UserAccount",
                "contentType": "CSV",
                "operation": "CREATE",
                "importStrategy": "ON_ERROR_CONTINUE",
                "executeStatus": "COMPLETED",
                "startTime": "2026-01-01T00:00:01.000000Z",
                "endTime": "2026-01-01T00:00:02.000000Z",
                "errorMessage": None,
                "processedItemsCount": 15,
                "totalItemsCount": 15,
                "failedItems": [],
            },
            "failed": {
                "id": "11111111-2222-4333-8444-555555555555",
                "externalReferenceCode": "crm-7",
                "className": "com.liferay.headless.admin.user.dto.v1_0.UserAccount",
                "contentType": "CSV",
                "operation": "CREATE",
                "importStrategy": "ON_ERROR_CONTINUE",
                "executeStatus": "FAILED",
                "startTime": "2026-01-01T00:00:01.000000Z",
                "endTime": "2026-01-01T00:00:02.000000Z",
                "errorMessage": "users.csv breaks off at byte 7",
                "processedItemsCount": 15,
                "totalItemsCount": 15,
                "failedItems": [],
            },
        }
    )


@pytest.mark.parametrize("status", STATES)
def test_auth0_job_has_its_properties_in_every_state(status: JobStatus) -> None:
    job = job_as("auth0", VIEWS[status])
    required = {"status", "type", "created_at", "id", "connection_id"}
    optional = {"external_id", "upsert", "percentage_done", "time_left_seconds", "status_details", "summary"}
    assert required <= job.keys() <= required | optional
    assert job["type"] == "users_import"
    assert job["status"] in {"pending", "processing", "completed", "failed"}
    assert (job["id"], job["connection_id"], job["external_id"], job["upsert"]) == (JOB.job_id, "crm-eu", "crm-7", True)


def test_auth0_job_has_progress_while_processing_and_counts_when_done() -> None:
    loading = job_as("auth0", VIEWS[JobStatus.LOADING])
    assert (loading["status"], loading["percentage_done"], loading["time_left_seconds"]) == ("processing", 42, 12)
    done = job_as("auth0", VIEWS[JobStatus.COMPLETED_WITH_ERRORS])
    assert (done["status"], done["percentage_done"], done["time_left_seconds"]) == ("completed", 100, 0)
    assert done["summary"] == {"failed": 3, "updated": 3, "inserted": 9, "total": 15}


def test_auth0_job_whose_progress_is_not_known_yet_begins_at_zero() -> None:
    loading = job_as("auth0", JobView(summary=running(JobStatus.LOADING)))
    assert (loading["percentage_done"], loading["time_left_seconds"]) == (0, 0)


def test_auth0_job_without_its_refused_rows_is_expired_unless_it_failed() -> None:
    assert job_as("auth0", replace(VIEWS[JobStatus.COMPLETED], expired=True))["status"] == "expired"
    failed = job_as("auth0", replace(VIEWS[JobStatus.FAILED], expired=True))
    assert (failed["status"], failed["status_details"]) == ("failed", FAULT["message"])


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (JobStatus.PENDING, "PROCESSING"),
        (JobStatus.LOADING, "PROCESSING"),
        (JobStatus.READY, "PROCESSING"),
        (JobStatus.IMPORTING, "PROCESSING"),
        (JobStatus.COMPLETED, "COMPLETED"),
        (JobStatus.COMPLETED_WITH_ERRORS, "FAILED"),
        (JobStatus.FAILED, "FAILED"),
        (JobStatus.CANCELED, "FAILED"),
    ],
)
def test_fullstory_job_is_failed_if_one_row_is(status: JobStatus, name: str) -> None:
    view = VIEWS[status]
    response = job_as("fullstory", view)
    errors = {"errors": view.summary.failed or 1} if name == "FAILED" else {}
    assert response["job"] == {
        "id": JOB.job_id,
        "status": name,
        "created": JOB.created_at,
        **({"finished": view.summary.finished_at} if view.summary.finished_at else {}),
    }
    assert response == {"imports": view.imported, **errors, "job": response["job"]}


@pytest.mark.parametrize(
    ("status", "state", "step"),
    [
        (JobStatus.PENDING, "new", "importer_new"),
        (JobStatus.LOADING, "loading", "importer_preparing_users"),
        (JobStatus.READY, "ready", "importer_user_selection"),
        (JobStatus.IMPORTING, "importing", "importer_importing_users"),
        (JobStatus.COMPLETED, "done", "importer_done"),
        (JobStatus.COMPLETED_WITH_ERRORS, "done", "importer_done"),
        (JobStatus.FAILED, "error", "importer_import_failed"),
        (JobStatus.CANCELED, "canceled", "importer_import_cancelled"),
    ],
)
def test_rocketchat_operation_has_the_public_state_and_its_internal_step(
    status: JobStatus, state: str, step: str
) -> None:
    response = job_as("rocketchat", VIEWS[status])
    assert response["state"] == state
    operation, count = response["operation"], rocketchat_operation(VIEWS[status])["count"]
    assert isinstance(operation, dict)
    assert isinstance(count, dict)
    why = {"error"} if VIEWS[status].reason else set()
    assert (
        operation.keys() == {"_id", "type", "importerKey", "ts", "status", "valid", "user", "_updatedAt", "count"} | why
    )
    assert (operation["status"], operation["valid"]) == (step, status is not JobStatus.FAILED)
    assert count.keys() == {"total", "users", "completed", "error"}


def test_rocketchat_counts_completed_rows_and_the_expected_total() -> None:
    assert rocketchat_operation(VIEWS[JobStatus.COMPLETED_WITH_ERRORS])["count"] == {
        "total": 15,
        "users": 15,
        "completed": 12,
        "error": 3,
    }
    count = rocketchat_operation(VIEWS[JobStatus.LOADING])["count"]
    assert isinstance(count, dict)
    assert count["total"] == 1000


@pytest.mark.parametrize("status", STATES)
def test_liferay_task_has_its_properties_in_every_state(status: JobStatus) -> None:
    task = job_as("liferay", VIEWS[status])
    assert task.keys() == {
        "id",
        "externalReferenceCode",
        "className",
        "contentType",
        "operation",
        "importStrategy",
        "executeStatus",
        "startTime",
        "endTime",
        "errorMessage",
        "processedItemsCount",
        "totalItemsCount",
        "failedItems",
    }
    assert task["executeStatus"] in {"INITIAL", "STARTED", "COMPLETED", "FAILED"}
    assert (task["contentType"], task["operation"], task["importStrategy"]) == ("CSV", "CREATE", "ON_ERROR_CONTINUE")


def test_liferay_task_has_estimated_counts_while_loading() -> None:
    loading = job_as("liferay", VIEWS[JobStatus.LOADING])
    assert (loading["processedItemsCount"], loading["totalItemsCount"]) == (417, 1000)
    assert job_as("liferay", VIEWS[JobStatus.FAILED])["errorMessage"] == FAULT["message"]


@pytest.mark.parametrize(
    ("vendor", "response"),
    [
        ("fullstory", {"code": "resource_not_found", "message": "there is no job x"}),
        ("rocketchat", {"state": "none"}),
        ("auth0", {"statusCode": 404, "error": "Not Found", "message": "there is no job x"}),
        ("liferay", {"status": "NOT_FOUND", "title": "there is no job x"}),
    ],
)
def test_missing_job_has_the_response_of_each_vendor(vendor: str, response: dict[str, object]) -> None:
    assert VENDORS[vendor].missing("x") == response


def row(record: int, code: str, path: str, severity: str = "error") -> dict[str, object]:
    return {"record": record, "line": record, "code": code, "path": path, "message": "m", "severity": severity}


WITH_ERRORS = JobView(
    summary=JOB,
    errors=[
        row(2, "FORMAT", "email"),
        row(2, "MAX_LENGTH", "name"),
        row(5, "MALFORMED_RECORD", ""),
        row(6, "X", "y", "warning"),
    ],
    rejected=[
        {"record": 2, "user": '{"email": "=no", "password_hash": "*****"}'},
        {"record": 5, "user": "=1+1"},
    ],
)


def test_auth0_errors_have_each_refused_user_with_all_its_errors() -> None:
    assert auth0_errors(WITH_ERRORS) == [
        {
            "user": {"email": "=no", "password_hash": "*****"},
            "errors": [
                {"code": "FORMAT", "message": "m", "path": "email"},
                {"code": "MAX_LENGTH", "message": "m", "path": "name"},
            ],
        },
        {"user": "=1+1", "errors": [{"code": "MALFORMED_RECORD", "message": "m", "path": ""}]},
    ]


def test_auth0_errors_of_a_failed_job_are_the_generic_object() -> None:
    assert auth0_errors(VIEWS[JobStatus.FAILED]) == {
        "type": "users_import",
        "status": "failed",
        "id": JOB.job_id,
        "created_at": JOB.created_at,
        "connection_id": "crm-eu",
        "status_details": FAULT["message"],
    }


def test_fullstory_errors_have_one_code_and_all_messages_of_a_user() -> None:
    assert fullstory.errors(WITH_ERRORS) == [
        {
            "code": "format",
            "message": "email: m; name: m",
            "user": {"email": "=no", "password_hash": "*****"},
        },
        {"code": "malformed_record", "message": "m", "user": "=1+1"},
    ]


def test_liferay_failed_item_has_text_position_and_one_message() -> None:
    assert liferay.failed_items(WITH_ERRORS) == [
        {
            "item": '{"email": "=no", "password_hash": "*****"}',
            "itemIndex": 2,
            "message": "FORMAT at email: m; MAX_LENGTH at name: m",
        },
        {"item": "=1+1", "itemIndex": 5, "message": "MALFORMED_RECORD at record: m"},
    ]


def test_liferay_task_that_stops_at_an_error_has_the_first_failed_item_only() -> None:
    task = liferay.job(replace(WITH_ERRORS, on_error="fail"))
    assert task["failedItems"] == liferay.failed_items(WITH_ERRORS)[:1]
    assert len(liferay.failed_items(WITH_ERRORS)) > 1


def test_liferay_report_has_no_formula_for_a_spreadsheet() -> None:
    head, first, second = csv.reader(io.StringIO(liferay.report(WITH_ERRORS)))
    assert head == ["item", "itemIndex", "message"]
    assert first == ['{"email": "=no", "password_hash": "*****"}', "2", "FORMAT at email: m; MAX_LENGTH at name: m"]
    assert second == ["'=1+1", "5", "MALFORMED_RECORD at record: m"]


def test_only_vendors_that_report_errors_of_rows_have_errors() -> None:
    assert {name for name, vendor in VENDORS.items() if vendor.errors} == {"auth0", "liferay"}
