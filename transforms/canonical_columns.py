"""Turns the JSON texts found at the paths of fields into value columns, type columns and the keys to match by."""

from collections.abc import Sequence

import polars as pl

from schemas.canonical import JSON_TYPE, type_column
from schemas.fields import Field, JsonType
from schemas.formats import where_beyond_ascii
from transforms.json_values import json_type_of, text_of

VALUES = {JsonType.BOOLEAN: pl.Boolean(), JsonType.NUMBER: pl.Float64()}  # every other value is text


def canonical_columns(fields: Sequence[Field]) -> list[pl.Expr]:
    """Per field a value column and a type column, from columns of JSON texts that have the fields' names."""
    return [column for field in fields for column in (_value(field), _type(field))]


def _value(field: Field) -> pl.Expr:
    """The value where it has the field's type, otherwise null."""
    found = pl.col(field.name)
    match field.type:
        case JsonType.STRING:
            return pl.when(found.str.starts_with('"')).then(text_of(found)).alias(field.name)
        case JsonType.BOOLEAN:
            return pl.when(found.is_in(["true", "false"])).then(found == "true").alias(field.name)
        case JsonType.NUMBER:
            number = found.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite() & (number == number.floor())).then(number).alias(field.name)
        case JsonType.OBJECT:
            return pl.when(found.str.starts_with("{")).then(found).alias(field.name)
        case _:
            return pl.when(found.str.starts_with("[")).then(found).alias(field.name)


def _type(field: Field) -> pl.Expr:
    return json_type_of(pl.col(field.name)).alias(type_column(field.name))


def empty_columns(fields: Sequence[Field]) -> pl.Schema:
    """What `canonical_columns` are where there are no rows."""
    return pl.Schema(
        {
            name: dtype
            for field in fields
            for name, dtype in ((field.name, VALUES.get(field.type, pl.String())), (type_column(field.name), JSON_TYPE))
        }
    )


def match_keys() -> list[pl.Expr]:
    """The canonical keys that e-mail addresses and usernames are compared by; a user_id is compared as written."""
    return [folded(pl.col("email")).alias("email_key"), folded(pl.col("username")).alias("username_key")]


def folded(text: pl.Expr) -> pl.Expr:
    """The text by NFKC and lower case, again until no text changes any more; this is the only place that folds keys."""
    return pl.coalesce(_fold(_fold(where_beyond_ascii(text))), text.str.to_lowercase())


def _fold(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.to_lowercase().str.normalize("NFKC")
