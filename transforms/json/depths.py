"""Measure how deeply the JSON in cells is nested, before it is parsed; the readers measure records."""

import re
from collections.abc import Sequence

import polars as pl

from schemas.frames import Layout
from schemas.rules.objects import DEEPEST
from transforms.json.key_shapes import PIECES
from transforms.json.values import decode_string

DEPTHS = pl.Schema({"record": pl.Int64(), "line": pl.Int64(), "path": pl.String(), "depth": pl.Int64()})


def measure_cell_depths(cells: pl.DataFrame, names: Sequence[str], *, layout: Layout) -> pl.DataFrame:
    """Return the columns of DEPTHS for each cell of the named columns with more brackets than allowed levels."""
    if not (layout.textual or layout.null_is_absent):
        return DEPTHS.to_frame()
    return pl.concat([_measure_column(cells, name) for name in names])


def _measure_column(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    suspect = cells.filter(pl.col(name).str.starts_with('"') & (pl.col(name).str.count_matches(r"[\[{]") > DEEPEST))
    texts = suspect.select("record", "line", path=pl.lit(name), text=decode_string(pl.col(name)))
    unique = texts.select("text").unique()
    depths = unique.with_columns(depth=pl.Series([_measure(text) for text in unique["text"]], dtype=pl.Int64))
    return texts.join(depths, on="text").select(DEPTHS.names()).cast(DEPTHS)


def _measure(text: str) -> int:
    """Return the largest number of objects and arrays that are open at once."""
    depth = deepest = 0
    for piece in re.finditer(PIECES, text):
        depth += (piece[0] in "{[") - (piece[0] in "}]")
        deepest = max(deepest, depth)
    return deepest


def remove_deep_cells(cells: pl.DataFrame, depths: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the frame with null in the cells that are nested too deeply to be parsed."""
    deep = depths.filter(pl.col("depth") > DEEPEST)
    if deep.is_empty():
        return cells
    kept = {name: ~pl.col("record").is_in(deep.filter(pl.col("path") == name)["record"].implode()) for name in names}
    return cells.with_columns(pl.when(keep).then(pl.col(name)).alias(name) for name, keep in kept.items())
