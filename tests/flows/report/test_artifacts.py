# ruff: noqa: E501 - the lines of pages are as long as they are
"""Texts on Prefect's pages: they contain the whole summary and what to do next, and no key of a user."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from flows.report import artifacts
from flows.report.next_steps import steps_after_import, steps_after_undo
from schemas.job import JobStatus, JobSummary, Mode
from schemas.options import JobOptions
from schemas.undo import KeptUser, undo_summary
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
OPTIONS = JobOptions(sources=SUMMARY.sources, mode=Mode.UPSERT, connection="crm-eu", external_id="crm *7*")
DATABASE = Path("/srv/users.duckdb")
DEPLOYMENTS = {"rejects": "d-rejects", "undo": "d-undo", "import-users": "d-import"}


def summary_page(
    summary: JobSummary, *, options: JobOptions = OPTIONS, has_deployments: bool = False, is_repeat: bool = False
) -> str:
    """Return the page with its pictures left out."""
    page = artifacts.format_summary(
        summary,
        steps=steps_after_import(summary, options=options, database=DATABASE, is_repeat=is_repeat),
        deployments=DEPLOYMENTS if has_deployments else {},
        is_repeat=is_repeat,
    )
    return re.sub(r"\(data:image/svg\+xml;base64,[^)]+\)", "(…)", page)


def next_steps(page: str) -> str:
    """Return the part of a page about what to do next."""
    return re.split(r"\n\n(?![*])", page.partition("## Next\n\n")[2])[0]


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
        "import.phase": "done",
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
    assert (
        "| FORMAT | 2 | a value does not have the form of its field: of an e-mail address, a URI, a date, … |" in page
    )
    assert page.count("data:image/svg+xml;base64,") == 2
    assert summary_page(SUMMARY) == snapshot("""\
# Import: completed with errors

10 inserted, 2 updated, 0 unchanged, 3 failed of 15.

## Next

* **Write the refused records to a file to correct**: `python -m flows.jobs rejects 11111111-2222-4333-8444-555555555555 -o fix.json --database /srv/users.duckdb`
* **Correct that file, then import it**: `python -m flows.import_users fix.json --connection crm-eu --mode upsert --database /srv/users.duckdb`
* **List all errors**: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **See what changed, field by field**: `python -m flows.jobs diff 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Put the users back as they were**: `python -m flows.jobs undo 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`

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
| FORMAT | 2 | a value does not have the form of its field: of an e-mail address, a URI, a date, … |
| DUPLICATED\\_USER | 1 | an earlier record of the job is the same user |\
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

## Next

* **Write the refused records to a file to correct**: `python -m flows.jobs rejects 11111111-2222-4333-8444-555555555555 -o fix.json --database /srv/users.duckdb`
* **Correct that file, then import it**: `python -m flows.import_users fix.json --connection crm-eu --mode upsert --database /srv/users.duckdb`
* **List all errors**: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Run it again once the cause is removed**: `python -m flows.import_users /data/in/users_1.json more.csv --connection crm-eu --mode upsert --external-id 'crm *7*' --database /srv/users.duckdb`

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
| FORMAT | 2 | a value does not have the form of its field: of an e-mail address, a URI, a date, … |
| DUPLICATED\\_USER | 1 | an earlier record of the job is the same user |\
""")


def test_page_of_a_job_without_errors_has_one_chart_and_no_table_of_codes() -> None:
    page = artifacts.format_summary(replace(SUMMARY, failed=0, errors_by_code={}, status=JobStatus.COMPLETED))
    assert page.count("data:image/svg+xml;base64,") == 1
    assert "meaning" not in page


def test_page_of_a_dry_run_says_that_nothing_was_changed() -> None:
    assert "nothing was changed" in artifacts.format_summary(replace(SUMMARY, dry_run=True))


@pytest.mark.parametrize("has_deployments", [True, False])
def test_a_page_names_the_next_steps_with_the_values_filled_in(has_deployments: bool) -> None:
    steps = next_steps(summary_page(SUMMARY, has_deployments=has_deployments))
    if has_deployments:
        assert steps == snapshot("""\
* **Write the refused records to a file to correct**: [run the deployment rejects](/deployments/deployment/d-rejects/run?parameters=%7B%22job%22%3A%2211111111-2222-4333-8444-555555555555%22%2C%22database%22%3A%22/srv/users.duckdb%22%7D), its form is filled in; or `python -m flows.jobs rejects 11111111-2222-4333-8444-555555555555 -o fix.json --database /srv/users.duckdb`
* **Correct that file, then import it**: `python -m flows.import_users fix.json --connection crm-eu --mode upsert --database /srv/users.duckdb`
* **List all errors**: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **See what changed, field by field**: `python -m flows.jobs diff 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Put the users back as they were**: [run the deployment undo](/deployments/deployment/d-undo/run?parameters=%7B%22job%22%3A%2211111111-2222-4333-8444-555555555555%22%2C%22dry_run%22%3Afalse%2C%22database%22%3A%22/srv/users.duckdb%22%7D), its form is filled in; or `python -m flows.jobs undo 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`\
""")
    else:
        assert steps == snapshot("""\
* **Write the refused records to a file to correct**: `python -m flows.jobs rejects 11111111-2222-4333-8444-555555555555 -o fix.json --database /srv/users.duckdb`
* **Correct that file, then import it**: `python -m flows.import_users fix.json --connection crm-eu --mode upsert --database /srv/users.duckdb`
* **List all errors**: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **See what changed, field by field**: `python -m flows.jobs diff 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Put the users back as they were**: `python -m flows.jobs undo 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`\
""")


@pytest.mark.parametrize("case", ["dry run", "repeat", "failed", "canceled", "nothing new", "standard input"])
def test_next_steps_fit_the_end_of_the_job(case: str) -> None:
    clean = replace(SUMMARY, failed=0, errors_by_code={}, status=JobStatus.COMPLETED)
    options = OPTIONS.model_copy(update={"policy": {"name": "keep", "nickname": "fill"}, "match_on": ("user_id",)})
    page = {
        "dry run": summary_page(replace(clean, dry_run=True), options=options.model_copy(update={"dry_run": True})),
        "repeat": summary_page(clean, has_deployments=True, is_repeat=True),
        "failed": summary_page(replace(FAILED, errors_by_code={})),
        "canceled": summary_page(replace(clean, status=JobStatus.CANCELED), has_deployments=True),
        "nothing new": summary_page(replace(clean, inserted=0, updated=0, unchanged=12)),
        "standard input": summary_page(
            replace(clean, status=JobStatus.CANCELED, sources=("-",)),
            options=OPTIONS.model_copy(update={"sources": ("-",)}),
            has_deployments=True,
        ),
    }[case]
    expected = snapshot(
        {
            "dry run": """\
* **Carry the plan out exactly as it is shown**: `python -m flows.jobs apply 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Import the sources, whatever has changed since**: `python -m flows.import_users /data/in/users_1.json more.csv --connection crm-eu --mode upsert --match-on user_id --policy name=keep,nickname=fill --external-id 'crm *7*' --database /srv/users.duckdb`\
""",
            "repeat": """\
* **See the earlier job**: `python -m flows.jobs status 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Import the sources all the same**: [run the deployment import-users](/deployments/deployment/d-import/run?parameters=%7B%22connection%22%3A%22crm-eu%22%2C%22mode%22%3A%22upsert%22%2C%22sources%22%3A%5B%22/data/in/users_1.json%22%2C%22more.csv%22%5D%2C%22again%22%3Atrue%2C%22external_id%22%3A%22crm%20%2A7%2A%22%2C%22database%22%3A%22/srv/users.duckdb%22%7D), its form is filled in; or `python -m flows.import_users /data/in/users_1.json more.csv --connection crm-eu --mode upsert --again --external-id 'crm *7*' --database /srv/users.duckdb`\
""",
            "failed": "* **Run it again once the cause is removed**: `python -m flows.import_users /data/in/users_1.json more.csv --connection crm-eu --mode upsert --external-id 'crm *7*' --database /srv/users.duckdb`",
            "canceled": "* **Run it again**: [run the deployment import-users](/deployments/deployment/d-import/run?parameters=%7B%22connection%22%3A%22crm-eu%22%2C%22mode%22%3A%22upsert%22%2C%22sources%22%3A%5B%22/data/in/users_1.json%22%2C%22more.csv%22%5D%2C%22external_id%22%3A%22crm%20%2A7%2A%22%2C%22database%22%3A%22/srv/users.duckdb%22%7D), its form is filled in; or `python -m flows.import_users /data/in/users_1.json more.csv --connection crm-eu --mode upsert --external-id 'crm *7*' --database /srv/users.duckdb`",
            "nothing new": "",
            "standard input": "* **Run it again**: `python -m flows.import_users - --connection crm-eu --mode upsert --external-id 'crm *7*' --database /srv/users.duckdb`",
        }
    )
    assert next_steps(page) == expected[case]


def test_a_repeat_says_so_everywhere_and_has_no_counts_to_add_up() -> None:
    page = summary_page(SUMMARY, is_repeat=True)
    assert page.startswith("# Already imported\n\nAn earlier job has imported the same, job 11111111-")
    assert artifacts.format_sentence(SUMMARY, is_repeat=True).startswith(
        f"already imported by job {SUMMARY.job_id}: 10 "
    )
    labels = artifacts.format_labels(SUMMARY, is_repeat=True)
    assert "import.inserted" not in labels
    assert (labels["import.phase"], labels["import.job_id"]) == ("already imported", SUMMARY.job_id)


def test_a_step_that_would_name_an_address_is_left_out() -> None:
    options = OPTIONS.model_copy(update={"sources": ("/in/ann@example.com.csv",)})
    steps = steps_after_import(FAILED, options=options, database=DATABASE)
    assert [step.what for step in steps] == snapshot(
        [
            "Write the refused records to a file to correct",
            "Correct that file, then import it",
            "List all errors",
            "Run it again once the cause is removed",
        ]
    )
    assert "Run it again" not in artifacts.format_steps(steps, DEPLOYMENTS)


def test_the_data_of_the_state_is_the_summary_as_plain_values_without_an_address() -> None:
    data = artifacts.format_data(replace(FAILED, external_id="of ann@example.com"))
    assert data.keys() == SUMMARY.to_dict().keys()
    assert {type(value) for value in data.values()} <= {str, int, float, bool, dict, list, type(None)}
    assert data["external_id"] == "of a***@***"
    assert data["fault"] == {**FAILED.fault, "message": "users.json ends at byte 7 after a***@***"}  # type: ignore[dict-item] # it has one


def test_numbers_in_the_sentence_have_separators() -> None:
    many = replace(SUMMARY, inserted=196_610, updated=0, failed=3_390, total=200_000)
    sentence = "196,610 inserted, 0 updated, 0 unchanged, 3,390 failed of 200,000"
    assert artifacts.format_sentence(many) == sentence
    assert artifacts.format_sentence(replace(many, dry_run=True)) == f"dry run, nothing changed: {sentence}"


def test_page_of_an_undo_has_its_counts_and_the_users_that_were_kept_without_their_ids() -> None:
    job = replace(SUMMARY, mode="undo", sources=("j-1",), total=12, inserted=0, updated=11, failed=1)
    kept = KeptUser(user_id="ann-7", code="CHANGED_SINCE", message="user ann-7 has been changed since by hand")
    summary = undo_summary(job, (kept,))
    page = artifacts.format_undo(summary)
    assert "ann-7" not in page
    assert page == snapshot("""\
# Undo: completed with errors

11 users reverted, 1 kept because of later changes.

| undoes job | j-1 |
| --- | --- |
| connection | crm-eu |
| users that the job changed | 12 |
| reverted | 11 |
| kept | 1 |
| job | 11111111-2222-4333-8444-555555555555 |

| user | code | why it was kept |
| --- | --- | --- |
| a\\*\\*\\* | CHANGED\\_SINCE | user a\\*\\*\\* has been changed since by hand |\
""")
    assert "kept_users" not in artifacts.format_data(summary)
    steps = [
        artifacts.format_steps(steps_after_undo(undo, database=DATABASE), DEPLOYMENTS)
        for undo in (summary, replace(summary, dry_run=True), replace(summary, status=JobStatus.FAILED, failed=0))
    ]
    assert steps == snapshot(
        [
            """\
## Next

* **List why users were kept**: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`
* **Take the undo back**: [run the deployment undo](/deployments/deployment/d-undo/run?parameters=%7B%22job%22%3A%2211111111-2222-4333-8444-555555555555%22%2C%22dry_run%22%3Afalse%2C%22database%22%3A%22/srv/users.duckdb%22%7D), its form is filled in; or `python -m flows.jobs undo 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`\
""",
            """\
## Next

* **Undo the job**: [run the deployment undo](/deployments/deployment/d-undo/run?parameters=%7B%22job%22%3A%22j-1%22%2C%22dry_run%22%3Afalse%2C%22database%22%3A%22/srv/users.duckdb%22%7D), its form is filled in; or `python -m flows.jobs undo j-1 --database /srv/users.duckdb`\
""",
            "",
        ]
    )


def error(record: int, message: str = "is too long", severity: str = "error") -> dict[str, object]:
    place = {"source": "/in/a.csv", "record": record, "line": None}
    return {**place, "code": "FORMAT", "path": "email", "message": message, "severity": severity}


def test_error_table_has_the_first_hundred_with_file_and_place_and_with_keys_masked() -> None:
    rows = artifacts.format_errors(
        [
            error(1, "same as bob.x@mail.example.org of 3"),
            error(2, "is held by the existing user u-77, which the job must not match by this key", "warning"),
            *(error(number) for number in range(3, 150)),
        ]
    )
    assert len(rows) == 100
    assert rows[:2] == snapshot(
        [
            {
                "file": "a.csv",
                "record": 1,
                "line": None,
                "code": "FORMAT",
                "path": "email",
                "message": "same as b***@*** of 3",
            },
            {
                "file": "a.csv",
                "record": 2,
                "line": None,
                "code": "FORMAT (warning)",
                "path": "email",
                "message": "is held by the existing user u***, which the job must not match by this key",
            },
        ]
    )
    described = [
        artifacts.describe_errors(replace(SUMMARY, warnings=warnings), shown=shown, database=DATABASE)
        for shown, warnings in ((2, 0), (3, 0), (2, 1_000), (4, 1))
    ]
    assert described == snapshot(
        [
            "the first 2 of 3 errors; all of them: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`",
            "all 3 errors",
            "the first 2 of 3 errors and 1,000 warnings; all of them: `python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database /srv/users.duckdb`",
            "all 4 errors and warnings",
        ]
    )


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("matches the existing user u 7, as record 3 does", "matches the existing user u***, as record 3 does"),
        (
            "matches different existing users: email is held by a-1, user_id is held by b-2",
            "matches different existing users: email is held by a***, user_id is held by b***",
        ),
        ("repeats the email of record 1", "repeats the email of record 1"),
    ],
)
def test_the_user_id_of_another_user_is_masked_in_a_message(message: str, masked: str) -> None:
    assert artifacts.mask_keys(message) == masked


def test_plan_has_names_of_fields_and_a_masked_user() -> None:
    row = {"record": 1, "line": 2, "outcome": "update", "changes": "name", "codes": "", "matched_by": "email"}
    assert artifacts.format_plan([{**row, "user_id": "ann-7"}, {**row, "user_id": None}]) == [
        {**row, "user_id": "a***"},
        {**row, "user_id": ""},
    ]
    assert artifacts.describe_plan(SUMMARY, shown=15) == snapshot(
        "what each row does: all 15 rows; the option `plan` writes all, with values"
    )
    assert artifacts.describe_plan(replace(SUMMARY, total=1_500, dry_run=True), shown=100) == snapshot(
        "what each row would do: the first 100 of 1,500 rows; the option `plan` writes all, with values"
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


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (59.6, "1 min 0 s"), (7265, "2 h 1 min")])
def test_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert artifacts.format_duration(seconds) == text
