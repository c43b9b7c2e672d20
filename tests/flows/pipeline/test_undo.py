"""An undo restores what a job changed, keeps users that have changed since, and can be undone itself."""

import json
import shutil
from pathlib import Path

import pytest

from flows.jobs.cli import app
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.jobs import find_job
from schemas.codes import ErrorCode
from schemas.faults import ExitCode, JobFault
from schemas.job import JobStatus, OnError
from schemas.undo import UndoSummary
from tests.flows.importing import change_database, import_file, import_records, query_rows, read_users

ADA = {"email": "ada@x.example", "user_id": "u-ada", "username": "ada", "name": "Ada", "app_metadata": {"plan": "pro"}}
BOB = {"email": "bob@x.example", "user_id": "u-bob", "username": "bob", "password_hash": f"$2b$10${'a' * 53}"}
CYD = {"email": "cyd@x.example", "user_id": "u-cyd"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database into which the job `seed` has imported Ada and Bob."""
    settings = Settings(database=tmp_path_factory.mktemp("template") / "users.duckdb")
    import_records(settings, [ADA, BOB], name="seed")
    return settings.database


@pytest.fixture
def settings(template: Path, tmp_path: Path) -> Settings:
    """Return settings for a copy of the template."""
    return Settings(database=Path(shutil.copy(template, tmp_path)), wait_seconds=0.2)


def undone(settings: Settings, job_id: str, *, name: str = "undo", dry_run: bool = False) -> UndoSummary:
    return undo(job_id, dry_run=dry_run, settings=settings, job_id=name)


def counts(summary: UndoSummary) -> tuple[JobStatus, int, int]:
    return summary.status, summary.reversed, summary.kept


def kept(summary: UndoSummary) -> list[tuple[str, str]]:
    return [(user.user_id, user.code) for user in summary.kept_users]


def test_inserted_users_are_removed_and_updated_ones_restored_in_every_column(settings: Settings) -> None:
    before = read_users(settings)
    job = import_records(settings, [{**ADA, "name": "Ada L."}, BOB, CYD])
    assert (job.updated, job.unchanged, job.inserted) == (1, 1, 1)
    assert counts(undone(settings, job.job_id)) == (JobStatus.COMPLETED, 2, 0)
    assert read_users(settings) == before


def test_the_undo_of_an_undo_brings_the_job_back(settings: Settings) -> None:
    job = import_records(settings, [{**ADA, "name": "Ada L."}, CYD])
    after = read_users(settings)
    undone(settings, job.job_id, name="first")
    between = read_users(settings)
    assert counts(undone(settings, "first", name="second")) == (JobStatus.COMPLETED, 2, 0)
    assert read_users(settings) == after
    undone(settings, "second", name="third")
    assert read_users(settings) == between


def test_jobs_record_by_which_undo_in_force_they_are_undone(settings: Settings) -> None:
    undone(settings, "seed", name="first")
    undone(settings, "first", name="second")
    query = "select job_id, undone_by_job from import_jobs where undone_by_job is not null"
    assert query_rows(settings, query) == [("first", "second")]
    undone(settings, "second", name="third")
    assert query_rows(settings, f"{query} order by created_at") == [("seed", "first"), ("second", "third")]


def test_a_user_that_a_later_job_changed_is_kept_and_listed(settings: Settings) -> None:
    later = import_records(settings, [{**ADA, "name": "Ada L."}])
    summary = undone(settings, "seed")
    assert counts(summary) == (JobStatus.COMPLETED_WITH_ERRORS, 1, 1)
    assert kept(summary) == [("u-ada", "CHANGED_SINCE")]
    assert later.job_id in summary.kept_users[0].message
    assert [row["user_id"] for row in read_users(settings)] == ["u-ada"]


@pytest.mark.parametrize(
    "edit",
    [
        "update users set nickname = '' where user_id = 'u-ada'",
        "update users set updated_at = updated_at + interval 1 second where user_id = 'u-ada'",
    ],
)
def test_a_user_that_was_edited_by_hand_is_kept_and_listed(settings: Settings, edit: str) -> None:
    change_database(settings, edit)
    edited_users = [row for row in read_users(settings) if row["user_id"] == "u-ada"]
    summary = undone(settings, "seed")
    assert kept(summary) == [("u-ada", "CHANGED_SINCE")]
    assert "by hand" in summary.kept_users[0].message
    assert read_users(settings) == edited_users


def test_an_updated_user_that_was_removed_by_hand_is_kept_and_listed(settings: Settings) -> None:
    job = import_records(settings, [{**ADA, "name": "Ada L."}])
    change_database(settings, "delete from users where user_id = 'u-ada'")
    summary = undone(settings, job.job_id)
    assert kept(summary) == [("u-ada", "CHANGED_SINCE")]
    assert summary.kept_users[0].message == "user u-ada has been removed since by hand"


def test_an_inserted_user_that_was_removed_by_hand_is_no_part_of_the_undo(settings: Settings) -> None:
    change_database(settings, "delete from users where user_id = 'u-ada'")
    assert counts(undone(settings, "seed")) == (JobStatus.COMPLETED, 1, 0)
    assert read_users(settings) == []


def test_a_deleted_user_whose_address_another_user_has_is_not_restored(settings: Settings) -> None:
    undone(settings, "seed", name="first")
    import_records(
        settings, [{"email": "ADA@x.example", "user_id": "u-new"}, {"email": "other@x.example", "username": "bob"}]
    )
    before = read_users(settings)
    summary = undone(settings, "first", name="second")
    assert kept(summary) == [("u-ada", "CONFLICT_EMAIL"), ("u-bob", "CONFLICT_USERNAME")]
    assert read_users(settings) == before


def test_a_kept_user_can_be_undone_once_it_is_as_the_job_left_it(settings: Settings) -> None:
    later = import_records(settings, [{**ADA, "name": "Ada L."}])
    undone(settings, "seed", name="partly")
    undone(settings, later.job_id, name="later")
    assert counts(undone(settings, "seed", name="rest")) == (JobStatus.COMPLETED, 1, 0)
    assert read_users(settings) == []


def test_undoing_twice_returns_the_first_undo(settings: Settings) -> None:
    first = undone(settings, "seed", name="first")
    assert undone(settings, "seed", name="second") == first


def test_an_undone_file_can_be_imported_again(settings: Settings) -> None:
    path = settings.database.parent / "users.ndjson"
    path.write_text(json.dumps(CYD) + "\n", encoding="utf-8")
    first = import_file(settings, path, format="ndjson", again=False)
    assert import_file(settings, path, format="ndjson", again=False).job_id == first.job_id
    undone(settings, first.job_id)
    second = import_file(settings, path, format="ndjson", again=False)
    assert (second.inserted, second.job_id != first.job_id) == (1, True)


def test_a_dry_run_reports_the_same_and_changes_nothing(settings: Settings) -> None:
    import_records(settings, [{**ADA, "name": "Ada L."}])
    before = read_users(settings)
    said = undone(settings, "seed", name="dry", dry_run=True)
    assert read_users(settings) == before
    real = undone(settings, "seed", name="real")
    assert (counts(said), kept(said)) == (counts(real), kept(real))


def test_jobs_that_merged_nothing_cannot_be_undone(settings: Settings) -> None:
    dry = import_records(settings, [ADA], dry_run=True)
    failed = import_records(settings, [{"email": "x"}], on_error=OnError.FAIL)
    for job in (dry, failed):
        with pytest.raises(JobFault) as caught:
            undone(settings, job.job_id)
        assert caught.value.code is ErrorCode.NOT_UNDOABLE
    with pytest.raises(JobFault) as caught:
        undone(settings, "nobody")
    assert caught.value.code is ErrorCode.JOB_NOT_FOUND


def test_a_database_whose_digests_another_duckdb_computed_is_not_changed(settings: Settings) -> None:
    change_database(settings, "update import_jobs set digest_probe = 1")
    with pytest.raises(JobFault) as caught:
        undone(settings, "seed")
    assert caught.value.code is ErrorCode.NOT_UNDOABLE


def test_users_of_other_connections_are_not_changed(settings: Settings) -> None:
    change_database(settings, "insert into users select * replace ('other' as connection) from users")
    others = [row for row in read_users(settings) if row["connection"] == "other"]
    undone(settings, "seed")
    assert read_users(settings) == others


def test_an_undo_broken_at_any_step_changes_nothing_and_can_be_repeated(settings: Settings) -> None:
    job = import_records(settings, [{**ADA, "name": "Ada L."}, CYD])
    before = read_users(settings)
    steps: list[str] = []
    with on_fault_point(steps.append):
        undone(settings, job.job_id, name="whole")
    undone(settings, "whole", name="back")
    assert read_users(settings) == before
    own = [step for step in steps[: steps.index("read back")] if not step.startswith(("database:", "folder:"))]
    for number, step in enumerate(own):

        def break_down(name: str, *, at: str = step) -> None:
            if name == at:
                raise RuntimeError(name)

        with on_fault_point(break_down):
            summary = undone(settings, job.job_id, name=f"broken-{number}")
        assert (summary.status, summary.fault and summary.fault["code"]) == (JobStatus.FAILED, "INTERNAL")
        assert find_job(Store(settings), f"broken-{number}").status is JobStatus.FAILED
        assert read_users(settings) == before
    assert counts(undone(settings, job.job_id, name="again")) == (JobStatus.COMPLETED, 2, 0)


def test_the_command_prints_what_was_put_back_and_kept(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    import_records(settings, [{**ADA, "name": "Ada L."}])
    database = ["--database", str(settings.database)]
    assert main(app, ["undo", "seed", "--dry-run", *database]) == ExitCode.ROWS_REFUSED
    assert "1 user reverted, 1 kept" in capsys.readouterr().out
    assert main(app, ["undo", "seed", "--json", *database]) == ExitCode.ROWS_REFUSED
    document = json.loads(capsys.readouterr().out)
    assert (document["undoes"], document["reversed"], document["kept"]) == ("seed", 1, 1)
    assert [user["user_id"] for user in document["kept_users"]] == ["u-ada"]
    assert main(app, ["errors", document["job_id"], "--json", *database]) == 0
    assert [error["code"] for error in json.loads(capsys.readouterr().out)] == ["CHANGED_SINCE"]
