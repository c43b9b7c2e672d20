"""Every staged row gets one outcome: rows that repeat, conflict, match, change or do not."""

from collections.abc import Iterator, Mapping

import duckdb
import polars as pl
import pytest

from flows.store import Store
from schemas.job import MergePolicy, Mode
from schemas.user import STAGED
from transforms.plan import plan

Row = Mapping[str, object]
DEFAULT = MergePolicy()


@pytest.fixture
def users(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with two users: ada (a@x.example, ada, u-a) and bob (b@x.example, bob, u-b)."""
    with store.transaction() as connection:
        for letter, name in (("a", "ada"), ("b", "bob")):
            connection.execute(
                """
                insert into users by name
                select
                    'default' as connection, $id as user_id, $email as email, $email as email_key, $name as username,
                    $name as username_key, true as email_verified, false as phone_verified, $name as name,
                    '{"plan":"pro"}' as app_metadata, now() as created_at, now() as updated_at,
                    'earlier' as created_by_job, 'earlier' as updated_by_job
                """,
                {"id": f"u-{letter}", "email": f"{letter}@x.example", "name": name},
            )
        yield connection


def staged(*rows: Row) -> pl.DataFrame:
    """Staged rows with record numbers from 1 and keys as written."""
    keys = [
        {"record": number, "line": number, "email_key": row.get("email"), "username_key": row.get("username"), **row}
        for number, row in enumerate(rows, 1)
    ]
    complete = [{name: row.get(name) for name in STAGED} | {"password_reset_required": False} for row in keys]
    return pl.DataFrame(complete, schema=STAGED)


def planned(
    connection: duckdb.DuckDBPyConnection, mode: Mode, *rows: Row, policy: MergePolicy = DEFAULT
) -> tuple[list[str], list[tuple[int, str, str]]]:
    """The outcome of each row, and (record, code, path) of every error and warning."""
    frame = staged(*rows)
    connection.register("staged", frame.to_arrow())
    plan(connection, mode=mode, policy=policy, connection_id="default", step=lambda _: None)
    outcomes = [outcome for (outcome,) in connection.execute("select outcome from plan order by record").fetchall()]
    found = "select record, code, path from (from refusals union all by name from differences) order by all"
    return outcomes, connection.execute(found).fetchall()


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


def test_second_row_that_reaches_the_same_user_is_refused(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "a@x.example", "name": "Ada"}, {"email": "z@x.example", "username": "ada"})
    assert planned(users, Mode.UPSERT, *rows) == (["update", "refused"], [(2, "DUPLICATED_USER", "")])


def test_update_without_a_match_is_refused(users: duckdb.DuckDBPyConnection) -> None:
    rows = ({"email": "c@x.example"}, {"email": "b@x.example", "blocked": True})
    assert planned(users, Mode.UPDATE, *rows) == (["refused", "update"], [(1, "NOT_FOUND", "")])


def test_users_of_another_connection_do_not_match(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set connection = 'other'")
    assert planned(users, Mode.INSERT, {"email": "a@x.example"}) == (["insert"], [])


def test_a_new_hash_replaces_the_other_kind_of_hash(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set password_hash = 'old', password_reset_required = true where user_id = 'u-a'")
    row = {"email": "a@x.example", "custom_password_hash": '{"algorithm":"md5"}'}
    assert planned(users, Mode.UPSERT, row)[0] == ["update"]
    found = users.execute("select password_hash, custom_password_hash, password_reset_required from updates").fetchall()
    assert found == [(None, '{"algorithm":"md5"}', False)]
