"""The user record: every rule of its top level. One named check is one fact, its code and its sentence.

The frame has, per field, a value column and a type column (`schemas.canonical`). Nested parts have their rules in
`schemas.rules.password_hash`, `schemas.rules.mfa_factors` and `schemas.rules.object_keys`; the grammars are in
`schemas.rules.formats`. Usernames follow the settings of a connection: `schemas.rules.username`.

A value gets one code for one fault: a wrong type leaves its value column null, and a text of a wrong length or with
unsound characters is not judged by its form besides.
"""

# ruff: noqa: N805 (Pandera makes class methods of checks)

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.canonical import has_type, items_column, may_be_unclean, present
from schemas.codes import ErrorCode
from schemas.fields import FIELD_NAMES, FIELDS, STAGED, JsonType, UserField
from schemas.rules.formats import is_clean_text, is_email_address, is_http_uri, is_long_before_at, is_long_email

__all__ = ["FIELDS", "FIELD_NAMES", "STAGED", "JsonType", "User", "UserField"]


def _fields_of(json_type: JsonType) -> tuple[str, ...]:
    return tuple(field.name for field in FIELDS if field.type is json_type)


TEXTS = _fields_of(JsonType.STRING)
FLAGS = _fields_of(JsonType.BOOLEAN)
OBJECTS = _fields_of(JsonType.OBJECT)


def is_clean_field(name: str) -> pl.Expr:
    """Whether a text of the record is sound; only records that can have one that is not are searched."""
    return is_clean_text(may_be_unclean(name)).fill_null(value=True)


class User(pa.DataFrameModel):
    """A record's own fields, one row per record."""

    escaped: bool
    email: str = pa.Field(nullable=True)
    email_verified: bool = pa.Field(nullable=True)
    phone_number: str = pa.Field(nullable=True)
    phone_verified: bool = pa.Field(nullable=True)
    user_id: str = pa.Field(nullable=True)
    username: str = pa.Field(nullable=True)
    given_name: str = pa.Field(nullable=True)
    family_name: str = pa.Field(nullable=True)
    name: str = pa.Field(nullable=True)
    nickname: str = pa.Field(nullable=True)
    picture: str = pa.Field(nullable=True)
    blocked: bool = pa.Field(nullable=True)
    password_hash: str = pa.Field(nullable=True)
    custom_password_hash: str = pa.Field(nullable=True)
    app_metadata: str = pa.Field(nullable=True)
    user_metadata: str = pa.Field(nullable=True)
    mfa_factors: str = pa.Field(nullable=True)

    @pa.check("email", error=ErrorCode.OBJECT_REQUIRED, description="is missing; every user has one")
    def email_is_there(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(present(data.key))

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TYPE, description="is {type}; a string is required")
    def text_is_a_string(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(*FLAGS, error=ErrorCode.INVALID_TYPE, description="is {type}; true or false is required")
    def flag_is_a_boolean(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.BOOLEAN))

    @pa.check(*OBJECTS, error=ErrorCode.INVALID_TYPE, description="is {type}; an object is required")
    def part_is_an_object(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.OBJECT))

    @pa.check("mfa_factors", error=ErrorCode.INVALID_TYPE, description="is {type}; an array is required")
    def factors_are_an_array(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.ARRAY))

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TEXT, description="holds a control character or undecodable text")
    def text_is_clean(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(is_clean_field(data.key))

    @pa.check("email", error=ErrorCode.MAX_LENGTH, description="is {length} characters long, at most 254 are allowed")
    def email_is_at_most_254_characters(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~is_long_email(pl.col(data.key)))

    @pa.check(
        "email",
        error=ErrorCode.MAX_LENGTH,
        description="has {local_length} characters before the @, at most 64 are allowed",
    )
    def local_part_is_at_most_64_characters(cls, data: PolarsData) -> pl.LazyFrame:
        email = pl.col(data.key)
        return data.lazyframe.select(~is_long_before_at(email) | is_long_email(email))

    @pa.check("email", error=ErrorCode.FORMAT, description="is not an e-mail address")
    def email_is_an_address(cls, data: PolarsData) -> pl.LazyFrame:
        email = pl.col(data.key)
        too_long = is_long_email(email) | is_long_before_at(email)
        return data.lazyframe.select(is_email_address(email) | too_long | ~is_clean_field(data.key))

    @pa.check("phone_number", error=ErrorCode.PATTERN, description="is not + followed by 1 to 15 digits (E.164)")
    def phone_number_is_e164(cls, data: PolarsData) -> pl.LazyFrame:
        phone = pl.col(data.key)
        return data.lazyframe.select(phone.str.contains(r"^\+[0-9]{1,15}$") | ~is_clean_field(data.key))

    @pa.check(
        "user_id",
        "given_name",
        "family_name",
        "name",
        "nickname",
        error=ErrorCode.MIN_LENGTH,
        description="is empty, at least 1 character is required",
    )
    def text_is_not_empty(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) != "")

    @pa.check("user_id", error=ErrorCode.MAX_LENGTH, description="is {length} characters long, at most 255 are allowed")
    def user_id_is_at_most_255_characters(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= 255)

    @pa.check("user_id", error=ErrorCode.PATTERN, description="holds white space, which a user_id must not")
    def user_id_has_no_white_space(cls, data: PolarsData) -> pl.LazyFrame:
        user_id = pl.col(data.key)
        spaceless = ~user_id.str.contains(r"\s")
        return data.lazyframe.select(spaceless | (user_id.str.len_chars() > 255) | ~is_clean_field(data.key))

    @pa.check(
        "given_name",
        "family_name",
        error=ErrorCode.MAX_LENGTH,
        description="is {length} characters long, at most 150 are allowed",
    )
    def given_or_family_name_is_at_most_150_characters(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= 150)

    @pa.check(
        "name",
        "nickname",
        error=ErrorCode.MAX_LENGTH,
        description="is {length} characters long, at most 300 are allowed",
    )
    def name_or_nickname_is_at_most_300_characters(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= 300)

    @pa.check("picture", error=ErrorCode.FORMAT, description="is not an absolute http or https URI")
    def picture_is_an_http_uri(cls, data: PolarsData) -> pl.LazyFrame:
        picture = pl.col(data.key)
        return data.lazyframe.select(is_http_uri(picture) | ~is_clean_field(data.key))

    @pa.check(
        "password_hash",
        error=ErrorCode.PATTERN,
        description="is not a bcrypt hash: $2a$ or $2b$, a cost of 04 to 31, $ and 53 characters",
    )
    def password_hash_is_bcrypt(cls, data: PolarsData) -> pl.LazyFrame:
        password_hash = pl.col(data.key)
        is_bcrypt = password_hash.str.contains(r"^\$2[ab]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$")
        return data.lazyframe.select(is_bcrypt | ~is_clean_field(data.key))

    @pa.check(
        "custom_password_hash",
        error=ErrorCode.NOT_PASSED,
        description="is there together with password_hash; a user has at most one of them",
    )
    def custom_password_hash_is_the_only_hash(cls, data: PolarsData) -> pl.LazyFrame:
        is_object = pl.col(data.key).is_not_null()
        return data.lazyframe.select(~(is_object & present("password_hash")))

    @pa.check("mfa_factors", error=ErrorCode.ARRAY_LENGTH_SHORT, description="is empty, at least 1 item is required")
    def factors_are_not_empty(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(items_column(data.key)) >= 1)

    @pa.check("mfa_factors", error=ErrorCode.ARRAY_LENGTH_LONG, description="has {items} items, at most 10 are allowed")
    def factors_are_at_most_10(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(items_column(data.key)) <= 10)
