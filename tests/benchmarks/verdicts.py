"""Compares what a tool accepted and refused with what we did: record by record and user by user."""

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
    """What a run left: the refused records' numbers (null: it keeps none) and each user with a digest of the values."""

    refused: pl.DataFrame | None
    users: pl.DataFrame


def result(database: Path, layout: Layout) -> Result | None:
    """What the database says; none where nothing is checked."""
    if not layout.users:
        return None
    with duckdb.connect(str(database), read_only=True) as connection:
        refused = connection.sql(layout.refused).pl() if layout.refused else None
        return Result(refused, connection.sql(layout.users).pl())


def codes(database: Path, file: Path) -> pl.DataFrame:
    """What is wrong with each refused record, as we say it: record, code, user_id."""
    with duckdb.connect(str(database), read_only=True) as connection:
        refused: pl.DataFrame = connection.sql(_CODES).pl()
        records: pl.DataFrame = connection.sql(_RECORDS, params={"file": str(file)}).pl()
    return refused.join(records, on="record")


def difference(tool: Result, ours: Result, known: pl.DataFrame) -> str:
    """How the result differs from ours; empty when it does not."""
    parts = _records(tool.refused, ours.refused, known) + _users(tool.users, ours.users, known)
    return "; ".join(parts)


def lock_seconds(database: Path) -> float | None:
    """How long our last job held the write lock."""
    with duckdb.connect(str(database), read_only=True) as connection:
        ((seconds,),) = connection.sql(
            "select lock_seconds from import_jobs order by created_at desc limit 1"
        ).fetchall()
        return None if seconds is None else float(seconds)


def _records(refused: pl.DataFrame | None, ours: pl.DataFrame | None, known: pl.DataFrame) -> list[str]:
    if refused is None or ours is None:
        return []
    numbers, our_numbers = (frame.select(pl.col("record").cast(pl.Int64)) for frame in (refused, ours))
    let_in = known.join(numbers, on="record", how="anti")
    kept_out = numbers.join(our_numbers, on="record", how="anti")
    said = [f"accepts {let_in.height:,} records that we refuse ({_by_code(let_in)})"] if let_in.height else []
    return said + ([f"refuses {kept_out.height:,} records that we accept"] if kept_out.height else [])


def _users(users: pl.DataFrame, ours: pl.DataFrame, known: pl.DataFrame) -> list[str]:
    theirs_only = users.join(ours, on=["user_id", "digest"], how="anti")
    ours_only = ours.join(users, on=["user_id", "digest"], how="anti")
    other = ours_only.join(theirs_only, on="user_id", how="semi").height
    more, fewer = users.height - ours.height, ours_only.height - other
    why = known.join(theirs_only, on="user_id", how="semi")
    said = [f"{users.height - ours.height:+,} users ({_by_code(why) or 'none that we refuse'})"] if more else []
    said += [f"{fewer:,} of our users missing"] if fewer else []
    return said + ([f"{other:,} users with other values"] if other else [])


def _by_code(refused: pl.DataFrame) -> str:
    counts = refused["code"].value_counts(sort=True)
    return ", ".join(f"{code} {count:,}" for code, count in counts.rows())
