"""Cells to the JSON text of each row: an object of its filled cells, every value a string."""

import json
from collections.abc import Iterable

import polars as pl

from flows.readers.csv_header import Header

_MUST_ESCAPE = r'["\\\x00-\x1f]'
_ESCAPES = {sign: json.dumps(sign)[1:-1] for sign in ['"', "\\", *map(chr, range(0x20))]}
_GUARD = r"^'('*[=+\-@\t\r])"  # what a file of refused rows has before cells that a spreadsheet would run


def texts_of(cells: list[str], header: Header) -> pl.Series:
    """The JSON text of each row; `cells` has the rows one after the other, each as long as the header."""
    table = _table(pl.Series("cells", cells, dtype=pl.String), header)
    if header.resubmitted:
        table = table.with_columns(pl.all().str.replace(_GUARD, "$1"))
    must_escape = table.select(pl.all().str.contains(_MUST_ESCAPE).any()).row(0)
    members = (
        _member(position, name, escape=escape)
        for (position, name), escape in zip(header.used, must_escape, strict=True)
    )
    return table.select(_object(members).alias("text")).to_series()


def _table(cells: pl.Series, header: Header) -> pl.DataFrame:
    """The used columns, by their positions: their names are the file's and could be taken for patterns."""
    width = len(header.columns)
    return pl.DataFrame({str(position): cells.gather_every(width, offset=position) for position, _ in header.used})


def _member(position: int, name: str, *, escape: bool) -> pl.Expr:
    """The key and value of each row; null where the cell is empty."""
    cell = pl.col(str(position))
    value = cell.str.replace_many(_ESCAPES) if escape else cell
    key = json.dumps(name, ensure_ascii=False)
    return pl.when(cell != "").then(pl.concat_str(pl.lit(f'{key}:"'), value, pl.lit('"')))


def _object(members: Iterable[pl.Expr]) -> pl.Expr:
    return pl.concat_str(pl.lit("{"), pl.concat_str(list(members), separator=",", ignore_nulls=True), pl.lit("}"))
