"""Test that every staged row gets one outcome, be it a repeat, a conflict, an update, a new user or no change."""

import duckdb

from schemas.job import MergePolicy, Mode
from tests.transforms.planning import planned


def test_new_users_are_inserted(users: duckdb.DuckDBPyConnection) -> None:
    assert planned(users, Mode.INSERT, {"email": "c@x.example"}, {"email": "d@x.example"}) == (["insert", "insert"], [])


def test_second_row_with_the_same_email_is_refused(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "c@x.example"}, {"email": "c@x.example"})
    assert planned(users, Mode.INSERT, *rows) == (["insert", "refused"], [(2, "DUPLICATED_USER", "email")])


def test_a_row_that_repeats_two_keys_gets_two_errors(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "c@x.example", "username": "cy"}, {"email": "c@x.example", "username": "cy"})
    outcomes, errors = planned(users, Mode.INSERT, *rows)
    assert (outcomes, errors) == (
        ["insert", "refused"],
        [(2, "DUPLICATED_USER", "email"), (2, "DUPLICATED_USER", "username")],
    )


def test_insert_of_existing_keys_gives_one_conflict_per_key(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": "a@x.example", "username": "bob", "user_id": "u-a"}
    assert planned(users, Mode.INSERT, row) == (
        ["refused"],
        [(1, "CONFLICT", "user_id"), (1, "CONFLICT_EMAIL", "email"), (1, "CONFLICT_USERNAME", "username")],
    )


def test_upsert_updates_a_match_and_inserts_the_rest(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "a@x.example", "name": "Ada"}, {"email": "c@x.example"})
    assert planned(users, Mode.UPSERT, *rows) == (["update", "insert"], [])


def test_upsert_that_changes_nothing_is_unchanged(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": "a@x.example", "name": "ada", "app_metadata": '{"plan":"pro"}'}
    assert planned(users, Mode.UPSERT, row) == (["unchanged"], [])


def test_upsert_that_matches_two_users_is_refused(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": "a@x.example", "username": "bob"}
    assert planned(users, Mode.UPSERT, row) == (["refused"], [(1, "CONFLICT", "")])
    (message,) = users.execute("select message from refusals").fetchone() or ("",)
    assert "u-a" in message
    assert "u-b" in message


def test_upsert_of_a_differing_key_leaves_it_and_warns(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": "new@x.example", "user_id": "u-a", "name": "Ada"}
    assert planned(users, Mode.UPSERT, row) == (["update"], [(1, "NOT_CHANGED", "email")])


def test_second_row_that_matches_the_same_user_is_refused(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "a@x.example", "name": "Ada"}, {"email": "z@x.example", "username": "ada"})
    assert planned(users, Mode.UPSERT, *rows) == (["update", "refused"], [(2, "DUPLICATED_USER", "")])


def test_update_without_a_match_is_refused(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "c@x.example"}, {"email": "b@x.example", "blocked": True})
    assert planned(users, Mode.UPDATE, *rows) == (["refused", "update"], [(1, "NOT_FOUND", "")])


def test_users_of_another_connection_do_not_match(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set connection = 'other'")
    assert planned(users, Mode.INSERT, {"email": "a@x.example"}) == (["insert"], [])


def test_a_new_hash_replaces_the_other_kind_of_hash_if_hashes_are_replaced(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set password_hash = 'old', password_reset_required = true where user_id = 'u-a'")
    row = {"email": "a@x.example", "custom_password_hash": '{"algorithm":"md5"}'}
    policy = MergePolicy(policy={"custom_password_hash": "replace", "password_hash": "replace"})
    assert planned(users, Mode.UPSERT, row, policy=policy) == (["update"], [])
    found = users.execute("select password_hash, custom_password_hash, password_reset_required from updates").fetchall()
    assert found == [(None, '{"algorithm":"md5"}', False)]


def test_row_that_repeats_only_a_refused_row_is_accepted(users: duckdb.DuckDBPyConnection) -> None:
    rows = (
        {"email": "c@x.example", "user_id": "1"},
        {"email": "c@x.example", "user_id": "2"},
        {"email": "d@x.example", "user_id": "2"},
        {"email": "d@x.example", "user_id": "3"},
    )
    outcomes, errors = planned(users, Mode.INSERT, *rows)
    assert outcomes == ["insert", "refused", "insert", "refused"]
    assert errors == [(2, "DUPLICATED_USER", "email"), (4, "DUPLICATED_USER", "email")]


def test_row_that_repeats_a_row_in_conflict_is_accepted(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "a@x.example", "user_id": "1"}, {"email": "c@x.example", "user_id": "1"})
    assert planned(users, Mode.INSERT, *rows) == (["refused", "insert"], [(1, "CONFLICT_EMAIL", "email")])


def test_row_that_matches_the_user_of_a_refused_row_is_accepted(users: duckdb.DuckDBPyConnection) -> None:
    rows = (
        {"email": "c@x.example"},
        {"email": "c@x.example", "user_id": "u-a"},
        {"email": "a@x.example", "name": "Ada"},
        {"email": "z@x.example", "user_id": "u-a"},
    )
    outcomes, errors = planned(users, Mode.UPSERT, *rows)
    assert outcomes == ["insert", "refused", "update", "refused"]
    assert errors == [(2, "DUPLICATED_USER", "email"), (4, "DUPLICATED_USER", "")]


def test_row_without_a_match_repeats_nothing_in_an_update(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "c@x.example", "user_id": "9"}, {"email": "b@x.example", "user_id": "9"})
    assert planned(users, Mode.UPDATE, *rows) == (
        ["refused", "unchanged"],
        [(1, "NOT_FOUND", ""), (2, "NOT_CHANGED", "user_id")],
    )
