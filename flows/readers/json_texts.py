"""Write JSON text from columns: members, escaped strings and objects."""

import json
from collections.abc import Iterable

import polars as pl

MUST_ESCAPE = r'["\\\x00-\x1f]'
_ESCAPES = {char: json.dumps(char)[1:-1] for char in ['"', "\\", *map(chr, range(0x20))]}


def string(text: pl.Expr, *, escape: bool = True) -> pl.Expr:
    """Write texts as JSON strings; without `escape`, none of them may contain a match of `MUST_ESCAPE`."""
    return pl.concat_str(pl.lit('"'), text.str.replace_many(_ESCAPES) if escape else text, pl.lit('"'))


def member(name: str, value: pl.Expr) -> pl.Expr:
    """Write a member from its key and its value, which is JSON; null where the value is null."""
    return pl.concat_str(pl.lit(json.dumps(name, ensure_ascii=False) + ":"), value)


def json_object(members: Iterable[pl.Expr]) -> pl.Expr:
    """Write objects from the members that are not null."""
    return pl.concat_str(pl.lit("{"), pl.concat_str(list(members), separator=",", ignore_nulls=True), pl.lit("}"))
