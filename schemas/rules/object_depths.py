"""The rule of how deeply the JSON in a cell can be nested; readers check records that are JSON themselves.

The frame has one row per suspect cell: `path` of its field, and `depth`, its levels of objects and arrays.
"""

# ruff: noqa: N805 (Pandera turns checks into class methods)

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode

DEEPEST = 100


class ObjectDepth(pa.DataFrameModel):
    """An object or array in a cell."""

    path: str
    depth: int

    @pa.check(
        "path", error=ErrorCode.TOO_DEEP, description=f"is nested {{depth}} levels deep; at most {DEEPEST} are allowed"
    )
    def cell_is_not_too_deep(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("depth") <= DEEPEST)
