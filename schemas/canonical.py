"""The columns of canonical frames: per field a value column and a column with the JSON type that the file has.

The type is null where the record does not have the field. The value is null there and where the type is a wrong one, so
that rules about values apply to values only. Numbers are integers: a number with a fraction has no value. The rules are
in the models.
"""

from collections.abc import Sequence

import pandera.polars as pa
import polars as pl

from schemas.fields import Field, JsonType

ESCAPED = "escaped"  # column of users: whether the record's JSON may have an escape, a control or U+FFFD
CLEARED = "cleared"  # column of users: the names of the fields that a null clears, separated by commas
JSON_TYPE = pl.Enum([json_type.value for json_type in JsonType])


def type_column(name: str) -> str:
    """Return the name of the column with the JSON type of a field."""
    return f"{name}:type"


def found_column(name: str) -> str:
    """Return the name of the column with the JSON of a boolean or number as the file has it, whatever its type."""
    return f"{name}:found"


def items_column(name: str) -> str:
    """Return the name of the column with the number of items of an array field."""
    return f"{name}:items"


def json_type(name: str) -> pl.Expr:
    """Return the JSON type of a field; null where the record does not have it."""
    return pl.col(type_column(name))


def present(name: str) -> pl.Expr:
    """Return whether the record has the field, even with a value of a wrong type."""
    return json_type(name).is_not_null()


def may_be_unclean(name: str) -> pl.Expr:
    """Return the text of a user's field where its record may have unclean text, else null."""
    return pl.when(pl.col(ESCAPED)).then(pl.col(name))


def has_type(name: str, expected: JsonType) -> pl.Expr:
    """Return whether the field's value has the expected type; null where the record does not have it."""
    return json_type(name) == expected.value


class FieldColumns(pa.DataFrameModel):
    """A model with a value column for each of its `fields`."""

    def __init_subclass__(cls, *, fields: Sequence[Field] = ()) -> None:
        for field in fields:
            cls.__annotations__[field.name] = field.dtype
            setattr(cls, field.name, pa.Field(alias=field.name, nullable=True))
        super().__init_subclass__()  # type: ignore[no-untyped-call]  # Pandera's has no annotations
