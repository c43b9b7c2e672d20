"""The rules of the items of `mfa_factors`: exactly one of a TOTP secret, a phone number and an e-mail address.

The frame has one row per factor; columns are named by their path, with `[]` for the place of the factor, which is in
the column `place`, counted from 0. How many factors a user may have is in `schemas.rules.user`,
which keys a factor may have in `schemas.rules.object_keys`.
"""

# ruff: noqa: N805 (Pandera makes class methods of checks)

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.canonical import has_type, present
from schemas.codes import ErrorCode
from schemas.fields import Field, JsonType
from schemas.rules.formats import is_clean_text, is_email_address, is_long_before_at, is_long_email

FACTOR = "mfa_factors[]"
TOTP = f"{FACTOR}.totp"
TOTP_SECRET = f"{TOTP}.secret"
PHONE = f"{FACTOR}.phone"
PHONE_VALUE = f"{PHONE}.value"
EMAIL = f"{FACTOR}.email"
EMAIL_VALUE = f"{EMAIL}.value"

KINDS = (TOTP, PHONE, EMAIL)
OBJECTS = (FACTOR, *KINDS)
TEXTS = (TOTP_SECRET, PHONE_VALUE, EMAIL_VALUE)

MFA_FACTOR_FIELDS: tuple[Field, ...] = (
    *(Field(name, JsonType.OBJECT) for name in OBJECTS),
    *(Field(name, JsonType.STRING) for name in TEXTS),
)

_COUNT = pl.sum_horizontal(present(kind) for kind in KINDS)


class MfaFactor(pa.DataFrameModel):
    """An item of `mfa_factors`, one row per item."""

    factor: str = pa.Field(alias=FACTOR, nullable=True)
    totp: str = pa.Field(alias=TOTP, nullable=True)
    totp_secret: str = pa.Field(alias=TOTP_SECRET, nullable=True)
    phone: str = pa.Field(alias=PHONE, nullable=True)
    phone_value: str = pa.Field(alias=PHONE_VALUE, nullable=True)
    email: str = pa.Field(alias=EMAIL, nullable=True)
    email_value: str = pa.Field(alias=EMAIL_VALUE, nullable=True)

    @pa.check(*OBJECTS, error=ErrorCode.INVALID_TYPE, description="is {type}; an object is required")
    def factor_and_its_kinds_are_objects(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.OBJECT))

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TYPE, description="is {type}; a string is required")
    def text_is_a_string(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(FACTOR, error=ErrorCode.ANY_OF_MISSING, description="has none of totp, phone and email; one is required")
    def factor_has_a_kind(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select((_COUNT >= 1) | pl.col(data.key).is_null())

    @pa.check(
        FACTOR,
        error=ErrorCode.MFA_FACTORS_FAILED,
        description="has more than one of totp, phone and email",
    )
    def factor_has_one_kind(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_COUNT <= 1)

    @pa.check(*TEXTS, error=ErrorCode.OBJECT_REQUIRED, description="is missing; a factor of this kind must have it")
    def kind_has_its_text(cls, data: PolarsData) -> pl.LazyFrame:
        kind = data.key.rpartition(".")[0]
        return data.lazyframe.select(present(data.key) | pl.col(kind).is_null())

    @pa.check(TOTP_SECRET, error=ErrorCode.PATTERN, description="is not unpadded Base32: A to Z and 2 to 7")
    def secret_is_base32(cls, data: PolarsData) -> pl.LazyFrame:
        secret = pl.col(data.key)
        return data.lazyframe.select(secret.str.contains("^[A-Z2-7]+$") | ~is_clean_text(secret))

    @pa.check(PHONE_VALUE, error=ErrorCode.PATTERN, description="is not + followed by 1 to 15 digits (E.164)")
    def phone_is_e164(cls, data: PolarsData) -> pl.LazyFrame:
        phone = pl.col(data.key)
        return data.lazyframe.select(phone.str.contains(r"^\+[0-9]{1,15}$") | ~is_clean_text(phone))

    @pa.check(
        EMAIL_VALUE,
        error=ErrorCode.MAX_LENGTH,
        description="is {length} characters long, at most 254 are allowed",
    )
    def email_is_at_most_254_characters(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~is_long_email(pl.col(data.key)))

    @pa.check(
        EMAIL_VALUE,
        error=ErrorCode.MAX_LENGTH,
        description="has {local_length} characters before the @, at most 64 are allowed",
    )
    def local_part_is_at_most_64_characters(cls, data: PolarsData) -> pl.LazyFrame:
        email = pl.col(data.key)
        return data.lazyframe.select(~is_long_before_at(email) | is_long_email(email))

    @pa.check(EMAIL_VALUE, error=ErrorCode.FORMAT, description="is not an e-mail address")
    def email_is_an_address(cls, data: PolarsData) -> pl.LazyFrame:
        email = pl.col(data.key)
        too_long = is_long_email(email) | is_long_before_at(email)
        return data.lazyframe.select(is_email_address(email) | too_long | ~is_clean_text(email))
