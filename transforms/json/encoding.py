"""Build JSON text from columns of values: strings, members and objects. Reading JSON is in `transforms.json.values`."""

import json
from collections.abc import Iterable

import polars as pl

MUST_ESCAPE = r'["\\\x00-\x1f]'
ESCAPES = {character: json.dumps(character)[1:-1] for character in ['"', "\\", *map(chr, range(0x20))]}


def encode_string(text: pl.Expr, *, escape: bool = True) -> pl.Expr:
    """Return the texts as JSON strings; without `escape`, no text may contain what `MUST_ESCAPE` matches."""
    return pl.concat_str(pl.lit('"'), text.str.replace_many(ESCAPES) if escape else text, pl.lit('"'))


def encode_member(name: str, value: pl.Expr) -> pl.Expr:
    """Return the key with its value, which is JSON; null where the value is null."""
    return pl.concat_str(pl.lit(json.dumps(name, ensure_ascii=False) + ":"), value)


def encode_object(members: Iterable[pl.Expr]) -> pl.Expr:
    """Return objects of the members that are not null."""
    return pl.concat_str(pl.lit("{"), pl.concat_str(list(members), separator=",", ignore_nulls=True), pl.lit("}"))
