"""How canonical frames name their columns: per field one value column and one column with the JSON type the file gave.

A null type means that the record does not have the field. The value column is null too where the type is a wrong one,
so that rules on values judge values only. Numbers are integers: one with a fraction has no value. What the values must
be is in the models, not here.
"""

import polars as pl

from schemas.fields import JsonType

ESCAPED = "escaped"  # the column of users that tells whether the record's JSON has what an unsound text would need
JSON_TYPE = pl.Enum([json_type.value for json_type in JsonType])


def type_column(name: str) -> str:
    """The name of the column that holds the JSON type of a field."""
    return f"{name}:type"


def items_column(name: str) -> str:
    """The name of the column that holds the number of items of an array field."""
    return f"{name}:items"


def json_type(name: str) -> pl.Expr:
    """The JSON type of a field; null where the record does not have it."""
    return pl.col(type_column(name))


def present(name: str) -> pl.Expr:
    """Whether the record has the field, be it with a value of a wrong type."""
    return json_type(name).is_not_null()


def may_be_unclean(name: str) -> pl.Expr:
    """The text of a user's field where its record has an escape or a trace of broken encoding anywhere, else null."""
    return pl.when(pl.col(ESCAPED)).then(pl.col(name))


def has_type(name: str, expected: JsonType) -> pl.Expr:
    """Whether the field's value has the expected type; null where the record does not have it."""
    return json_type(name) == expected.value
