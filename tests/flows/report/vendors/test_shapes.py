"""Status and errors in each system's own shape, in every state: names and words as that system documents them."""

import csv
import io
import json
from dataclasses import replace

import pytest

from flows.report.vendors import VENDORS, JobView, liferay
from schemas.job import JobStatus, JobSummary

JOB = JobSummary(
    job_id="11111111-2222-4333-8444-555555555555",
    external_id="crm-7",
    connection="crm-eu",
    sources=("/data/users.csv",),
    profile="auth0",
    mode="upsert",
    dry_run=False,
    status=JobStatus.COMPLETED_WITH_ERRORS,
    total=15,
    inserted=9,
    updated=2,
    unchanged=1,
    failed=3,
    created_at="2026-01-01T00:00:00.000000Z",
    started_at="2026-01-01T00:00:01.000000Z",
    finished_at="2026-01-01T00:00:02.000000Z",
)
CANCELED = {"code": "CANCELED", "message": "m", "hint": ""}
FAULT = {"code": "FILE_SYNTAX", "message": "users.csv breaks off at byte 7", "hint": "mend it"}
RUNNING = {"total": 0, "inserted": 0, "updated": 0, "unchanged": 0, "failed": 0, "finished_at": None}
VIEWS = {
    JobStatus.PENDING: JobView(summary=replace(JOB, status=JobStatus.PENDING, started_at=None, **RUNNING)),
    JobStatus.LOADING: JobView(
        summary=replace(JOB, status=JobStatus.LOADING, **RUNNING), percent=41.7, seconds_left=12.4, rows=417
    ),
    JobStatus.READY: JobView(summary=replace(JOB, status=JobStatus.READY, **RUNNING), percent=100.0, rows=1000),
    JobStatus.IMPORTING: JobView(summary=replace(JOB, status=JobStatus.IMPORTING, **RUNNING), rows=1000),
    JobStatus.COMPLETED: JobView(summary=replace(JOB, status=JobStatus.COMPLETED, failed=0, total=12)),
    JobStatus.COMPLETED_WITH_ERRORS: JobView(summary=JOB),
    JobStatus.FAILED: JobView(
        summary=replace(JOB, status=JobStatus.FAILED, inserted=0, updated=0, unchanged=0, failed=15, fault=FAULT)
    ),
    JobStatus.CANCELED: JobView(
        summary=replace(
            JOB, status=JobStatus.CANCELED, **RUNNING, fault={"code": "CANCELED", "message": "m", "hint": ""}
        )
    ),
}
STATES = [*VIEWS]


def job_as(vendor: str, view: JobView) -> dict[str, object]:
    """The answer as a client gets it: through JSON."""
    answer: dict[str, object] = json.loads(json.dumps(VENDORS[vendor].job(view)))
    return answer


@pytest.mark.parametrize("status", STATES)
def test_auth0_job_has_its_properties_in_every_state(status: JobStatus) -> None:
    job = job_as("auth0", VIEWS[status])
    required = {"status", "type", "created_at", "id", "connection_id"}
    optional = {"external_id", "upsert", "percentage_done", "time_left_seconds", "status_details", "summary"}
    assert required <= job.keys() <= required | optional
    assert job["type"] == "users_import"
    assert job["status"] in {"pending", "processing", "completed", "failed"}
    assert (job["id"], job["connection_id"], job["external_id"], job["upsert"]) == (JOB.job_id, "crm-eu", "crm-7", True)


def test_auth0_says_how_far_it_is_while_processing_and_the_counts_when_done() -> None:
    loading = job_as("auth0", VIEWS[JobStatus.LOADING])
    assert (loading["status"], loading["percentage_done"], loading["time_left_seconds"]) == ("processing", 42, 12)
    done = job_as("auth0", VIEWS[JobStatus.COMPLETED_WITH_ERRORS])
    assert (done["status"], done["percentage_done"], done["time_left_seconds"]) == ("completed", 100, 0)
    assert done["summary"] == {"failed": 3, "updated": 3, "inserted": 9, "total": 15}


def test_auth0_job_whose_refused_rows_are_gone_is_expired_and_a_failed_one_stays_failed() -> None:
    assert job_as("auth0", replace(VIEWS[JobStatus.COMPLETED], expired=True))["status"] == "expired"
    failed = job_as("auth0", replace(VIEWS[JobStatus.FAILED], expired=True))
    assert (failed["status"], failed["status_details"]) == ("failed", FAULT["message"])


@pytest.mark.parametrize(
    ("status", "word"),
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
def test_fullstory_job_is_failed_as_soon_as_one_row_is(status: JobStatus, word: str) -> None:
    view = VIEWS[status]
    answer = job_as("fullstory", view)
    assert answer.keys() == {"imports", "errors", "job"}
    assert answer["job"] == {
        "id": JOB.job_id,
        "status": word,
        "created": JOB.created_at,
        **({"finished": view.summary.finished_at} if view.summary.finished_at else {}),
    }
    assert (answer["imports"], answer["errors"]) == (view.imported, view.summary.failed)


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
    answer = job_as("rocketchat", VIEWS[status])
    assert answer["state"] == state
    operation = answer["operation"]
    assert isinstance(operation, dict)
    assert operation.keys() == {"_id", "type", "importerKey", "ts", "status", "valid", "user", "_updatedAt", "count"}
    assert (operation["status"], operation["valid"]) == (step, status is not JobStatus.FAILED)
    assert operation["count"].keys() == {"total", "users", "completed", "error"}


def test_rocketchat_counts_what_is_done_of_what_there_is() -> None:
    assert job_as("rocketchat", VIEWS[JobStatus.COMPLETED_WITH_ERRORS])["operation"]["count"] == {  # type: ignore[index]
        "total": 15,
        "users": 15,
        "completed": 12,
        "error": 3,
    }
    assert job_as("rocketchat", VIEWS[JobStatus.LOADING])["operation"]["count"]["total"] == 1000  # type: ignore[index]


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


def test_liferay_counts_before_it_processes() -> None:
    loading = job_as("liferay", VIEWS[JobStatus.LOADING])
    assert (loading["processedItemsCount"], loading["totalItemsCount"]) == (417, 1000)
    assert job_as("liferay", VIEWS[JobStatus.FAILED])["errorMessage"] == FAULT["message"]


@pytest.mark.parametrize(
    ("vendor", "answer"),
    [
        ("fullstory", {"code": "resource_not_found", "message": "there is no job x"}),
        ("rocketchat", {"state": "none"}),
        ("auth0", {"statusCode": 404, "error": "Not Found", "message": "there is no job x"}),
        ("liferay", {"status": "NOT_FOUND", "title": "there is no job x"}),
    ],
)
def test_a_job_that_is_not_there_has_each_systems_answer(vendor: str, answer: dict[str, object]) -> None:
    assert VENDORS[vendor].missing("x") == answer


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


def test_auth0_errors_echo_each_refused_user_with_all_its_faults() -> None:
    assert VENDORS["auth0"].errors(WITH_ERRORS) == [  # type: ignore[misc]
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
    assert VENDORS["auth0"].errors(VIEWS[JobStatus.FAILED]) == {  # type: ignore[misc]
        "type": "users_import",
        "status": "failed",
        "id": JOB.job_id,
        "created_at": JOB.created_at,
        "connection_id": "crm-eu",
        "status_details": FAULT["message"],
    }


def test_liferay_failed_items_are_text_position_and_one_message() -> None:
    assert liferay.failed_items(WITH_ERRORS) == [
        {
            "item": '{"email": "=no", "password_hash": "*****"}',
            "itemIndex": 2,
            "message": "FORMAT at email: m; MAX_LENGTH at name: m",
        },
        {"item": "=1+1", "itemIndex": 5, "message": "MALFORMED_RECORD at record: m"},
    ]


def test_liferay_report_is_a_csv_that_no_spreadsheet_runs() -> None:
    head, first, second = csv.reader(io.StringIO(liferay.report(WITH_ERRORS)))
    assert head == ["item", "itemIndex", "message"]
    assert first[:2] == ['{"email": "=no", "password_hash": "*****"}', "2"]
    assert second == ["'=1+1", "5", "MALFORMED_RECORD at record: m"]


def test_only_systems_that_say_what_was_wrong_with_a_row_have_errors() -> None:
    assert {name for name, vendor in VENDORS.items() if vendor.errors} == {"auth0", "liferay"}
