"""Build JSON text from columns of values: strings, members and objects. Reading JSON is in `transforms.json.values`."""

import json
from collections.abc import Iterable

import polars as pl

ESCAPES = {character: json.dumps(character)[1:-1] for character in ['"', "\\", *map(chr, range(0x20))]}


def encode_string(text: pl.Expr) -> pl.Expr:
    """Return the texts as JSON strings."""
    return pl.concat_str(pl.lit('"'), text.str.replace_many(ESCAPES), pl.lit('"'))


def encode_boolean(value: pl.Expr) -> pl.Expr:
    """Return booleans as JSON; null where there is none."""
    return pl.when(value).then(pl.lit("true")).when(~value).then(pl.lit("false"))


def encode_member(name: str, value: pl.Expr) -> pl.Expr:
    """Return the key with its value, which is JSON; null where the value is null."""
    return pl.concat_str(pl.lit(json.dumps(name, ensure_ascii=False) + ":"), value)


def encode_object(members: Iterable[pl.Expr]) -> pl.Expr:
    """Return objects of the members that are not null."""
    return pl.concat_str(pl.lit("{"), pl.concat_str(list(members), separator=",", ignore_nulls=True), pl.lit("}"))
