"""Cells to the JSON text of each row: an object of its filled cells, every value a string."""

import polars as pl

from flows.readers.columns import GUARD, Header
from flows.readers.json_texts import MUST_ESCAPE, json_object, member, string


def texts_of(cells: list[str], header: Header) -> pl.Series:
    """The JSON text of each row; `cells` has the rows one after the other, each as long as the header."""
    table = _table(pl.Series("cells", cells, dtype=pl.String), header)
    if header.resubmitted:
        table = table.with_columns(pl.all().str.replace(GUARD, "$1"))
    must_escape = table.select(pl.all().str.contains(MUST_ESCAPE).any()).row(0)
    members = (
        pl.when(pl.col(str(position)) != "").then(member(name, string(pl.col(str(position)), escape=escape)))
        for (position, name), escape in zip(header.used, must_escape, strict=True)
    )
    return table.select(json_object(members).alias("text")).to_series()


def _table(cells: pl.Series, header: Header) -> pl.DataFrame:
    """The used columns, by their positions: their names are the file's and could be taken for patterns."""
    width = len(header.columns)
    return pl.DataFrame({str(position): cells.gather_every(width, offset=position) for position, _ in header.used})
