"""Fragments of a JSON array joined to records: what was split inside a record is put together again.

Which record a fragment belongs to follows from how deep, and whether inside a string, it begins. That is a guess:
whoever asks must prove that the records are JSON.
"""

import polars as pl


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
    opened = _count("{") + _count("[") - _count("}") - _count("]")
    return broken.select("record", opened.cum_sum().alias("level"), pl.lit(value=False).alias("inside"))


def _count(sign: str) -> pl.Expr:
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
