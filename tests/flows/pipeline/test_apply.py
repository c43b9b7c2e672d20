"""A dry run is applied exactly as it was shown, or not at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from flows.pipeline.apply import apply
from flows.pipeline.undo import undo
from flows.report.planned_rows import read_plan_lines
from flows.settings import Settings
from flows.store import fault_points
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.jobs import find_errors
from flows.store.retention import purge
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import change_database, import_records, new_id, query_rows, read_users

ADA = {"email": "ada@example.com", "name": "Ada", "nickname": "A"}
BOB = {"email": "bob@example.com", "name": "Bob"}
USERS: list[Mapping[str, object]] = [
    {**ADA, "name": "Ada Lund"},
    {"email": "chidi@example.org", "name": "Chidi"},
    {"email": "chidi@example.org"},
    {"email": "no address"},
    BOB,
    {"email": "dora@example.com", "password_hash": "$2b$10$" + "x" * 53, "shoe_size": 44},
]
TIMES = ("created_at", "updated_at", "created_by_job", "updated_by_job", "user_id", "digest")


def plan(settings: Settings, records: Sequence[Mapping[str, object]] = USERS, **more: Any) -> JobSummary:
    import_records(settings, [ADA, BOB])
    return import_records(settings, records, Mode.UPSERT, dry_run=True, **more)


def apply_plan(settings: Settings, planned: JobSummary) -> JobSummary:
    return apply(planned.job_id, settings=settings, job_id=new_id())


def without_times(users: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    kept = [{name: value for name, value in user.items() if name not in TIMES} for user in users]
    return sorted(kept, key=lambda user: str(user["email"]))


def shown(settings: Settings, job: JobSummary) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in read_plan_lines(settings, job.job_id)]


def refused_stale(settings: Settings, planned: JobSummary) -> list[tuple[object, object]]:
    """Apply a plan, assert that nothing was merged, and return the records that differ, with the reason."""
    before = read_users(settings)
    summary = apply_plan(settings, planned)
    assert summary.fault
    assert (summary.status, summary.fault["code"]) == (JobStatus.FAILED, "PLAN_STALE")
    assert (read_users(settings), summary.inserted, summary.updated) == (before, 0, 0)
    errors = find_errors(Store(settings), summary.job_id)
    return [(error["record"], error["message"]) for error in errors if error["code"] == "OUTCOME_CHANGED"]


def test_an_applied_plan_makes_the_same_users_as_a_real_run(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = replace(settings, database=tmp_path_factory.mktemp("other") / "users.duckdb")
    Store(other).prepare()
    import_records(other, [ADA, BOB])
    real = import_records(other, USERS, Mode.UPSERT)
    planned = plan(settings)
    summary = apply_plan(settings, planned)
    counts = ("status", "total", "inserted", "updated", "unchanged", "failed", "warnings", "errors_by_code", "profile")
    assert [getattr(summary, name) for name in counts] == [getattr(real, name) for name in counts]
    assert (summary.status, summary.inserted, summary.updated) == (JobStatus.COMPLETED_WITH_ERRORS, 1, 1)
    assert without_times(read_users(settings)) == without_times(read_users(other))
    errors = [[{**error, "source": ""} for error in find_errors(Store(s), j.job_id)]
              for s, j in ((settings, summary), (other, real))]  # fmt: skip
    assert errors[0] == errors[1]
    names = "select applies_job, kind, dry_run, external_id from import_jobs where job_id = $job"
    assert query_rows(settings, names, job=summary.job_id) == [(planned.job_id, "import", False, None)]


def test_users_have_the_ids_that_the_plan_shows(settings: Settings) -> None:
    planned = plan(settings)
    inserts = [row["user_id"] for row in shown(settings, planned) if row["outcome"] == "insert"]
    summary = apply_plan(settings, planned)
    query = "select user_id from users where created_by_job = $job"
    assert query_rows(settings, query, job=summary.job_id) == [(user_id,) for user_id in inserts]
    assert shown(settings, summary) == shown(settings, planned)


@pytest.mark.parametrize(
    ("change", "record", "words"),
    [
        (
            "update users set email = 'chidi@example.org' where email = 'bob@example.com'",
            2,
            "shows insert; now it is update",
        ),
        ("update users set name = 'Ada H.' where email = 'ada@example.com'", 1, "other fields or values"),
        ("update users set name = 'Ada Lund' where email = 'ada@example.com'", 1, "shows update; now it is unchanged"),
        ("delete from users where email = 'ada@example.com'", 1, "shows update; now it is insert"),
        ("update users set name = 'Robert' where email = 'bob@example.com'", 5, "shows unchanged; now it is update"),
    ],
)
def test_a_plan_is_stale_once_a_row_would_do_something_else(
    settings: Settings, change: str, record: int, words: str
) -> None:
    planned = plan(settings)
    change_database(settings, change)
    found = refused_stale(settings, planned)
    assert record in [number for number, _ in found]
    assert words in "; ".join(str(message) for _, message in found)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("password_hash", ["$2b$10$" + letter * 53 for letter in "abc"]),
        ("custom_password_hash", [{"algorithm": "md5", "hash": {"value": letter * 32}} for letter in "abc"]),
        ("mfa_factors", [[{"email": {"value": f"{letter}@example.com"}}] for letter in "abc"]),
    ],
)
def test_a_plan_is_stale_once_a_secret_that_it_replaces_has_changed(
    settings: Settings, field: str, values: Sequence[object]
) -> None:
    """The plan shows secrets as changed only."""
    policy = {"mfa_factors" if field == "mfa_factors" else "password_hash": "replace"}
    first, planned_value, later = ({"email": "ada@example.com", field: value} for value in values)
    import_records(settings, [first])
    planned = import_records(settings, [planned_value], dry_run=True, policy=policy)
    assert planned.updated == 1
    import_records(settings, [later], policy=policy)
    assert refused_stale(settings, planned) == [(1, "update, but of other fields or values than the dry run shows")]


def test_a_secret_that_a_plan_does_not_replace_may_change(settings: Settings) -> None:
    planned = plan(settings)
    change_database(settings, "update users set password_hash = $new where email = 'ada@example.com'", new="x" * 60)
    assert apply_plan(settings, planned).updated == 1


def test_a_plan_is_stale_once_another_job_has_inserted_a_user(settings: Settings) -> None:
    planned = plan(settings)
    import_records(settings, [{"email": "chidi@example.org", "name": "Other"}])
    assert [record for record, _ in refused_stale(settings, planned)] == [2]


def test_a_plan_to_insert_is_stale_once_a_row_conflicts(settings: Settings) -> None:
    planned = import_records(settings, [ADA, BOB], Mode.INSERT, dry_run=True)
    import_records(settings, [BOB])
    assert refused_stale(settings, planned) == [(2, "the dry run shows insert; now it is refused: CONFLICT_EMAIL")]


def test_a_plan_is_stale_once_the_file_was_imported(settings: Settings) -> None:
    planned = plan(settings)
    import_records(settings, USERS, Mode.UPSERT)
    assert [record for record, _ in refused_stale(settings, planned)] == [1, 2]


def test_a_change_that_alters_no_outcome_does_not_make_a_plan_stale(settings: Settings) -> None:
    planned = plan(settings)
    change_database(settings, "update users set given_name = 'Z' where email = 'ada@example.com'")
    import_records(settings, [{"email": "eve@example.com"}])
    assert apply_plan(settings, planned).updated == 1
    kept = query_rows(settings, "select name, given_name from users where email = 'ada@example.com'")
    assert kept == [("Ada Lund", "Z")]


def test_a_plan_is_compared_again_under_the_lock(settings: Settings) -> None:
    """What is written between planning and merging counts."""
    planned = plan(settings)

    def write(name: str) -> None:
        if name == "enter importing":
            change_database(settings, "delete from users where email = 'ada@example.com'")

    with fault_points.on_fault_point(write):
        summary = apply_plan(settings, planned)
    assert summary.fault
    assert summary.fault["code"] == "PLAN_STALE"
    assert query_rows(settings, "select count(*) from users") == [(1,)]


def test_a_plan_is_applied_once(settings: Settings) -> None:
    planned = plan(settings)
    first, before = apply_plan(settings, planned), read_users(settings)
    again = apply_plan(settings, planned)
    assert (again.job_id, read_users(settings)) == (first.job_id, before)
    assert query_rows(settings, "select count(*) from import_jobs where applies_job is not null") == [(1,)]


def test_an_applied_plan_is_undone_and_applied_again(settings: Settings) -> None:
    planned = plan(settings)
    before = read_users(settings)
    first = apply_plan(settings, planned)
    after = read_users(settings)
    undo(first.job_id, dry_run=False, settings=settings, job_id=new_id())
    assert without_times(read_users(settings)) == without_times(before)
    assert apply_plan(settings, planned).job_id != first.job_id
    assert without_times(read_users(settings)) == without_times(after)


def test_an_applied_file_is_not_imported_again(settings: Settings) -> None:
    planned = plan(settings)
    summary = apply_plan(settings, planned)
    repeated = import_records(settings, USERS, Mode.UPSERT, again=False)
    assert repeated.job_id == summary.job_id


@pytest.mark.parametrize(
    ("what", "code"),
    [("import", ErrorCode.NOT_APPLICABLE), ("undo", ErrorCode.NOT_APPLICABLE), ("failed", ErrorCode.NOT_APPLICABLE),
     ("purged", ErrorCode.STAGED_PURGED), ("removed", ErrorCode.STAGED_PURGED), ("unknown", ErrorCode.JOB_NOT_FOUND)],
)  # fmt: skip
def test_what_has_no_plan_is_not_applied(settings: Settings, what: str, code: ErrorCode) -> None:
    job_id = plan(settings).job_id
    if what == "import":
        job_id = import_records(settings, [{"email": "x@example.com"}]).job_id
    elif what == "undo":
        job_id = undo(import_records(settings, [{"email": "x@example.com"}]).job_id, dry_run=True, settings=settings,
                      job_id=new_id()).job_id  # fmt: skip
    elif what == "failed":
        job_id = import_records(settings, USERS, Mode.UPSERT, dry_run=True, max_errors=0).job_id
    elif what == "purged":
        change_database(settings, "update import_jobs set finished_at = finished_at - interval 30 days")
        purge(Store(settings), days=1)
    elif what == "removed":
        (JobFolder(settings.jobs_folder / job_id).path / "loaded.json").unlink()
    else:
        job_id = new_id()
    before, jobs = read_users(settings), query_rows(settings, "select count(*) from import_jobs")
    new = new_id()
    with pytest.raises(JobFault) as caught:
        apply(job_id, settings=settings, job_id=new)
    assert caught.value.code is code
    assert (read_users(settings), query_rows(settings, "select count(*) from import_jobs")) == (before, jobs)
    assert not (settings.jobs_folder / new).exists()


def test_thresholds_of_the_dry_run_hold(settings: Settings) -> None:
    planned = plan(settings, max_updates_rate=0.6)
    assert apply_plan(settings, planned).updated == 1


def test_a_dry_run_is_purged_while_its_application_stays(settings: Settings) -> None:
    planned = plan(settings)
    summary = apply_plan(settings, planned)
    JobFolder(settings.jobs_folder / planned.job_id).remove()
    assert shown(settings, summary)
    assert summary.failed == len([row for row in shown(settings, summary) if row["outcome"] == "refused"])
