"""The rules of texts as the file gave them: white space around them, and words that stand for an absent value.

A frame has a column per field, null where the rule holds, and a row per record that breaks one. What is left of a text
without white space has its rules in `schemas.rules.user`.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import FieldColumns
from schemas.codes import ErrorCode
from schemas.fields import FIELDS, TRIMMED_FIELDS, UserField

KEYS = ("email", "phone_number", "user_id", "username")  # whoever has such a word there would be one user
FREE_TEXTS = ("given_name", "family_name", "name", "nickname", "middle_name", "source_id")
ABSENT_WORDS = ("NULL", "null", "None", "nan", "NaN", "#N/A", "n/a")


def _fields(*names: str) -> tuple[UserField, ...]:
    return tuple(field for field in FIELDS if field.name in names)


class OuterWhiteSpace(FieldColumns, fields=TRIMMED_FIELDS):
    """The texts that have white space around them, one row per record that has one."""

    @pa.check(
        *(field.name for field in TRIMMED_FIELDS),
        error=ErrorCode.TRIMMED,
        description="had white space around it, which was taken off",
    )
    def text_has_no_outer_white_space(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).is_null())


class AbsentWord(FieldColumns, fields=_fields(*KEYS, *FREE_TEXTS)):
    """The cells that look like an absent value, one row per record that has one."""

    @pa.check(
        *KEYS,
        error=ErrorCode.PATTERN,
        description="looks like an absent value; say so with null_words in a mapping",
    )
    def key_does_not_look_absent(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).is_null())

    @pa.check(
        *FREE_TEXTS,
        error=ErrorCode.LOOKS_ABSENT,
        description="looks like an absent value and is stored as written; say so with null_words in a mapping",
    )
    def text_does_not_look_absent(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).is_null())
