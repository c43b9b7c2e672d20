"""Bytes cut at a separator into a column, without a Python object per piece."""

from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc


def cut(data: bytes, separator: bytes, *, start: int = 0) -> pl.Series:
    """The pieces of the bytes from `start` on, as a Binary column; one piece when there is no separator."""
    content = pa.py_buffer(data).slice(start)
    bounds = pa.array([0, len(data) - start], pa.int64()).buffers()[1]
    whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, bounds, content])
    pieces = pc.split_pattern(whole, pattern=separator.decode()).flatten()
    return cast("pl.Series", pl.from_arrow(pieces))
