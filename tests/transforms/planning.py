"""Plan a few rows, staged as the rules would stage them."""

from collections.abc import Mapping

import duckdb
import polars as pl

from schemas.job import MergePolicy, Mode
from schemas.rules.user import STAGED
from transforms.plan import create_macros, plan_queries

Row = Mapping[str, object]
DEFAULT = MergePolicy()


def staged(*rows: Row) -> pl.DataFrame:
    """Return staged rows with record numbers from 1 and keys as written."""
    keys = [
        {"record": number, "line": number, "email_key": row.get("email"), "username_key": row.get("username"), **row}
        for number, row in enumerate(rows, 1)
    ]
    complete = [{name: row.get(name) for name in STAGED} for row in keys]
    return pl.DataFrame(complete, schema=STAGED)


def planned(
    connection: duckdb.DuckDBPyConnection, mode: Mode, *rows: Row, policy: MergePolicy = DEFAULT, partitions: int = 1
) -> tuple[list[str], list[tuple[int, str, str]]]:
    """Plan the rows, and return the outcome of each and (record, code, path) of every error and warning."""
    frame = staged(*rows)
    connection.register("staged", frame.to_arrow())
    create_macros(connection)
    for query in plan_queries(mode=mode, policy=policy, connection_id="default", plan_id="job", partitions=partitions):
        query.store(connection)
    outcomes = [outcome for (outcome,) in connection.execute("select outcome from plan order by record").fetchall()]
    found = "select record, code, path from (from refusals union all by name from differences) order by all"
    return outcomes, connection.execute(found).fetchall()
