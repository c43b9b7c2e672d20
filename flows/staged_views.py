"""Staged Parquet as temporary views of a connection, also of one that may only read."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from flows.store import escaped_glob


def view(connection: duckdb.DuckDBPyConnection, name: str, parts: Sequence[Path], *, empty: pl.Schema) -> None:
    """Leave a temporary view of the parts; of no rows where there are none."""
    connection.execute(f"drop view if exists temp.{name}")
    if not parts:
        connection.register(name, pl.DataFrame(schema=empty).to_arrow())
        return
    connection.execute(f"set variable {name}_parts = $parts", {"parts": [escaped_glob(part) for part in parts]})
    connection.execute(f"create temp view {name} as from read_parquet(getvariable('{name}_parts'))")
