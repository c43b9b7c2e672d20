"""Makes cells harmless: a spreadsheet runs what begins like a formula, whoever wrote it."""

import re

import polars as pl

RUNS = r"^'*[=+\-@\t\r]"  # what a spreadsheet may run, and what has a guard already


def guard_formulas(text: pl.Expr) -> pl.Expr:
    """The text with a ' before it where a spreadsheet might run it; `flows.readers` takes it off again."""
    return pl.when(text.str.contains(RUNS)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


def guard_name(name: str) -> str:
    """The name of a column, guarded in the same way."""
    return f"'{name}" if re.match(RUNS, name) else name
