"""Compare what a tool accepted and refused with our results: record by record and user by user."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from tests.benchmarks.tools import Layout

_CODES = """
select record, string_agg(distinct code, ' and ' order by code) as code
from import_errors where severity = 'error' group by record
"""
_RECORDS = """
select row_number() over () as record, user_id
from read_json($file, format = 'newline_delimited', columns = {user_id: 'varchar'})
"""


@dataclass(frozen=True)
class Result:
    """What a run stored: the numbers of refused records (None: not stored), and each user with a digest of values."""

    refused: pl.DataFrame | None
    users: pl.DataFrame


def read_result(database: Path, layout: Layout) -> Result | None:
    """Return what the database contains; None for a tool whose results are not compared."""
    if not layout.users:
        return None
    with duckdb.connect(str(database), read_only=True) as connection:
        refused = connection.sql(layout.refused).pl() if layout.refused else None
        return Result(refused, connection.sql(layout.users).pl())


def read_codes(database: Path, file: Path) -> pl.DataFrame:
    """Return our error code of each refused record: record, code, user_id."""
    with duckdb.connect(str(database), read_only=True) as connection:
        refused: pl.DataFrame = connection.sql(_CODES).pl()
        records: pl.DataFrame = connection.sql(_RECORDS, params={"file": str(file)}).pl()
    return refused.join(records, on="record")


def describe_differences(tool: Result, ours: Result, codes: pl.DataFrame) -> str:
    """Return how the result differs from ours, by our error codes; empty if it does not."""
    parts = _compare_records(tool.refused, ours.refused, codes) + _compare_users(tool.users, ours.users, codes)
    return "; ".join(parts)


def read_lock_seconds(database: Path) -> float | None:
    """Return how long our last job held the write lock."""
    with duckdb.connect(str(database), read_only=True) as connection:
        ((seconds,),) = connection.sql(
            "select lock_seconds from import_jobs order by created_at desc limit 1"
        ).fetchall()
        return None if seconds is None else float(seconds)


def _compare_records(refused: pl.DataFrame | None, ours: pl.DataFrame | None, codes: pl.DataFrame) -> list[str]:
    if refused is None or ours is None:
        return []
    numbers, our_numbers = (frame.select(pl.col("record").cast(pl.Int64)) for frame in (refused, ours))
    accepted = codes.join(numbers, on="record", how="anti")
    rejected = numbers.join(our_numbers, on="record", how="anti")
    parts = (
        [f"accepts {accepted.height:,} records that we refuse ({_count_codes(accepted)})"] if accepted.height else []
    )
    return parts + ([f"refuses {rejected.height:,} records that we accept"] if rejected.height else [])


def _compare_users(users: pl.DataFrame, ours: pl.DataFrame, codes: pl.DataFrame) -> list[str]:
    theirs_only = users.join(ours, on=["user_id", "digest"], how="anti")
    ours_only = ours.join(users, on=["user_id", "digest"], how="anti")
    other = ours_only.join(theirs_only, on="user_id", how="semi").height
    more, fewer = users.height - ours.height, ours_only.height - other
    accepted = codes.join(theirs_only, on="user_id", how="semi")
    parts = [f"{more:+,} users ({_count_codes(accepted) or 'none that we refuse'})"] if more else []
    parts += [f"{fewer:,} of our users missing"] if fewer else []
    return parts + ([f"{other:,} users with other values"] if other else [])


def _count_codes(refused: pl.DataFrame) -> str:
    counts = refused["code"].value_counts(sort=True)
    return ", ".join(f"{code} {count:,}" for code, count in counts.rows())
