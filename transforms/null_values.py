"""Read the nulls in place of fields: as absent values, or as fields that the row clears.

What clearing a field does to a user is in `transforms/sql/cleared_fields.sql`. Nulls inside of objects and arrays stay.
"""

import polars as pl

from schemas.canonical import CLEARED, json_type, type_column
from schemas.connection import RequiredField
from schemas.fields import FIELD_NAMES, JsonType
from schemas.job import NullMeaning

NULL = JsonType.NULL.value


def read_nulls(users: pl.DataFrame, *, null: NullMeaning, required: RequiredField) -> pl.DataFrame:
    """Return the users with `cleared`. Fields that are null are absent, unless null is refused: it then keeps its type,
    as it does in the required field where it clears others."""
    found = [] if null == "refuse" else _find_nulls(users)
    absent = [name for name in found if null == "absent" or name != required]
    cleared = [_name_if_cleared(name) for name in found] if null == "clear" else []
    return users.with_columns(
        _join_names(cleared).alias(CLEARED),
        *(pl.when(json_type(name) != NULL).then(json_type(name)).alias(type_column(name)) for name in absent),
    )


def _find_nulls(users: pl.DataFrame) -> list[str]:
    """Return the names of the fields that are null in any record."""
    found = users.select((json_type(name) == NULL).any().alias(name) for name in FIELD_NAMES).row(0, named=True)
    return [name for name in FIELD_NAMES if found[name]]


def _name_if_cleared(name: str) -> pl.Expr:
    """Return the name where the field is null; of password hashes, which are one field, only if no other is given."""
    is_cleared = json_type(name) == NULL
    if name == "password_hash":
        is_cleared &= json_type("custom_password_hash").is_null() | (json_type("custom_password_hash") == NULL)
    if name == "custom_password_hash":
        is_cleared &= json_type("password_hash").is_null()
    return pl.when(is_cleared).then(pl.lit(name))


def _join_names(names: list[pl.Expr]) -> pl.Expr:
    if not names:
        return pl.lit(None, pl.String)
    joined = pl.concat_str(names, separator=",", ignore_nulls=True)
    return pl.when(joined != "").then(joined)
