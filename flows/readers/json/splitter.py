"""Where the records of a JSON array begin and end: fast, for arrays of objects, by a guess that is then proved.

Between two objects there is always `}`, a comma and `{`, with or without white space; inside a record there may be,
too. Splitting at all of them and joining again what lies inside a record gives pieces; when all of these are JSON
objects, the grammar leaves no other way to read the text. What cannot be proved so is left to `json_scanner`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import duckdb
import polars as pl

from flows.readers.check_records import invalid_json
from flows.readers.lines import line_ends, split_bytes

_BOUNDARY = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_SAMPLE = 1 << 16
_SCHEMA = pl.Schema({"start": pl.Int64, "lines_before": pl.Int64, "text": pl.String})


@dataclass(frozen=True)
class Split:
    """The records found: where each starts, how many lines end before it, its text (JSON by the engine's reading)."""

    records: pl.DataFrame
    used: int  # where the next element begins
    lines: int = 0  # that end before it
    is_all: bool = False  # whether nothing was left over but a last record that is not over


NOTHING = Split(pl.DataFrame(schema=_SCHEMA), 0)


def split(data: bytes, *, engine: duckdb.DuckDBPyConnection) -> Split:
    """The records of an array from the first one's first byte on: those known to be whole, never the last."""
    sample = _BOUNDARY.findall(data, 0, _SAMPLE)
    if not sample or not data.startswith(b"{"):
        return NOTHING
    best = NOTHING
    try:
        for found in _guesses(data, boundary=min(sample, key=len), engine=engine):
            best = max(best, found, key=lambda split: split.used)
            if found.is_all:
                break
    except pl.exceptions.ComputeError:  # some text is not UTF-8: the exact way says which
        return NOTHING
    return best


def _guesses(data: bytes, *, boundary: bytes, engine: duckdb.DuckDBPyConnection) -> Iterator[Split]:
    """Splits from the quickest to the most careful."""
    for cut_up in (partial(_equally_bounded, boundary=boundary), _bounded):
        fragments = cut_up(data)
        broken = invalid_json(fragments, engine)
        for careful in (False, True):
            yield _proved(joined(fragments, broken, data=data, careful=careful), engine=engine)


def _equally_bounded(data: bytes, *, boundary: bytes) -> pl.DataFrame:
    """What lies between boundaries that are all the same: the usual case, and a fast one."""
    pieces = split_bytes(data, boundary, start=1).cast(pl.String).head(-1)
    ends = (pieces.str.len_bytes().cast(pl.Int64) + len(boundary)).cum_sum()
    fragments = pl.DataFrame({"end": ends, "region": pieces}).with_columns(
        pl.concat_str(pl.lit("{"), "region", pl.lit("}")).alias("text")
    )
    return _placed(fragments, data, between=line_ends(boundary))


def _bounded(data: bytes) -> pl.DataFrame:
    """What lies between boundaries with any white space."""
    starts = [0, *(boundary.end() - 1 for boundary in _BOUNDARY.finditer(data))]
    regions = pl.Series("region", [data[start:end] for start, end in pairwise(starts)], dtype=pl.Binary)
    fragments = pl.DataFrame({"end": starts[1:], "region": regions.cast(pl.String)}, schema_overrides={"end": pl.Int64})
    return _placed(fragments.with_columns(pl.col("region").str.strip_chars_end(", \t\r\n").alias("text")), data)


def _placed(fragments: pl.DataFrame, data: bytes, *, between: int = 0) -> pl.DataFrame:
    """The fragments, numbered, with where each begins and the next begins, and how many lines end before these.

    `between` are the line ends of a boundary that is not in the region.
    """
    ends = _count("\n") + between
    if b"\r" in data:
        ends = ends + _count("\r") - _count("\r\n")
    elif b"\n" not in data:
        ends = pl.lit(0, pl.Int64)
    return fragments.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record"),
        pl.col("end").shift(1, fill_value=0).alias("start"),
        "end",
        (ends.cum_sum() - ends).alias("lines_before"),
        ends.cum_sum().alias("lines"),
        "text",
    )


def _count(text: str) -> pl.Expr:
    return pl.col("region").str.count_matches(text, literal=True).cast(pl.Int64)


def _proved(records: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Split:
    """The records before the first that is no JSON or not over."""
    broken = invalid_json(records.filter("is_guess"), engine)
    wrong = pl.col("record").is_in(broken.implode()) | ~pl.col("is_over")
    bad = records.select(wrong.arg_true()).to_series()
    good = records.head(bad[0]) if len(bad) else records
    if good.is_empty():
        return NOTHING
    used, lines = good.select("end", "lines").row(-1)
    is_all = len(bad) == 0 or (bad[0] == records.height - 1 and not records["is_over"][-1])
    return Split(good.select(_SCHEMA.names()), used, lines, is_all)


def joined(fragments: pl.DataFrame, broken: pl.Series, *, data: bytes, careful: bool) -> pl.DataFrame:
    """The records, with `is_guess` for those not known to be JSON and `is_over` for those that do not go on.

    `fragments` has record (a number), start, end, lines_before, lines (at the end) and text; `broken` are the numbers
    of those that are no JSON. Brackets in strings are told from others only with `careful`.
    """
    if broken.is_empty():
        return fragments.with_columns(is_guess=pl.lit(value=False), is_over=pl.lit(value=True))
    is_broken = pl.col("record").is_in(broken.implode())
    states = fragments.filter(is_broken).select("record", "text")
    states = _carefully(states) if careful else _quickly(states)
    return _records(_with_states(fragments, states), data=data)


def _quickly(broken: pl.DataFrame) -> pl.DataFrame:
    """How deep each fragment ends, by all of its brackets."""
    opened = _count_in_text("{") + _count_in_text("[") - _count_in_text("}") - _count_in_text("]")
    return broken.select("record", opened.cum_sum().alias("level"), pl.lit(value=False).alias("inside"))


def _count_in_text(sign: str) -> pl.Expr:
    return pl.col("text").str.count_matches(sign, literal=True).cast(pl.Int64)


def _carefully(broken: pl.DataFrame) -> pl.DataFrame:
    """How deep, and whether inside a string, each fragment ends."""
    bare = pl.col("text").str.replace_all(r"\\.", "").alias("bare")
    quotes = pl.col("bare").str.count_matches('"', literal=True)
    return (
        broken.select("record", bare)
        .with_columns((quotes.cum_sum() % 2 == 1).alias("inside"))
        .with_columns(pl.col("inside").shift(1, fill_value=False).alias("begins_inside"))
        .select("record", _opened_outside_strings().cum_sum().alias("level"), "inside")
    )


def _opened_outside_strings() -> pl.Expr:
    bare = pl.col("bare")
    rest = pl.when("begins_inside").then(bare.str.replace(r'^[^"]*("|$)', "")).otherwise(bare)
    outside = rest.str.replace_all(r'"[^"]*("|$)', "")
    return outside.str.count_matches(r"[\[{]").cast(pl.Int64) - outside.str.count_matches(r"[\]}]").cast(pl.Int64)


def _with_states(fragments: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Every fragment with whether it begins and ends outside of everything; one that is JSON ends as it begins."""
    outside = (pl.col("level") == 0) & ~pl.col("inside")
    ends = states.select("record", outside.alias("ends_outside"), pl.lit(value=True).alias("is_broken"))
    return (
        fragments.join(ends, on="record", how="left", maintain_order="left")
        .with_columns(
            pl.col("ends_outside").forward_fill().fill_null(value=True), pl.col("is_broken").fill_null(value=False)
        )
        .with_columns(pl.col("ends_outside").shift(1, fill_value=True).alias("begins_outside"))
    )


def _records(fragments: pl.DataFrame, *, data: bytes) -> pl.DataFrame:
    """The fragments that begin outside, each with those after it that do not."""
    firsts = fragments.filter("begins_outside").select("record", "start", "lines_before", "text", "is_broken")
    lasts = fragments.filter(pl.col("begins_outside").shift(-1, fill_value=True)).select(
        "end", "lines", is_over="ends_outside", last="record"
    )
    records = pl.concat([firsts, lasts], how="horizontal")
    parts = records.filter(pl.col("last") > pl.col("record"))
    texts = [data[start:end].decode().rstrip(", \t\r\n") for start, end in parts.select("start", "end").rows()]
    whole = parts.select("record", pl.Series("whole", texts, dtype=pl.String))
    return records.join(whole, on="record", how="left", maintain_order="left").with_columns(
        pl.coalesce("whole", "text").alias("text"),
        (pl.col("is_broken") | pl.col("whole").is_not_null()).alias("is_guess"),
    )
