"""Test which keys may match, what an update fills, and how metadata are merged."""

import json

import duckdb
import pytest

from schemas.job import MergePolicy, Mode
from tests.transforms.planning import planned

MERGE = MergePolicy(metadata="merge")
FILL = MergePolicy(fill_only=True)
ADA = "a@x.example"


def updated(connection: duckdb.DuckDBPyConnection, column: str) -> object:
    """Return the value that the only update gives a column."""
    return connection.sql("from updates").pl()[column].item()


@pytest.mark.parametrize(
    ("patch", "merged"),
    [
        ('{"plan":"free"}', {"plan": "free"}),
        ('{"size":1}', {"plan": "pro", "size": 1}),
        ('{"plan":null}', {}),
        ('{"plan":{"name":"pro","until":null}}', {"plan": {"name": "pro"}}),
    ],
)
def test_metadata_are_merged_as_a_patch(
    users: duckdb.DuckDBPyConnection, patch: str, merged: dict[str, object]
) -> None:
    row = {"email": ADA, "app_metadata": patch}
    assert planned(users, Mode.UPSERT, row, policy=MERGE) == (["update"], [])
    assert json.loads(str(updated(users, "app_metadata"))) == merged


@pytest.mark.parametrize(
    "patch", ["{}", '{"plan":"pro"}', '{"other":null}', '{"deep":{"b":2}}', '{"deep":{"b":2,"a":1}}']
)
def test_metadata_without_new_content_change_nothing(users: duckdb.DuckDBPyConnection, patch: str) -> None:
    stored = '{"plan":"pro","deep":{"a":1,"b":2},"list":[1,{"z":null}]}'
    users.execute("update users set app_metadata = $stored", {"stored": stored})
    assert planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": patch}, policy=MERGE) == (["unchanged"], [])
    assert updated(users, "app_metadata") == stored


def test_metadata_of_the_same_length_but_another_value_are_an_update(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("""update users set app_metadata = '{"a":1,"b":2}'""")
    row = {"email": ADA, "app_metadata": '{"a":2,"b":1}'}
    assert planned(users, Mode.UPSERT, row, policy=MERGE)[0] == ["update"]


def test_metadata_are_replaced_by_default(users: duckdb.DuckDBPyConnection) -> None:
    planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": '{"size":1}'})
    assert updated(users, "app_metadata") == '{"size":1}'


def test_a_patch_that_only_removes_leaves_a_user_without_metadata_alone(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "user_metadata": '{"plan":null}'}
    assert planned(users, Mode.UPSERT, row, policy=MERGE)[0] == ["unchanged"]
    assert updated(users, "user_metadata") is None


def test_only_empty_values_are_filled(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "name": "Other", "nickname": "N", "email_verified": False, "app_metadata": '{"size":1}'}
    assert planned(users, Mode.UPSERT, row, policy=FILL) == (["update"], [])
    filled = [updated(users, column) for column in ("name", "nickname", "email_verified", "app_metadata")]
    assert filled == ["ada", "N", True, '{"plan":"pro"}']


def test_a_user_with_nothing_to_fill_is_unchanged(users: duckdb.DuckDBPyConnection) -> None:
    assert planned(users, Mode.UPSERT, {"email": ADA, "name": "Other"}, policy=FILL) == (["unchanged"], [])


def test_empty_metadata_are_filled(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set app_metadata = '{}'")
    planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": '{"size":1}'}, policy=FILL)
    assert updated(users, "app_metadata") == '{"size":1}'


def test_a_hash_is_filled_only_for_a_user_without_a_hash_of_either_kind(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "password_hash": "new"}
    assert planned(users, Mode.UPSERT, row, policy=FILL)[0] == ["update"]
    users.execute("""update users set custom_password_hash = '{"algorithm":"md5"}'""")
    assert planned(users, Mode.UPSERT, row, policy=FILL)[0] == ["unchanged"]
    assert updated(users, "password_hash") is None


def test_a_key_that_may_not_match_does_not(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "user_id": "u-b", "name": "Bob"}
    assert planned(users, Mode.UPSERT, row) == (["refused"], [(1, "CONFLICT", "")])
    by_id = MergePolicy(match_on=("user_id",))
    assert planned(users, Mode.UPSERT, row, policy=by_id) == (["update"], [(1, "NOT_CHANGED", "email")])
    assert updated(users, "user_id") == "u-b"


def test_a_new_user_never_takes_a_key_that_may_not_match(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "username": "bob", "user_id": "u-new"}
    by_id = MergePolicy(match_on=("user_id",))
    expected = [(1, "CONFLICT_EMAIL", "email"), (1, "CONFLICT_USERNAME", "username")]
    assert planned(users, Mode.UPSERT, row, policy=by_id) == (["refused"], expected)
    assert planned(users, Mode.UPDATE, row, policy=by_id) == (["refused"], [(1, "NOT_FOUND", "")])


def test_an_ambiguous_row_names_both_users_in_the_order_of_the_keys(users: duckdb.DuckDBPyConnection) -> None:
    policy = MergePolicy(match_on=("username", "email"))
    row = {"email": ADA, "username": "bob"}
    assert planned(users, Mode.UPSERT, row, policy=policy)[0] == ["refused"]
    assert users.execute("select message from refusals").fetchall() == [
        ("matches different existing users: username is held by u-b, email is held by u-a",)
    ]


def test_the_plan_names_the_keys_that_matched_in_their_order(users: duckdb.DuckDBPyConnection) -> None:
    policy = MergePolicy(match_on=("user_id", "email"))
    planned(users, Mode.UPSERT, {"email": ADA, "user_id": "u-a", "username": "ada"}, policy=policy)
    assert users.execute("select user_id, matched_by from plan").fetchall() == [("u-a", "user_id, email")]


def test_insert_refuses_a_match_by_any_key(users: duckdb.DuckDBPyConnection) -> None:
    policy = MergePolicy(match_on=("user_id",))
    assert planned(users, Mode.INSERT, {"email": ADA}, policy=policy) == (["refused"], [(1, "CONFLICT_EMAIL", "email")])
