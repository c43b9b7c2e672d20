"""Test that a plan is the same whether its keys are compared at once or in partitions."""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.job import KEYS, MergePolicy, Mode
from tests.transforms.planning import DEFAULT, Row, planned
from transforms.plan import KEY_BYTES, count_outcomes, count_partitions, plan_queries
from transforms.statements import run

TABLES = ("matches", "targets", "cleared_fields", "duplicates", "refusals", "updates", "differences", "plan")
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "email": st.sampled_from([f"{letter}@x.example" for letter in "abcdef"]),
            "username": st.sampled_from(["ada", "bob", "cy", "di", "ed"]),
            "user_id": st.sampled_from(["u-a", "u-b", "u-c", "u-d"]),
            "name": st.sampled_from(["ada", "Ada"]),
            "cleared": st.sampled_from(["name", "email", "username"]),
        },
    ),
    min_size=2,
    max_size=25,
)


def plan_in(
    users: duckdb.DuckDBPyConnection,
    mode: Mode,
    rows: Sequence[Row],
    *,
    partitions: int,
    policy: MergePolicy = DEFAULT,
) -> tuple[object, ...]:
    """Return all that the plan consists of: its tables, the errors with their messages, in order, and the counts."""
    summary = planned(users, mode, *rows, policy=policy, partitions=partitions)
    tables = [users.execute(f"from {name} order by all").fetchall() for name in TABLES]
    return summary, tables, run(users, "planned_errors"), count_outcomes(users)


@settings(
    max_examples=int(os.environ.get("PARTITIONS_EXAMPLES", "20")),
    deadline=None,
    derandomize="PARTITIONS_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=ROWS,
    mode=st.sampled_from([Mode.INSERT, Mode.UPSERT, Mode.UPDATE]),
    policy=st.builds(MergePolicy, match_on=st.sampled_from([KEYS, ("user_id",), ("username", "email")])),
    partitions=st.sampled_from([2, 4, 7]),
)
@example(  # each user by two keys
    rows=[{"email": "a@x.example"}, {"username": "ada"}, {"email": "b@x.example"}, {"user_id": "u-b"}],
    mode=Mode.UPSERT,
    policy=DEFAULT,
    partitions=7,
)
def test_partitions_change_nothing(
    users: duckdb.DuckDBPyConnection, rows: list[dict[str, str]], mode: Mode, policy: MergePolicy, partitions: int
) -> None:
    whole = plan_in(users, mode, rows, partitions=1, policy=policy)
    assert plan_in(users, mode, rows, partitions=partitions, policy=policy) == whole


def test_many_rows_are_in_several_partitions(users: duckdb.DuckDBPyConnection) -> None:
    rows = [{"email": f"{number % 700}@x.example", "username": f"name{number % 500}"} for number in range(1500)]
    whole = plan_in(users, Mode.UPSERT, rows, partitions=1)
    assert plan_in(users, Mode.UPSERT, rows, partitions=7) == whole
    outcomes, errors = planned(users, Mode.UPSERT, *rows, partitions=7)
    assert outcomes.count("insert") == 500  # the first of each username; none of them has an address that was before it
    assert len({record for record, _, _ in errors}) == 1000


@pytest.mark.parametrize(
    ("rows", "memory", "expected"),
    [(0, 1e9, 1), (1e9 / KEY_BYTES, 1e9, 1), (1e9 / KEY_BYTES + 1, 1e9, 2), (10_000_000, 1e8, 4)],
)
def test_the_keys_of_a_partition_fit_in_memory(rows: float, memory: float, expected: int) -> None:
    assert count_partitions(int(rows), memory_bytes=memory) == expected


@pytest.mark.slow
@pytest.mark.parametrize("millions", [1, 4])
def test_the_keys_of_millions_of_rows_need_little_memory(tmp_path: Path, millions: int) -> None:
    """By one statement for all keys a million rows of which all repeat another one needed more than this."""
    count = millions * 1_000_000
    path = tmp_path / "staged.parquet"
    with duckdb.connect(str(tmp_path / "plan.duckdb")) as connection:
        connection.sql(
            """
            select i as record, format('user{}@example.com', i // 2) as email_key,
                format('name{}', i // 4) as username_key, format('auth0|{:016d}', i // 2) as user_id
            from range($count) as numbers(i)
            """,
            params={"count": count},
        ).write_parquet(str(path))
        connection.execute("set memory_limit = '64MB'; set threads = 1")
        connection.read_parquet(str(path)).create_view("staged")
        connection.execute("create temp table targets (record bigint, user_id varchar, matches_one_user boolean)")
        partitions = count_partitions(count, memory_bytes=64e6)
        queries = plan_queries(
            mode=Mode.INSERT, policy=MergePolicy(), connection_id="default", plan_id="job", partitions=partitions
        )
        next(query for query in queries if query.name == "shared_keys").store(connection)
        found = connection.execute("select key, count(*) from shared_keys group by key order by key").fetchall()
    assert found == [("email", count), ("user_id", count), ("username", count)]
    assert (partitions > 1) == (millions > 1)
