"""A diff shows what a job changed, field by field, without later changes and without secrets."""

import json
from itertools import pairwise

import pytest

from flows.jobs.cli import app
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.diff import UserDiff, find_changes
from flows.store.job_status import JobFilter, find_job_named, find_jobs
from tests.flows.importing import change_database, import_records, new_id, query_rows

HASH = f"$2b$10${'a' * 53}"
ADA = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada", "password_hash": HASH, "app_metadata": {"n": 1}}
CHANGED = {**ADA, "name": "Ada L.", "password_hash": HASH.replace("a", "b"), "app_metadata": {"n": None}}


def diffs(settings: Settings, job_id: str, **only: str) -> list[UserDiff]:
    return list(find_changes(Store(settings), job_id, **only))


def fields(diff: UserDiff) -> dict[str, tuple[str, str]]:
    return {change.field: change.shown for change in diff.changes}


def test_an_update_shows_the_fields_that_changed(settings: Settings) -> None:
    import_records(settings, [ADA])
    job = import_records(settings, [CHANGED], policy={"password_hash": "replace"})
    (diff,) = diffs(settings, job.job_id)
    assert (diff.user_id, diff.action, diff.is_edited_since) == ("u-ada", "update", False)
    assert fields(diff) == {
        "name": ("Ada", "Ada L."),
        "app_metadata": ('{"n":1}', '{"n":null}'),
        "password_hash": ("", "changed"),
    }


def test_later_changes_are_not_part_of_the_diff(settings: Settings) -> None:
    first = import_records(settings, [ADA, {"email": "bob@x.example", "user_id": "u-bob"}])
    import_records(settings, [CHANGED])
    undo(first.job_id, dry_run=False, settings=settings, job_id="undo")  # keeps Ada
    change_database(settings, "update users set name = 'Somebody'")
    ada, bob = diffs(settings, first.job_id)
    assert (fields(ada)["name"], ada.is_edited_since) == (("", "Ada"), False)
    assert (bob.action, fields(bob)["email"]) == ("insert", ("", "bob@x.example"))
    (removed,) = diffs(settings, "undo")
    assert (removed.action, fields(removed)["email"]) == ("delete", ("bob@x.example", ""))


def test_an_edit_by_hand_is_marked(settings: Settings) -> None:
    job = import_records(settings, [ADA])
    change_database(settings, "update users set name = 'Somebody'")
    (diff,) = diffs(settings, job.job_id, user_id="u-ada")
    assert (diff.is_edited_since, fields(diff)["name"]) == (True, ("", "Somebody"))
    assert diffs(settings, job.job_id, user_id="u-other") == []


def test_the_history_view_shows_the_same_as_the_command(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    import_records(settings, [ADA])
    job = import_records(settings, [CHANGED])
    query = "select to_json(changes) from user_history where user_id = 'u-ada' and job_id = $job"
    ((changes,),) = query_rows(settings, query, job=job.job_id)
    assert main(app, ["diff", job.job_id, "--json", "--database", str(settings.database)]) == 0
    printed = capsys.readouterr().out
    (document,) = json.loads(printed)
    assert document["changes"] == json.loads(str(changes))
    assert HASH[:20] not in printed


def test_an_insert_stays_in_the_history_whatever_comes_after_it(settings: Settings) -> None:
    inserted = import_records(settings, [ADA]).job_id
    updated = import_records(settings, [{**ADA, "name": "Ada L."}]).job_id
    for number, job in enumerate((updated, "undo-0", "undo-1", inserted)):
        undo(job, dry_run=False, settings=settings, job_id=f"undo-{number}")
    history = query_rows(settings, "select job_id, action, is_edited_since from user_history order by changed_at")
    assert history == [
        (inserted, "insert", False),
        (updated, "update", False),
        ("undo-0", "restore", False),
        ("undo-1", "restore", False),
        ("undo-2", "restore", False),
        ("undo-3", "delete", False),
    ]
    (diff,) = diffs(settings, inserted)
    assert fields(diff)["name"] == ("", "Ada")


def test_an_insert_that_an_undone_job_hid_is_still_compared_with_what_its_own_job_wrote(settings: Settings) -> None:
    inserted = import_records(settings, [ADA]).job_id
    change_database(settings, "update users set name = 'Somebody'")
    updated = import_records(settings, [{**ADA, "name": "Ada L."}]).job_id
    assert undo(updated, dry_run=False, settings=settings, job_id="undo").kept == 0
    (diff,) = diffs(settings, inserted)
    assert (diff.is_edited_since, fields(diff)["name"]) == (True, ("", "Somebody"))
    assert undo(inserted, dry_run=False, settings=settings, job_id="undo-2").kept == 1


def test_users_that_no_job_wrote_have_no_history(settings: Settings) -> None:
    import_records(settings, [ADA])
    change_database(settings, "insert into users by name select * replace ('u' as user_id, null as digest) from users")
    assert query_rows(settings, "select user_id from all_changes") == [("u-ada",)]


def test_a_pipe_gets_one_line_per_field(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    import_records(settings, [ADA])
    job = import_records(settings, [{**ADA, "name": "Ada L."}])
    assert main(app, ["diff", job.job_id, "--database", str(settings.database)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "user_id\taction\tfield\told\tnew\tnote",
        "u-ada\tupdate\tname\tAda\tAda L.\t",
    ]


def test_clock_that_went_back_changes_no_order(settings: Settings) -> None:
    names = ("Ada", "Ada L.", "Ada", "Countess")
    jobs = [import_records(settings, [{**ADA, "name": name}], name=new_id()).job_id for name in names]
    for number, job in enumerate(jobs):  # the clock runs backwards from job to job
        for statement in (
            "update user_changes set changed_at = changed_at - to_days($days) where job_id = $job",
            "update import_jobs set created_at = created_at - to_days($days) where job_id = $job",
            "update import_jobs set finished_at = finished_at - to_days($days) where job_id = $job",
        ):
            change_database(settings, statement, days=number, job=job)
    found = [diff for job in jobs for diff in diffs(settings, job)]
    assert [fields(diff)["name"] for diff in found] == [*pairwise(("", *names))]
    assert not any(diff.is_edited_since for diff in found)
    assert [job.summary.job_id for job in find_jobs(Store(settings), JobFilter())[0]] == jobs[::-1]
    assert find_job_named(Store(settings), "last").summary.job_id == jobs[-1]
    (kept,) = undo(jobs[0], dry_run=False, settings=settings, job_id=new_id()).kept_users
    assert kept.message.endswith(f"by job {jobs[-1]}")
