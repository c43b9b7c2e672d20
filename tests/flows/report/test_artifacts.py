"""Texts on Prefect's pages: they contain the whole summary, and no e-mail address."""

import re
from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from flows.pipeline.job import Progress
from flows.report import artifacts
from schemas.job import JobStatus, JobSummary
from tests.flows.summaries import job_summary

SUMMARY = replace(
    job_summary(inserted=10, updated=2, failed=3),
    external_id="crm *7*",
    sources=("/data/in/users_1.json", "more.csv"),
    errors_by_code={"FORMAT": 2, "DUPLICATED_USER": 1},
    duration_seconds=75.2,
    rows_per_second=36585,
)
FAILED = replace(
    SUMMARY,
    status=JobStatus.FAILED,
    fault={"code": "FILE_SYNTAX", "message": "users.json ends at byte 7 after ann@example.com", "hint": "cut there"},
)


def summary_page(summary: JobSummary) -> str:
    """Return the page with its pictures left out."""
    return re.sub(r"\(data:image/svg\+xml;base64,[^)]+\)", "(…)", artifacts.format_summary(summary))


def test_labels_are_counts_and_names_that_a_script_can_filter_by() -> None:
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


def test_summary_page_has_the_counts_two_charts_and_the_command_that_lists_errors() -> None:
    page = artifacts.format_summary(SUMMARY)
    assert "10 inserted, 2 updated, 0 unchanged, 3 failed of 15." in page
    assert "| total | 15 |" in page
    assert "| external id | crm \\*7\\* |" in page
    assert "| sources | users\\_1.json, more.csv |" in page
    assert "| duration | 1 min 15 s |" in page
    assert "| FORMAT | 2 | a value is not an e-mail address or a URI |" in page
    assert page.count("data:image/svg+xml;base64,") == 2
    assert f"python -m flows.jobs errors {SUMMARY.job_id}" in page
    assert summary_page(SUMMARY) == snapshot("""\
# Import: completed with errors

10 inserted, 2 updated, 0 unchanged, 3 failed of 15.

![Rows by outcome](…)

| total | 15 |
| --- | --- |
| inserted | 10 |
| updated | 2 |
| unchanged | 0 |
| failed | 3 |
| warnings | 0 |
| connection | crm-eu |
| mode | upsert |
| profile | auth0 |
| sources | users\\_1.json, more.csv |
| external id | crm \\*7\\* |
| job | 11111111-2222-4333-8444-555555555555 |
| duration | 1 min 15 s |
| rows per second | 36,585 |

![Errors by code](…)

| code | errors | meaning |
| --- | --- | --- |
| FORMAT | 2 | a value is not an e-mail address or a URI |
| DUPLICATED\\_USER | 1 | an earlier record of the job is the same user |

* all errors: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555`
* refused records: `python -m flows.jobs rejects 11111111-2222-4333-8444-555555555555 -o FILE`\
""")


def test_page_of_a_failed_job_has_reason_and_hint_without_the_address() -> None:
    page = artifacts.format_summary(FAILED)
    assert "users.json ends at byte 7 after a\\*\\*\\*@\\*\\*\\* (FILE\\_SYNTAX)." in page
    assert "cut there" in page
    assert "ann@" not in page
    assert summary_page(FAILED) == snapshot("""\
# Import: failed

users.json ends at byte 7 after a\\*\\*\\*@\\*\\*\\* (FILE\\_SYNTAX).

*cut there*

![Rows by outcome](…)

| total | 15 |
| --- | --- |
| inserted | 10 |
| updated | 2 |
| unchanged | 0 |
| failed | 3 |
| warnings | 0 |
| connection | crm-eu |
| mode | upsert |
| profile | auth0 |
| sources | users\\_1.json, more.csv |
| external id | crm \\*7\\* |
| job | 11111111-2222-4333-8444-555555555555 |
| duration | 1 min 15 s |
| rows per second | 36,585 |

![Errors by code](…)

| code | errors | meaning |
| --- | --- | --- |
| FORMAT | 2 | a value is not an e-mail address or a URI |
| DUPLICATED\\_USER | 1 | an earlier record of the job is the same user |

* all errors: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555`
* refused records: `python -m flows.jobs rejects 11111111-2222-4333-8444-555555555555 -o FILE`\
""")


def test_page_of_a_job_without_errors_has_one_chart_and_no_table_of_codes() -> None:
    page = artifacts.format_summary(replace(SUMMARY, failed=0, errors_by_code={}, status=JobStatus.COMPLETED))
    assert page.count("data:image/svg+xml;base64,") == 1
    assert "meaning" not in page


def test_page_of_a_dry_run_says_that_nothing_was_changed() -> None:
    assert "nothing was changed" in artifacts.format_summary(replace(SUMMARY, dry_run=True))


def error(record: int, message: str = "is too long") -> dict[str, object]:
    return {"record": record, "line": None, "code": "FORMAT", "path": "email", "message": message, "severity": "error"}


def test_error_table_has_the_first_hundred_with_addresses_masked() -> None:
    rows = artifacts.format_errors([error(number, "same as bob.x@mail.example.org of 3") for number in range(1, 150)])
    assert len(rows) == 100
    assert rows[0] == error(1, "same as b***@*** of 3")
    assert artifacts.describe_errors(SUMMARY, shown=2).startswith("the first 2 of 3 errors")
    assert artifacts.describe_errors(SUMMARY, shown=3) == "all 3 errors"
    assert (rows[:2], artifacts.describe_errors(SUMMARY, shown=2)) == snapshot(
        (
            [
                {
                    "record": 1,
                    "line": None,
                    "code": "FORMAT",
                    "path": "email",
                    "message": "same as b***@*** of 3",
                    "severity": "error",
                },
                {
                    "record": 2,
                    "line": None,
                    "code": "FORMAT",
                    "path": "email",
                    "message": "same as b***@*** of 3",
                    "severity": "error",
                },
            ],
            "the first 2 of 3 errors; all of them: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555`",
        )
    )


def test_sources_beyond_the_fifth_are_counted() -> None:
    page = artifacts.format_summary(replace(SUMMARY, sources=tuple(f"{number}.csv" for number in range(7))))
    assert "| sources | 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 2 more |" in page


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ann@example.com", "a***@***"),
        ("<ann@example.com>, 'bob@x.org'", "<a***@***>, 'b***@***'"),
        ("jörg@bücher.example is taken", "j***@*** is taken"),
        ("no address @ all", "no address @ all"),
    ],
)
def test_addresses_are_masked_anywhere_in_a_text(text: str, masked: str) -> None:
    assert artifacts.mask_emails(text) == masked


def test_progress_has_percent_speed_and_time_left() -> None:
    progress = Progress(rows=420_000, done_bytes=42, total_bytes=100, seconds=8.4)
    assert artifacts.format_progress(progress) == "42 %, 420,000 rows, 50,000 rows/s, 12 s left"
    assert artifacts.format_progress(replace(progress, done_bytes=0)) == "0 %, 420,000 rows, 50,000 rows/s"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (7265, "2 h 1 min")])
def test_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert artifacts.format_duration(seconds) == text
