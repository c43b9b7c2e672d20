"""Keep cells from being run as formulas by a spreadsheet, whoever wrote them."""

import re

import polars as pl

FORMULA = r"^'*[=+\-@\t\r]"  # what a spreadsheet may run, and what is already guarded


def guard_formulas(text: pl.Expr) -> pl.Expr:
    """Prefix with ' each text that a spreadsheet might run; `flows.readers` removes it again."""
    return pl.when(text.str.contains(FORMULA)).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


def guard_name(name: str) -> str:
    """Guard the name of a column in the same way."""
    return f"'{name}" if re.match(FORMULA, name) else name
