"""Test what a null that clears a field does to the user that its row matches."""

import duckdb
import pytest

from schemas.fields import FIELDS
from schemas.job import HASHES, METADATA, FieldPolicy, MergePolicy, Mode, Updatable
from tests.marks import mostly_slow
from tests.transforms.planning import planned
from tests.transforms.test_merge_policy import ADA, VALUES, store_value, updated

FLAGS = ("email_verified", "phone_verified")
ALL = [(field, policy) for field in VALUES for policy in ("replace", "fill", "keep")]
ALL += [(field, "merge") for field in METADATA]
QUICK = [case for case in ALL if case[0] in ("name", "password_hash", "app_metadata", "email_verified")]


def policy_of(field: Updatable, policy: FieldPolicy) -> MergePolicy:
    return MergePolicy(policy=dict.fromkeys({*HASHES} if field in HASHES else {field}, policy))


@pytest.mark.parametrize(("field", "policy"), mostly_slow(ALL, quick=QUICK))
@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.UPDATE])
def test_a_policy_decides_whether_a_field_is_cleared(
    users: duckdb.DuckDBPyConnection, mode: Mode, field: Updatable, policy: FieldPolicy
) -> None:
    stored = True if field in FLAGS else VALUES[field][0]
    store_value(users, field, stored)
    found = planned(users, mode, {"email": ADA, "cleared": field}, policy=policy_of(field, policy))
    is_kept = policy in ("fill", "keep")
    assert found == ((["unchanged"], [(1, "NOT_CHANGED", field)]) if is_kept else (["update"], []))
    assert updated(users, field) == (stored if is_kept else False if field in FLAGS else None)
    assert users.execute(f"select before.{field} from updates").fetchall() == [(stored,)]  # noqa: S608


@pytest.mark.parametrize("field", mostly_slow(VALUES, quick=("name", "blocked", "phone_verified")))
@pytest.mark.parametrize("policy", ["replace", "fill", "keep"])
def test_a_field_that_is_empty_already_is_no_change(
    users: duckdb.DuckDBPyConnection, field: Updatable, policy: FieldPolicy
) -> None:
    store_value(users, field, False if field in FLAGS else None)
    found = planned(users, Mode.UPSERT, {"email": ADA, "cleared": field}, policy=policy_of(field, policy))
    assert found == (["unchanged"], [])


@pytest.mark.parametrize("policy", ["replace", "merge", "fill", "keep"])
def test_empty_metadata_are_empty_already(users: duckdb.DuckDBPyConnection, policy: FieldPolicy) -> None:
    store_value(users, "user_metadata", "{}")
    row = {"email": ADA, "cleared": "user_metadata"}
    assert planned(users, Mode.UPSERT, row, policy=policy_of("user_metadata", policy)) == (["unchanged"], [])
    assert updated(users, "user_metadata") == "{}"


@pytest.mark.parametrize("stored", HASHES)
@pytest.mark.parametrize("cleared", HASHES)
def test_a_null_of_one_kind_of_hash_clears_either(
    users: duckdb.DuckDBPyConnection, stored: Updatable, cleared: Updatable
) -> None:
    store_value(users, stored, VALUES[stored][0])
    row = {"email": ADA, "cleared": cleared}
    assert planned(users, Mode.UPSERT, row) == (["unchanged"], [(1, "NOT_CHANGED", cleared)])
    assert planned(users, Mode.UPSERT, row, policy=policy_of(cleared, "replace")) == (["update"], [])
    assert [updated(users, name) for name in (*HASHES, "password_reset_required")] == [None, None, False]


def test_a_row_sets_some_fields_and_clears_others(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "nickname": "al", "app_metadata": '{"size":1}', "cleared": "name,email_verified,picture"}
    assert planned(users, Mode.UPSERT, row, policy=MergePolicy(metadata="merge")) == (["update"], [])
    found = [updated(users, name) for name in ("name", "nickname", "email_verified", "picture", "app_metadata")]
    assert found == [None, "al", False, None, '{"plan":"pro","size":1}']


def test_only_the_rows_with_nulls_clear_fields(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": ADA, "cleared": "name"}, {"email": "b@x.example", "nickname": "b"})
    assert planned(users, Mode.UPSERT, *rows) == (["update", "update"], [])
    assert users.execute("select name, nickname from updates order by record").fetchall() == [
        (None, None),
        ("bob", "b"),
    ]


def test_a_phone_number_is_never_cleared(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "cleared": "phone_number"}
    assert planned(users, Mode.UPSERT, row) == (["unchanged"], [])
    users.execute("update users set phone_number = '+491'")
    assert planned(users, Mode.UPSERT, row) == (["unchanged"], [(1, "NOT_CHANGED", "phone_number")])


@pytest.mark.parametrize(
    ("match", "cleared"),
    [
        ({"email": ADA}, ("user_id", "username")),
        ({"user_id": "u-a"}, ("email", "username")),
        ({"username": "ada"}, ("email", "user_id")),
    ],
)
def test_a_key_is_never_cleared(
    users: duckdb.DuckDBPyConnection, match: dict[str, str], cleared: tuple[str, ...]
) -> None:
    row = {**match, "name": "Other", "cleared": ",".join(cleared)}
    assert planned(users, Mode.UPSERT, row) == (["refused"], [(1, "INVALID_TYPE", key) for key in cleared])
    sentence = "is null, but the matching user has one; an update cannot clear a key"
    assert users.execute("select distinct message from refusals").fetchall() == [(sentence,)]


def test_a_key_that_the_user_lacks_is_no_change(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set username = null")
    assert planned(users, Mode.UPSERT, {"email": ADA, "cleared": "username"}) == (["unchanged"], [])


def test_a_row_that_is_refused_for_a_key_is_not_repeated_by_the_next(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": ADA, "cleared": "username"}, {"email": ADA, "name": "Other"})
    assert planned(users, Mode.UPSERT, *rows) == (["refused", "update"], [(1, "INVALID_TYPE", "username")])


def test_a_row_that_clears_everything_is_inserted_without_it(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": "c@x.example", "cleared": ",".join(field.name for field in FIELDS if field.name != "email")}
    assert planned(users, Mode.UPSERT, row) == (["insert"], [])
    assert planned(users, Mode.INSERT, row) == (["insert"], [])
    assert planned(users, Mode.UPDATE, row) == (["refused"], [(1, "NOT_FOUND", "")])
    assert planned(users, Mode.INSERT, {"email": ADA, "cleared": "name"})[1] == [(1, "CONFLICT_EMAIL", "email")]
