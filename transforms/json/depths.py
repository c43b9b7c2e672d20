"""Measures the nesting of JSON in cells before anything opens it; that of records was measured when they were read."""

import re

import polars as pl

from schemas.frames import Layout
from schemas.rules.object_depths import DEEPEST
from transforms.json.key_shapes import PIECES
from transforms.json.values import text_of

DEPTHS = pl.Schema({"record": pl.Int64(), "line": pl.Int64(), "path": pl.String(), "depth": pl.Int64()})


def cell_depths(found: pl.DataFrame, names: tuple[str, ...], *, layout: Layout) -> pl.DataFrame:
    """Per cell of the columns that has more brackets than it may have levels, the levels it has: columns of DEPTHS."""
    if not (layout.textual or layout.null_is_absent):
        return DEPTHS.to_frame()
    return pl.concat([_depths(found, name) for name in names])


def _depths(found: pl.DataFrame, name: str) -> pl.DataFrame:
    cells = found.filter(pl.col(name).str.starts_with('"') & (pl.col(name).str.count_matches(r"[\[{]") > DEEPEST))
    texts = cells.select("record", "line", path=pl.lit(name), text=text_of(pl.col(name)))
    unique = texts.select("text").unique()
    depths = unique.with_columns(depth=pl.Series([_depth(text) for text in unique["text"]], dtype=pl.Int64))
    return texts.join(depths, on="text").select(DEPTHS.names()).cast(DEPTHS)


def _depth(text: str) -> int:
    """The most levels of objects and arrays that are open at once."""
    depth = deepest = 0
    for piece in re.finditer(PIECES, text):
        depth += (piece[0] in "{[") - (piece[0] in "}]")
        deepest = max(deepest, depth)
    return deepest


def without_deep_cells(found: pl.DataFrame, depths: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """The frame without the cells that are nested too deeply to be opened; the depths still tell of them."""
    deep = depths.filter(pl.col("depth") > DEEPEST)
    if deep.is_empty():
        return found
    kept = {name: ~pl.col("record").is_in(deep.filter(pl.col("path") == name)["record"].implode()) for name in names}
    return found.with_columns(pl.when(keep).then(pl.col(name)).alias(name) for name, keep in kept.items())
