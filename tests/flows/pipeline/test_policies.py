"""What an update does to a field: jobs with policies, from the options to the tables, the warnings and the undo."""

import json
from collections.abc import Mapping

import pytest

from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.database import Store
from flows.store.jobs import find_errors
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import import_file, import_records, query_rows, read_users
from tests.marks import mostly_slow

OLD, NEW = (f"$2b$10${letter * 53}" for letter in "ab")
CUSTOM = {"algorithm": "md5", "hash": {"value": "0" * 32, "encoding": "hex"}}
ADA = {"email": "ada@x.example", "user_id": "u-ada", "password_hash": NEW}
BOB = {"email": "bob@x.example", "user_id": "u-bob"}
KEPT = "the hash is left out; the user keeps the password stored"
MISSING = "the hash is left out; the user is imported without a password and must set a new one"


def hashes_of(settings: Settings) -> Mapping[object, tuple[object, bool]]:
    """Return the hash of each user, whichever it is, and whether the user must set a new password."""
    hashes = "coalesce(password_hash, custom_password_hash ->> 'algorithm')"
    found = query_rows(settings, f"select user_id, {hashes}, password_reset_required from users")  # noqa: S608
    return {user_id: (found_hash, bool(is_marked)) for user_id, found_hash, is_marked in found}


def warnings_of(settings: Settings, job: JobSummary) -> list[str]:
    """Return the messages of a job's warnings, by record."""
    found = find_errors(Store(settings), job.job_id)
    return [str(error["message"]) for error in found if error["severity"] == "warning"]


@pytest.mark.parametrize("older", [{"password_hash": OLD}, {"custom_password_hash": CUSTOM}])
def test_an_older_file_never_brings_an_older_password_back(settings: Settings, older: Mapping[str, object]) -> None:
    import_records(settings, [ADA])
    before = read_users(settings)
    job = import_records(settings, [{"email": ADA["email"], **older}])
    assert (job.status, job.unchanged, job.warnings) == (JobStatus.COMPLETED, 1, 1)
    assert read_users(settings) == before
    (field,) = older
    job = import_records(settings, [{"email": ADA["email"], **older}], policy={field: "replace"})
    assert (job.updated, job.warnings) == (1, 0)
    assert hashes_of(settings)["u-ada"] == (older.get("password_hash", "md5"), False)
    undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
    assert read_users(settings) == before


@pytest.mark.parametrize("form", mostly_slow(["ndjson", "csv"], quick=["ndjson"]))
@pytest.mark.parametrize("policy", ["replace", "fill", "keep"])
def test_a_hash_that_was_left_out_says_what_becomes_of_the_user(settings: Settings, form: str, policy: str) -> None:
    import_records(settings, [ADA, BOB])
    rows = [
        {"email": "ada@x.example", "user_id": "", "password_hash": "$1$abc$def"},
        {"email": "bob@x.example", "user_id": "", "password_hash": "{CRYPT}x"},
        {"email": "cyd@x.example", "user_id": "u-cyd", "password_hash": "md5:0"},
        {"email": "ada@x.example", "user_id": "u-bob", "password_hash": "md5:1"},
    ]
    path = settings.database.parent / f"legacy.{form}"
    lines = [",".join(row.values()) for row in rows]
    filled = [json.dumps({name: value for name, value in row.items() if value}) for row in rows]
    path.write_text("\n".join(["email,user_id,password_hash", *lines] if form == "csv" else filled))
    by_field = {"password_hash": policy}
    for dry_run in (True, False):
        job = import_file(settings, path, dry_run=dry_run, reset_unsupported_hashes=True, policy=by_field)
        assert (job.inserted, job.updated, job.unchanged, job.failed, job.warnings) == (1, 1, 1, 1, 4)
        messages = warnings_of(settings, job)
        assert [message.partition("; ")[2] for message in messages] == [KEPT, MISSING, MISSING, "the hash is left out"]
    assert hashes_of(settings) == {"u-ada": (NEW, False), "u-bob": (None, True), "u-cyd": (None, True)}


def test_the_password_that_was_missing_is_filled(settings: Settings) -> None:
    import_records(settings, [{**ADA, "password_hash": "$1$abc$def"}], reset_unsupported_hashes=True)
    assert hashes_of(settings) == {"u-ada": (None, True)}
    assert import_records(settings, [ADA]).updated == 1
    assert hashes_of(settings) == {"u-ada": (NEW, False)}


def test_the_same_file_with_another_policy_is_another_job(settings: Settings) -> None:
    path = settings.database.parent / "users.ndjson"
    path.write_text(json.dumps(ADA))
    import_records(settings, [{**ADA, "password_hash": OLD}])
    first = import_file(settings, path, again=False)
    assert (first.unchanged, import_file(settings, path, again=False)) == (1, first)
    second = import_file(settings, path, again=False, policy={"custom_password_hash": "replace"})
    assert second.updated == 1
    assert import_file(settings, path, again=False, policy={"password_hash": "replace"}) == second


def test_every_warning_of_a_plan_is_counted_and_the_first_1000_of_a_field_are_stored(settings: Settings) -> None:
    users = [{"email": f"user{number}@x.example", "nickname": "a", "name": "A"} for number in range(1_200)]
    import_records(settings, users)
    changed = [{**user, "nickname": "b", **({"name": "B"} if place < 3 else {})} for place, user in enumerate(users)]
    job = import_records(settings, changed, policy={"nickname": "keep", "name": "fill"})
    assert (job.unchanged, job.warnings) == (1_200, 1_203)
    query = "select path, count(*), max(record) from import_errors where job_id = $job group by path order by path"
    assert query_rows(settings, query, job=job.job_id) == [("name", 3, 3), ("nickname", 1_000, 1_000)]


def test_metadata_of_a_new_user_are_merged_or_not_by_their_own_policy(settings: Settings) -> None:
    user = {"email": "ada@x.example", "app_metadata": {"a": None}, "user_metadata": {"b": None}}
    import_records(settings, [user], Mode.INSERT, policy={"user_metadata": "merge"})
    stored = "select app_metadata::varchar, user_metadata::varchar from users"
    assert query_rows(settings, stored) == [('{"a":null}', "{}")]
