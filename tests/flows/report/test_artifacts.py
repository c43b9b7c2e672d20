"""What the Prefect pages show says the whole summary, and nobody's address."""

from dataclasses import replace

import pytest

from flows.pipeline.job import Progress
from flows.report import artifacts
from schemas.job import JobStatus, JobSummary

SUMMARY = JobSummary(
    job_id="11111111-2222-4333-8444-555555555555",
    external_id="crm *7*",
    connection="crm-eu",
    sources=("/data/in/users_1.json", "more.csv"),
    profile="auth0",
    mode="upsert",
    dry_run=False,
    status=JobStatus.COMPLETED_WITH_ERRORS,
    total=15,
    inserted=10,
    updated=2,
    failed=3,
    errors_by_code={"FORMAT": 2, "DUPLICATED_USER": 1},
    created_at="2026-01-01T00:00:00Z",
    duration_seconds=75.2,
    rows_per_second=36585,
)
FAILED = replace(
    SUMMARY,
    status=JobStatus.FAILED,
    fault={"code": "FILE_SYNTAX", "message": "users.json ends at byte 7 after ann@example.com", "hint": "cut there"},
)


def test_labels_are_numbers_and_words_that_a_script_can_filter_by() -> None:
    assert artifacts.format_labels(SUMMARY) == {
        "import.total": 15,
        "import.inserted": 10,
        "import.updated": 2,
        "import.unchanged": 0,
        "import.failed": 3,
        "import.warnings": 0,
        "import.connection": "crm-eu",
        "import.mode": "upsert",
        "import.status": "completed_with_errors",
        "import.job_id": SUMMARY.job_id,
    }
    assert artifacts.format_labels(FAILED)["import.fault"] == "FILE_SYNTAX"


def test_the_summary_page_has_the_sentence_the_counts_two_charts_and_the_way_to_the_errors() -> None:
    page = artifacts.format_summary(SUMMARY)
    assert "10 inserted, 2 updated, 0 unchanged, 3 failed of 15." in page
    assert "| total | 15 |" in page
    assert "| external id | crm \\*7\\* |" in page
    assert "| sources | users\\_1.json, more.csv |" in page
    assert "| duration | 1 min 15 s |" in page
    assert "| FORMAT | 2 | a value is not an e-mail address or a URI |" in page
    assert page.count("data:image/svg+xml;base64,") == 2
    assert f"python -m flows.jobs errors {SUMMARY.job_id}" in page


def test_a_failed_job_says_why_and_what_to_do_without_the_address() -> None:
    page = artifacts.format_summary(FAILED)
    assert "users.json ends at byte 7 after a\\*\\*\\*@\\*\\*\\* (FILE\\_SYNTAX)." in page
    assert "cut there" in page
    assert "ann@" not in page


def test_a_job_without_errors_has_one_chart_and_no_table_of_codes() -> None:
    page = artifacts.format_summary(replace(SUMMARY, failed=0, errors_by_code={}, status=JobStatus.COMPLETED))
    assert page.count("data:image/svg+xml;base64,") == 1
    assert "meaning" not in page


def test_a_dry_run_says_that_nothing_was_changed() -> None:
    assert "nothing was changed" in artifacts.format_summary(replace(SUMMARY, dry_run=True))


def error(record: int, message: str = "is too long") -> dict[str, object]:
    return {"record": record, "line": None, "code": "FORMAT", "path": "email", "message": message, "severity": "error"}


def test_the_error_table_has_the_first_hundred_with_addresses_masked() -> None:
    rows = artifacts.format_errors([error(number, "same as bob.x@mail.example.org of 3") for number in range(1, 150)])
    assert len(rows) == 100
    assert rows[0] == error(1, "same as b***@*** of 3")
    assert artifacts.describe_errors(SUMMARY, shown=2).startswith("the first 2 of 3 errors")
    assert artifacts.describe_errors(SUMMARY, shown=3) == "all 3 errors"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ann@example.com", "a***@***"),
        ("<ann@example.com>, 'bob@x.org'", "<a***@***>, 'b***@***'"),
        ("jörg@bücher.example is taken", "j***@*** is taken"),
        ("no address @ all", "no address @ all"),
    ],
)
def test_addresses_are_masked_wherever_they_stand(text: str, masked: str) -> None:
    assert artifacts.mask_emails(text) == masked


def test_progress_is_said_with_percent_speed_and_time_left() -> None:
    progress = Progress(rows=420_000, done_bytes=42, total_bytes=100, seconds=8.4)
    assert artifacts.format_progress(progress) == "42 %, 420,000 rows, 50,000 rows/s, 12 s left"
    assert artifacts.format_progress(replace(progress, done_bytes=0)) == "0 %, 420,000 rows, 50,000 rows/s"


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (7265, "2 h 1 min")])
def test_durations_read_as_a_person_says_them(seconds: float, said: str) -> None:
    assert artifacts.format_duration(seconds) == said
