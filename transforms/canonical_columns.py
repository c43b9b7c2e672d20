"""Turn the JSON texts of fields into value columns, type columns and the keys that users are matched by."""

from collections.abc import Sequence
from functools import cache

import polars as pl

from schemas.canonical import ESCAPED, JSON_TYPE, found_column, type_column
from schemas.fields import Field, JsonType
from schemas.formats.email import with_ascii_domain
from schemas.formats.text import where_beyond_ascii
from transforms.json.values import decode_string, get_json_type

FOUND_TYPES = (JsonType.BOOLEAN, JsonType.NUMBER)
FIRST_CHARACTERS = {JsonType.STRING: '"', JsonType.OBJECT: "{", JsonType.ARRAY: "["}


def canonical_columns(texts: pl.DataFrame, fields: Sequence[Field]) -> list[pl.Expr]:
    """Return a value column and a type column per field, of booleans and numbers also the JSON that was found.

    The frame has one column of JSON texts per field; its column `escaped` says in which rows a text may have an escape.
    """
    if not fields:
        return []
    uniform = texts.select(has_own_type(field).all().alias(field.name) for field in fields).row(0, named=True)
    return [column for field in fields for column in _columns(field, uniform=uniform[field.name])]


def typed_columns(field: Field, *, is_null: bool = False) -> tuple[pl.Expr, ...]:
    """Return value, type and what was found, from a column of values of the field's own type.

    A field without a value is absent, or null (`is_null`). What was found is only told where the type is a wrong one.
    """
    without = pl.lit(JsonType.NULL.value if is_null else None, dtype=JSON_TYPE)
    own_type = pl.when(pl.col(field.name).is_not_null()).then(pl.lit(field.type.value, dtype=JSON_TYPE))
    found = (pl.lit(None, pl.String).alias(found_column(field.name)),) if field.type in FOUND_TYPES else ()
    return pl.col(field.name), own_type.otherwise(without).alias(type_column(field.name)), *found


def has_own_type(field: Field) -> pl.Expr:
    """Return whether the JSON text of a field is of its type."""
    text = pl.col(field.name)
    if field.type is JsonType.BOOLEAN:
        return text.is_in(["true", "false"])
    if field.type is JsonType.NUMBER:
        return text.str.contains("^[-0-9]")
    return text.str.starts_with(FIRST_CHARACTERS[field.type])


@cache  # building the expressions takes longer than running them on a small file
def _columns(field: Field, *, uniform: bool) -> tuple[pl.Expr, ...]:
    """Return value, type and what was found; where every value has its field's type (`uniform`), none is checked."""
    text, types = pl.col(field.name), type_column(field.name)
    found = (text.alias(found_column(field.name)),) if field.type in FOUND_TYPES else ()
    if uniform:
        own_type = pl.when(text.is_not_null()).then(pl.lit(field.type.value, dtype=JSON_TYPE))
        return _value(field).alias(field.name), own_type.alias(types), *found
    value = pl.when(has_own_type(field)).then(_value(field))
    return value.alias(field.name), get_json_type(text).alias(types), *found


def _value(field: Field) -> pl.Expr:
    """Return the value of a JSON text of the field's type."""
    text = pl.col(field.name)
    match field.type:
        case JsonType.STRING:
            return decode_string(text, escaped=pl.col(ESCAPED))
        case JsonType.BOOLEAN:
            return text == "true"
        case JsonType.NUMBER:
            number = text.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite() & (number == number.floor())).then(number)
        case _:
            return text


def canonical_schema(fields: Sequence[Field]) -> pl.Schema:
    """Return names and types of the columns that `canonical_columns` gives."""
    columns: dict[str, pl.DataType] = {}
    for field in fields:
        columns |= {field.name: field.dtype, type_column(field.name): JSON_TYPE}
        columns |= {found_column(field.name): pl.String()} if field.type in FOUND_TYPES else {}
    return pl.Schema(columns)


def absent_columns(fields: Sequence[Field]) -> list[pl.Expr]:
    """Return the columns that `canonical_columns` gives, of fields that no record has."""
    return [pl.lit(None, dtype).alias(name) for name, dtype in canonical_schema(fields).items()]


def match_keys() -> list[pl.Expr]:
    """Return the keys by which e-mail addresses and usernames are compared; a user_id is compared as written."""
    return [fold_match_key(pl.col(name)).alias(f"{name}_key") for name in ("email", "username")]


def fold_match_key(text: pl.Expr) -> pl.Expr:
    """Apply NFKC and lower case until no text changes any more; no other code folds keys.

    The domain of an e-mail address takes its ASCII form; no username is one.
    """
    folded = pl.coalesce(_fold(_fold(where_beyond_ascii(text))), text.str.to_lowercase())
    return pl.coalesce(with_ascii_domain(text).str.to_lowercase(), folded)


def _fold(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.to_lowercase().str.normalize("NFKC")
