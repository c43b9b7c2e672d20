"""How deeply the JSON in a cell may be nested. Records that are JSON themselves were held to the same limit when read.

The frame has one row per cell that looked deep: `path` of its field, and `depth`, its levels of objects and arrays.
"""

# ruff: noqa: N805 (Pandera makes class methods of checks)

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.codes import ErrorCode

DEEPEST = 100


class ObjectDepth(pa.DataFrameModel):
    """An object or array in a cell."""

    path: str
    depth: int

    @pa.check(
        "path", error=ErrorCode.TOO_DEEP, description=f"is nested {{depth}} levels deep, at most {DEEPEST} are allowed"
    )
    def cell_is_not_too_deep(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("depth") <= DEEPEST)
