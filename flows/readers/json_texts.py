"""JSON text put together from columns: keys, escaped strings, objects."""

import json
from collections.abc import Iterable

import polars as pl

MUST_ESCAPE = r'["\\\x00-\x1f]'
_ESCAPES = {sign: json.dumps(sign)[1:-1] for sign in ['"', "\\", *map(chr, range(0x20))]}


def string(text: pl.Expr, *, escape: bool = True) -> pl.Expr:
    """The texts as JSON strings; without `escape` none of them may hold what `MUST_ESCAPE` matches."""
    return pl.concat_str(pl.lit('"'), text.str.replace_many(_ESCAPES) if escape else text, pl.lit('"'))


def member(name: str, value: pl.Expr) -> pl.Expr:
    """The key and its value, which is JSON; null where the value is."""
    return pl.concat_str(pl.lit(json.dumps(name, ensure_ascii=False) + ":"), value)


def json_object(members: Iterable[pl.Expr]) -> pl.Expr:
    """The objects of the members that are not null."""
    return pl.concat_str(pl.lit("{"), pl.concat_str(list(members), separator=",", ignore_nulls=True), pl.lit("}"))
