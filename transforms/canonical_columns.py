"""Turns the JSON texts found at the paths of fields into value columns, type columns and the keys to match by."""

from collections.abc import Sequence
from functools import cache

import polars as pl

from schemas.canonical import ESCAPED, JSON_TYPE, type_column
from schemas.fields import Field, JsonType
from schemas.rules.formats import where_beyond_ascii
from transforms.json.values import json_type_of, text_of

OPENINGS = {JsonType.STRING: '"', JsonType.OBJECT: "{", JsonType.ARRAY: "[", JsonType.NUMBER: ""}
VALUES = {JsonType.BOOLEAN: pl.Boolean(), JsonType.NUMBER: pl.Float64()}  # every other value is text


def canonical_columns(found: pl.DataFrame, fields: Sequence[Field]) -> list[pl.Expr]:
    """Per field a value column and a type column, from the frame's columns of JSON texts that have the fields' names.

    The frame's column `escaped` tells which rows may have an escape in a text.
    """
    uniform = found.select(_has_its_type(field).all().alias(field.name) for field in fields).row(0, named=True)
    return [column for field in fields for column in _columns(field, uniform=uniform[field.name])]


def _has_its_type(field: Field) -> pl.Expr:
    found = pl.col(field.name)
    if field.type is JsonType.BOOLEAN:
        return found.is_in(["true", "false"])
    return found.str.starts_with(OPENINGS[field.type])


@cache  # to build them takes longer than to run them on a small file
def _columns(field: Field, *, uniform: bool) -> tuple[pl.Expr, pl.Expr]:
    """Value and type; where every value has its field's type (`uniform`), neither has to be looked for."""
    found, types = pl.col(field.name), type_column(field.name)
    if uniform:
        own_type = pl.when(found.is_not_null()).then(pl.lit(field.type.value, dtype=JSON_TYPE))
        return _value(field).alias(field.name), own_type.alias(types)
    value = pl.when(_has_its_type(field)).then(_value(field))
    return value.alias(field.name), json_type_of(found).alias(types)


def _value(field: Field) -> pl.Expr:
    """The value of a JSON text of the field's type."""
    found = pl.col(field.name)
    match field.type:
        case JsonType.STRING:
            return text_of(found, escaped=pl.col(ESCAPED))
        case JsonType.BOOLEAN:
            return found == "true"
        case JsonType.NUMBER:
            number = found.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite() & (number == number.floor())).then(number)
        case _:
            return found


@cache
def empty_columns(fields: tuple[Field, ...]) -> pl.DataFrame:
    """What `canonical_columns` are where there are no rows."""
    return pl.DataFrame(
        schema={
            name: dtype
            for field in fields
            for name, dtype in ((field.name, VALUES.get(field.type, pl.String())), (type_column(field.name), JSON_TYPE))
        }
    )


def match_keys() -> list[pl.Expr]:
    """The canonical keys that e-mail addresses and usernames are compared by; a user_id is compared as written."""
    return [
        fold_match_key(pl.col("email")).alias("email_key"),
        fold_match_key(pl.col("username")).alias("username_key"),
    ]


def fold_match_key(text: pl.Expr) -> pl.Expr:
    """The text by NFKC and lower case, again until no text changes any more; this is the only place that folds keys."""
    return pl.coalesce(_fold(_fold(where_beyond_ascii(text))), text.str.to_lowercase())


def _fold(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.to_lowercase().str.normalize("NFKC")
