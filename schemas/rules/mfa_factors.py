"""The rules of the items of `mfa_factors`: exactly one of a TOTP secret, a phone number and an e-mail address.

The frame has one row per factor; columns are named by their path, with `[]` for the index of the factor, which is in
the column `place`, counted from 0. Rules elsewhere: e-mail addresses and phone numbers in `schemas.formats`, the number
of factors in `schemas.rules.user`, the keys of a factor in `schemas.rules.objects`.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import has_type, present
from schemas.codes import ErrorCode
from schemas.fields import Field, JsonType
from schemas.formats.email import EmailRules
from schemas.formats.phone import PhoneRules

FACTOR = "mfa_factors[]"
TOTP = f"{FACTOR}.totp"
TOTP_SECRET = f"{TOTP}.secret"
PHONE = f"{FACTOR}.phone"
PHONE_VALUE = f"{PHONE}.value"
EMAIL = f"{FACTOR}.email"
EMAIL_VALUE = f"{EMAIL}.value"

BASE32 = "^[A-Z2-7]+$"
MOST_FACTORS = 10
KINDS = (TOTP, PHONE, EMAIL)
OBJECTS = (FACTOR, *KINDS)
TEXTS = (TOTP_SECRET, PHONE_VALUE, EMAIL_VALUE)

MFA_FACTOR_FIELDS: tuple[Field, ...] = (
    *(Field(name, JsonType.OBJECT) for name in OBJECTS),
    *(Field(name, JsonType.STRING) for name in TEXTS),
)

_COUNT = pl.sum_horizontal(present(kind) for kind in KINDS)


class MfaFactor(EmailRules, PhoneRules, fields=MFA_FACTOR_FIELDS):
    """An item of `mfa_factors`, one row per item."""

    @pa.check(*OBJECTS, error=ErrorCode.INVALID_TYPE, description="must be an object, not {type}")
    def factor_and_its_kinds_are_objects(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.OBJECT))

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TYPE, description="must be a string, not {type}")
    def text_is_a_string(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(FACTOR, error=ErrorCode.ANY_OF_MISSING, description="has none of totp, phone and email; one is required")
    def factor_has_a_kind(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select((_COUNT >= 1) | pl.col(data.key).is_null())

    @pa.check(
        FACTOR,
        error=ErrorCode.MFA_FACTORS_FAILED,
        description="has more than one of totp, phone and email; only one is allowed",
    )
    def factor_has_one_kind(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_COUNT <= 1)

    @pa.check(*TEXTS, error=ErrorCode.OBJECT_REQUIRED, description="is missing; a factor of this kind must have it")
    def kind_has_its_text(cls, data: pa.PolarsData) -> pl.LazyFrame:
        kind = data.key.rpartition(".")[0]
        return data.lazyframe.select(present(data.key) | pl.col(kind).is_null())

    @pa.check(
        TOTP_SECRET, error=ErrorCode.PATTERN, description="must be unpadded Base32 (A to Z and 2 to 7){with_unseen}"
    )
    def secret_is_base32(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.contains(BASE32) | ~cls.is_clean(data.key))
