"""Where the records of a JSON array begin and end: fast, for arrays of objects, by a guess that is then proved.

Between two objects there is always `}`, a comma and `{`, with or without white space; inside a record there may be,
too. Splitting at all of them and joining again what lies inside a record gives pieces; when all of these are JSON
objects, the grammar leaves no other way to read the text. What cannot be proved so is left to `json_scanner`.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import polars as pl

from flows.readers.cutting import cut
from flows.readers.judge import invalid_json
from flows.readers.line_blocks import line_ends

_BOUNDARY = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_SAMPLE = 1 << 16
_SCHEMA = pl.Schema({"start": pl.Int64, "lines_before": pl.Int64, "text": pl.String})


@dataclass(frozen=True)
class Split:
    """The records found: where each starts, how many lines end before it, its text (JSON by the engine's reading)."""

    records: pl.DataFrame
    used: int  # where the next element begins


@dataclass(frozen=True)
class _Fragments:
    """What lies between boundaries, in order: record (a number), start, lines_before, text."""

    frame: pl.DataFrame
    end: int  # where the first fragment begins that is not among them


NOTHING = Split(pl.DataFrame(schema=_SCHEMA), 0)


def split(data: bytes, *, engine: duckdb.DuckDBPyConnection) -> Split:
    """The records of an array from the first one's first byte on: those known to be whole, never the last."""
    sample = _BOUNDARY.findall(data, 0, _SAMPLE)
    if not sample or not data.startswith(b"{"):
        return NOTHING
    try:
        found = _proved(_fragments_at(min(sample, key=len), data), data=data, engine=engine)
        return found if found.used else _proved(_fragments(data), data=data, engine=engine)
    except pl.exceptions.ComputeError:
        return NOTHING  # some text is not UTF-8: the exact way says which


def _fragments_at(boundary: bytes, data: bytes) -> _Fragments:
    """What lies between equal boundaries: the common case, and a fast one."""
    pieces = cut(data, boundary, start=1).cast(pl.String).head(-1)
    ends = (pieces.str.len_bytes().cast(pl.Int64) + len(boundary)).cum_sum()
    fragments = pl.DataFrame({"start": ends.shift(1, fill_value=0), "region": pieces}).with_columns(
        pl.concat_str(pl.lit("{"), "region", pl.lit("}")).alias("text")
    )
    return _Fragments(_with_lines(fragments, data, between=line_ends(boundary)), end=ends[-1])


def _fragments(data: bytes) -> _Fragments:
    """What lies between boundaries of any white space."""
    starts = [0, *(boundary.end() - 1 for boundary in _BOUNDARY.finditer(data))]
    regions = [data[start:end] for start, end in pairwise(starts)]
    fragments = pl.DataFrame({"start": starts[:-1], "region": regions}, schema_overrides={"region": pl.Binary})
    fragments = fragments.with_columns(pl.col("region").cast(pl.String)).with_columns(
        pl.col("region").str.strip_chars_end(", \t\r\n").alias("text")
    )
    return _Fragments(_with_lines(fragments, data, between=0), end=starts[-1])


def _with_lines(fragments: pl.DataFrame, data: bytes, *, between: int) -> pl.DataFrame:
    """The fragments with the number of line ends before each; `between` are those of a boundary not in the region."""
    ends = _count("\n") + between
    if b"\r" in data:
        ends = ends + _count("\r") - _count("\r\n")
    elif b"\n" not in data:
        ends = pl.lit(0)
    return fragments.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record"),
        "start",
        "text",
        ends.cum_sum().shift(1, fill_value=0).cast(pl.Int64).alias("lines_before"),
    )


def _count(text: str) -> pl.Expr:
    return pl.col("region").str.count_matches(text, literal=True).cast(pl.Int64)


def _proved(fragments: _Fragments, *, data: bytes, engine: duckdb.DuckDBPyConnection) -> Split:
    """The fragments joined to records, as far as these are JSON."""
    broken = invalid_json(fragments.frame, engine)
    if broken.is_empty():
        return Split(fragments.frame.select(_SCHEMA.names()), fragments.end)
    records = _joined(_with_states(fragments.frame, broken), data=data, end=fragments.end)
    return _whole(records, end=fragments.end, engine=engine)


def _with_states(fragments: pl.DataFrame, broken: pl.Series) -> pl.DataFrame:
    """The fragments with how deep, and whether inside a string, each begins and ends; JSON leaves both as they were."""
    bare = pl.col("text").str.replace_all(r"\\.", "").alias("bare")
    states = (
        fragments.filter(pl.col("record").is_in(broken.implode()))
        .select("record", bare)
        .with_columns((pl.col("bare").str.count_matches('"', literal=True).cum_sum() % 2 == 1).alias("ends_inside"))
        .with_columns(pl.col("ends_inside").shift(1, fill_value=False).alias("inside"))
        .select("record", "ends_inside", _levels_opened().cum_sum().alias("ends_level"))
    )
    return (
        fragments.join(states.with_columns(pl.lit(value=True).alias("broken")), on="record", how="left")
        .sort("record")
        .with_columns(
            pl.col("broken").fill_null(value=False),
            pl.col("ends_inside").forward_fill().fill_null(value=False),
            pl.col("ends_level").forward_fill().fill_null(0),
        )
        .with_columns(
            pl.col("ends_inside").shift(1, fill_value=False).alias("inside"),
            pl.col("ends_level").shift(1, fill_value=0).alias("level"),
        )
    )


def _levels_opened() -> pl.Expr:
    """Brackets opened less brackets closed outside strings."""
    outside = (
        pl.when("inside").then(pl.col("bare").str.replace(r'^[^"]*("|$)', "")).otherwise("bare")
    ).str.replace_all(r'"[^"]*("|$)', "")
    return outside.str.count_matches(r"[\[{]").cast(pl.Int64) - outside.str.count_matches(r"[\]}]").cast(pl.Int64)


def _joined(fragments: pl.DataFrame, *, data: bytes, end: int) -> pl.DataFrame:
    """The records: a fragment that begins outside everything, and those after it that do not."""
    first = pl.col("level").eq(0) & ~pl.col("inside")
    over = pl.col("ends_level").last().eq(0) & ~pl.col("ends_inside").last()
    is_over: bool = fragments.select(over).item()
    records = fragments.with_columns(pl.len().over(first.cum_sum()).alias("fragments")).filter(first)
    records = records.with_columns(
        pl.col("start").shift(-1, fill_value=end).alias("end"),
        (pl.col("broken") | (pl.col("fragments") > 1)).alias("unproved"),
        (pl.int_range(pl.len()) < pl.len() - (0 if is_over else 1)).alias("over"),
    )
    parts = records.filter(pl.col("fragments") > 1)
    texts = [data[start:end].decode().rstrip(", \t\r\n") for start, end in parts.select("start", "end").rows()]
    joined = parts.select("record", pl.Series("joined", texts, dtype=pl.String))
    return records.join(joined, on="record", how="left", maintain_order="left").with_columns(
        pl.coalesce("joined", "text").alias("text")
    )


def _whole(records: pl.DataFrame, *, end: int, engine: duckdb.DuckDBPyConnection) -> Split:
    """The records before the first that is no JSON or not over."""
    broken = invalid_json(records.filter("unproved"), engine)
    bad = records.select((pl.col("record").is_in(broken.implode()) | ~pl.col("over")).arg_true()).to_series()
    if bad.is_empty():
        return Split(records.select(_SCHEMA.names()), end)
    return Split(records.head(bad[0]).select(_SCHEMA.names()), records["start"][bad[0]])
