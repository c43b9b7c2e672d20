"""The rules of the items of `roles` and `groups`: texts, each of which occurs once.

The frame has one row per item; the item is in the column of its field, named with `[]` for its index, which is in
`place`, counted from 0. The index of the first item with the same text is in `first_place`.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import has_type
from schemas.codes import ErrorCode
from schemas.fields import LIST_FIELDS, Field, JsonType
from schemas.formats.text import TextColumns

LONGEST_ITEM = 255
ITEMS = tuple(f"{name}[]" for name in LIST_FIELDS)
LIST_ITEM_FIELDS: tuple[Field, ...] = tuple(Field(name, JsonType.STRING) for name in ITEMS)


class ListItem(TextColumns, fields=LIST_ITEM_FIELDS):
    """An item of a list, one row per item."""

    place: int
    first_place: int = pa.Field(nullable=True)

    @pa.check(*ITEMS, error=ErrorCode.INVALID_TYPE, description="must be a string, not {type}")
    def item_is_a_string(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(*ITEMS, error=ErrorCode.MIN_LENGTH, description="is empty; at least 1 character is required")
    def item_is_not_empty(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) != "")

    @pa.check(
        *ITEMS,
        error=ErrorCode.MAX_LENGTH,
        description=f"is {{length}} characters long; at most {LONGEST_ITEM} are allowed",
    )
    def item_is_at_most_255_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= LONGEST_ITEM)

    @pa.check(
        *ITEMS, error=ErrorCode.NOT_PASSED, description="repeats the item [{first_place}]; every item must be different"
    )
    def item_occurs_once(cls, data: pa.PolarsData) -> pl.LazyFrame:
        length = pl.col(data.key).str.len_chars()
        is_first = pl.col("first_place") == pl.col("place")
        return data.lazyframe.select(
            (is_first | ~length.is_between(1, LONGEST_ITEM) | ~cls.is_clean(data.key)).alias(data.key)
        )
