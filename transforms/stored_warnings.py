"""Limit the warnings that are stored: all are counted, and of each code and field only the first of a job are kept."""

from collections import Counter

import polars as pl

from schemas.codes import Severity

MOST_STORED = 1000  # warnings of a code and field of a job
IS_WARNING = pl.col("severity") == Severity.WARNING.value
KIND = pl.concat_str("code", pl.col("path").str.extract(r"^([^.\[]*)"), separator=" ")


def limit_warnings(errors: pl.DataFrame, *, stored: Counter[str]) -> pl.DataFrame:
    """Return all errors and the first warnings, by record; `stored` counts the warnings of earlier batches of the job,
    and those returned are added to it."""
    warnings = errors.filter(IS_WARNING).sort("record", maintain_order=True).with_columns(kind=KIND)
    if warnings.is_empty():
        return errors
    earlier = pl.col("kind").replace_strict(stored, default=0, return_dtype=pl.Int64)
    kept = warnings.filter(pl.int_range(1, pl.len() + 1).over("kind") + earlier <= MOST_STORED)
    stored.update(dict(kept["kind"].value_counts().rows()))
    return pl.concat([errors.filter(~IS_WARNING), kept.drop("kind")]).sort("record", maintain_order=True)
