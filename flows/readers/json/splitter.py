"""Find where the records of a JSON array begin and end: fast, for arrays of objects.

Between two objects there are always `}`, a comma and `{`, with or without white space; the same may occur inside a
record. Split at all of these boundaries and join the fragments of each record: when the results are all JSON objects,
the grammar allows no other way to read the text. What cannot be proved so is left to `flows.readers.json.scanner`.

The proof is the check that every record needs anyway, so the rest is cheap: 120 to 180 MB/s with the check. An exact
scan in Python costs more than it saves: 7 MB/s token by token, 20 to 35 with one atomic pattern per record, 25 to 40
with `JSONDecoder.raw_decode`; a single `bytes.translate` that leaves the brackets takes as long as splitting does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import duckdb
import polars as pl

from flows.readers.lines import count_line_ends, split_bytes
from transforms.json.values import find_invalid_json

_BOUNDARY = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_SAMPLE_BYTES = 1 << 16
_SCHEMA = pl.Schema({"start": pl.Int64, "lines_before": pl.Int64, "text": pl.String})


@dataclass(frozen=True)
class Split:
    """The records found: the start of each, the line ends before it, and its text, which DuckDB accepts as JSON."""

    records: pl.DataFrame
    used: int  # where the next element begins
    lines: int = 0  # line ends before it
    is_all: bool = False  # nothing is left but the last record, which may be incomplete


NOTHING = Split(_SCHEMA.to_frame(), 0)


def split(data: bytes, *, engine: duckdb.DuckDBPyConnection) -> Split:
    """Find complete records of an array, from the first byte of a record on; never the last one."""
    boundaries = _BOUNDARY.findall(data, 0, _SAMPLE_BYTES)
    if not boundaries or not data.startswith(b"{"):
        return NOTHING
    best = NOTHING
    try:
        for found in _try_splits(data, boundary=min(boundaries, key=len), engine=engine):
            best = max(best, found, key=lambda split: split.used)
            if found.is_all:
                break
    except pl.exceptions.ComputeError:  # bytes that are not UTF-8: the scanner says where
        return NOTHING
    return best


def _try_splits(data: bytes, *, boundary: bytes, engine: duckdb.DuckDBPyConnection) -> Iterator[Split]:
    """Yield splits from the fastest way to the most thorough one."""
    for split_fragments in (partial(_split_at_one_boundary, boundary=boundary), _split_at_all_boundaries):
        fragments = split_fragments(data)
        invalid = find_invalid_json(fragments, engine)
        for skip_strings in (False, True):
            records = _join_fragments(fragments, invalid, data=data, skip_strings=skip_strings)
            yield _keep_proved(records, engine=engine)


def _split_at_one_boundary(data: bytes, *, boundary: bytes) -> pl.DataFrame:
    """Split at boundaries with the same white space, which is usual and fast."""
    pieces = split_bytes(data, boundary, start=1).cast(pl.String).head(-1)
    ends = (pieces.str.len_bytes().cast(pl.Int64) + len(boundary)).cum_sum()
    fragments = pl.DataFrame({"end": ends, "region": pieces}).with_columns(
        pl.concat_str(pl.lit("{"), "region", pl.lit("}")).alias("text")
    )
    return _add_positions(fragments, data, boundary_lines=count_line_ends(boundary))


def _split_at_all_boundaries(data: bytes) -> pl.DataFrame:
    """Split at boundaries with any white space."""
    starts = [0, *(boundary.end() - 1 for boundary in _BOUNDARY.finditer(data))]
    regions = pl.Series("region", [data[start:end] for start, end in pairwise(starts)], dtype=pl.Binary)
    fragments = pl.DataFrame({"end": starts[1:], "region": regions.cast(pl.String)}, schema_overrides={"end": pl.Int64})
    return _add_positions(fragments.with_columns(pl.col("region").str.strip_chars_end(", \t\r\n").alias("text")), data)


def _add_positions(fragments: pl.DataFrame, data: bytes, *, boundary_lines: int = 0) -> pl.DataFrame:
    """Return record (a number), start, end, lines_before, lines (both counts of line ends) and text of each fragment.

    `boundary_lines` is the number of line ends in a boundary that is not part of the region.
    """
    line_ends = _count("region", "\n") + boundary_lines
    if b"\r" in data:
        line_ends = line_ends + _count("region", "\r") - _count("region", "\r\n")
    elif b"\n" not in data:
        line_ends = pl.lit(0, pl.Int64)
    return fragments.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("record"),
        pl.col("end").shift(1, fill_value=0).alias("start"),
        "end",
        (line_ends.cum_sum() - line_ends).alias("lines_before"),
        line_ends.cum_sum().alias("lines"),
        "text",
    )


def _count(column: str, text: str) -> pl.Expr:
    return pl.col(column).str.count_matches(text, literal=True).cast(pl.Int64)


def _keep_proved(records: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Split:
    """Keep the records before the first that is incomplete or not JSON."""
    invalid = find_invalid_json(records.filter("is_unproved"), engine)
    is_wrong = pl.col("record").is_in(invalid.implode()) | ~pl.col("is_complete")
    wrong = records.select(is_wrong.arg_true()).to_series()
    proved = records.head(wrong[0]) if len(wrong) else records
    if proved.is_empty():
        return NOTHING
    used, lines = proved.select("end", "lines").row(-1)
    is_all = len(wrong) == 0 or (wrong[0] == records.height - 1 and not records["is_complete"][-1])
    return Split(proved.select(_SCHEMA.names()), used, lines, is_all)


def _join_fragments(fragments: pl.DataFrame, invalid: pl.Series, *, data: bytes, skip_strings: bool) -> pl.DataFrame:
    """Return the records, with `is_unproved` (may not be JSON) and `is_complete`.

    `invalid` are the numbers of the fragments that are not JSON. Only with `skip_strings` are brackets in strings
    left out of the count of levels.
    """
    if invalid.is_empty():
        return fragments.with_columns(is_unproved=pl.lit(value=False), is_complete=pl.lit(value=True))
    fragments = fragments.with_columns(is_invalid=pl.col("record").is_in(invalid.implode()))
    find_ends = _find_ends_outside_strings if skip_strings else _find_ends
    ends = find_ends(fragments.filter("is_invalid"))  # a fragment that is JSON ends as it begins
    fragments = fragments.join(ends, on="record", how="left", maintain_order="left")
    fragments = fragments.with_columns(pl.col("ends_record").forward_fill().fill_null(value=True))
    begins_record = pl.col("ends_record").shift(1, fill_value=True)
    return _join_records(fragments.with_columns(begins_record=begins_record), data=data)


def _find_ends(fragments: pl.DataFrame) -> pl.DataFrame:
    """Return whether each fragment ends between records, which is at level 0 by all brackets."""
    opened = _count("text", "{") + _count("text", "[") - _count("text", "}") - _count("text", "]")
    return fragments.select("record", ends_record=opened.cum_sum() == 0)


def _find_ends_outside_strings(fragments: pl.DataFrame) -> pl.DataFrame:
    """Return whether each fragment ends between records, which is at level 0 and not in a string."""
    bare = pl.col("bare")
    rest = pl.when("begins_in_string").then(bare.str.replace(r'^[^"]*("|$)', "")).otherwise(bare)
    outside = rest.str.replace_all(r'"[^"]*("|$)', "")
    opened = outside.str.count_matches(r"[\[{]").cast(pl.Int64) - outside.str.count_matches(r"[\]}]").cast(pl.Int64)
    return (
        fragments.select("record", bare=pl.col("text").str.replace_all(r"\\.", ""))
        .with_columns(in_string=bare.str.count_matches('"', literal=True).cum_sum() % 2 == 1)
        .with_columns(begins_in_string=pl.col("in_string").shift(1, fill_value=False))
        .select("record", ends_record=(opened.cum_sum() == 0) & ~pl.col("in_string"))
    )


def _join_records(fragments: pl.DataFrame, *, data: bytes) -> pl.DataFrame:
    """Join each fragment that begins a record with those after it that do not."""
    firsts = fragments.filter("begins_record").select("record", "start", "lines_before", "text", "is_invalid")
    lasts = fragments.filter(pl.col("begins_record").shift(-1, fill_value=True)).select(
        "end", "lines", is_complete="ends_record", last="record"
    )
    records = pl.concat([firsts, lasts], how="horizontal")
    spans = records.filter(pl.col("last") > pl.col("record"))
    texts = [data[start:end].decode().rstrip(", \t\r\n") for start, end in spans.select("start", "end").rows()]
    joined = spans.select("record", pl.Series("joined", texts, dtype=pl.String))
    return records.join(joined, on="record", how="left", maintain_order="left").with_columns(
        pl.coalesce("joined", "text").alias("text"),
        (pl.col("is_invalid") | pl.col("joined").is_not_null()).alias("is_unproved"),
    )
