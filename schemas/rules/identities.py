"""The rules of the items of `identities`: accounts of the user at social or enterprise providers.

The frame has one row per item; columns are named by their path, with `[]` for the index of the item, which is in the
column `place`, counted from 0. Rules elsewhere: e-mail addresses in `schemas.formats`, keys in `schemas.rules.objects`.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import has_type, present
from schemas.codes import ErrorCode
from schemas.fields import Field, JsonType
from schemas.formats.email import EmailRules

IDENTITY = "identities[]"
PROVIDER = f"{IDENTITY}.provider"
USER_ID = f"{IDENTITY}.user_id"
EMAIL = f"{IDENTITY}.email"

REQUIRED = (PROVIDER, USER_ID)
TEXTS = (*REQUIRED, EMAIL)
LONGEST = 255

IDENTITY_FIELDS: tuple[Field, ...] = (
    Field(IDENTITY, JsonType.OBJECT),
    *(Field(name, JsonType.STRING) for name in TEXTS),
)


class Identity(EmailRules, fields=IDENTITY_FIELDS):
    """An item of `identities`, one row per item."""

    @pa.check(IDENTITY, error=ErrorCode.INVALID_TYPE, description="must be an object, not {type}")
    def identity_is_an_object(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.OBJECT))

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TYPE, description="must be a string, not {type}")
    def text_is_a_string(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(*REQUIRED, error=ErrorCode.OBJECT_REQUIRED, description="is missing; an identity must have it")
    def identity_has_its_texts(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(present(data.key) | pl.col(IDENTITY).is_null())

    @pa.check(*REQUIRED, error=ErrorCode.MIN_LENGTH, description="is empty; at least 1 character is required")
    def text_is_not_empty(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) != "")

    @pa.check(
        *REQUIRED,
        error=ErrorCode.MAX_LENGTH,
        description=f"is {{length}} characters long; at most {LONGEST} are allowed",
    )
    def text_is_at_most_255_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= LONGEST)
