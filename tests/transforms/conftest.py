"""Provide a database with users to plan against."""

from collections.abc import Iterator

import duckdb
import pytest

from flows.store.database import Store


@pytest.fixture
def users(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database with two users: ada (a@x.example, ada, u-a) and bob (b@x.example, bob, u-b)."""
    with store.transaction() as connection:
        for letter, name in (("a", "ada"), ("b", "bob")):
            connection.execute(
                """
                insert into users by name
                select
                    'default' as connection, $id as user_id, $email as email, $name as username,
                    true as email_verified, false as phone_verified, $name as name,
                    '{"plan":"pro"}' as app_metadata, now() as created_at, now() as updated_at,
                    'earlier' as created_by_job, 'earlier' as updated_by_job
                """,
                {"id": f"u-{letter}", "email": f"{letter}@x.example", "name": name},
            )
        yield connection
