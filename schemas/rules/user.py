"""The rules of a user record's own fields. A check is one rule: its name is the fact that must hold.

The frame has a value column and a type column per field (`schemas.canonical`). Rules elsewhere: e-mail addresses and
phone numbers in `schemas.formats`, what each connection can set in `schemas.rules.connection_user`, nested
parts in `schemas.rules.password_hash`, `schemas.rules.mfa_factors` and `schemas.rules.objects`, the values of fields
beyond those of Auth0's import format in `schemas.rules.wider_record`.

One fault gives one code: a value of a wrong type is null, which passes every rule about values, and the form of a text
is checked only if its length is right and it is clean.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import has_type, items_column, may_be_unclean, present
from schemas.codes import ErrorCode
from schemas.fields import FIELD_NAMES, FIELDS, LONGEST, STAGED, JsonType, UserField
from schemas.formats.email import EmailRules, has_excess_length, is_email_address
from schemas.formats.phone import PhoneRules
from schemas.formats.text import check_where, has_unseen_character, is_clean_text
from schemas.formats.uri import is_http_uri
from schemas.rules.hash_algorithms import BCRYPT
from schemas.rules.mfa_factors import MOST_FACTORS
from schemas.rules.wider_record import WiderRecordRules

__all__ = ["FIELDS", "FIELD_NAMES", "STAGED", "JsonType", "User", "UserField"]


def _fields_of(json_type: JsonType) -> tuple[str, ...]:
    return tuple(field.name for field in FIELDS if field.type is json_type)


def _texts_up_to(length: int) -> tuple[str, ...]:
    return tuple(name for name, longest in LONGEST.items() if longest == length)


TEXTS = _fields_of(JsonType.STRING)
FLAGS = _fields_of(JsonType.BOOLEAN)
OBJECTS = _fields_of(JsonType.OBJECT)
ARRAYS = _fields_of(JsonType.ARRAY)
UNSEEN_IN_KEY = "has {unseen}; white space and invisible characters are not allowed"


class User(EmailRules, PhoneRules, WiderRecordRules, fields=FIELDS):
    """A record's own fields, one row per record."""

    escaped: bool

    @classmethod
    def is_clean(cls, column: str) -> pl.Expr:
        """Return whether the text of a column is clean; only records that may have unclean text are searched."""
        return is_clean_text(may_be_unclean(column)).fill_null(value=True)

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TYPE, description="must be a string, not {type}{cleared}")
    def text_is_a_string(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(*FLAGS, error=ErrorCode.INVALID_TYPE, description="is {found}; expected true or false{words}")
    def flag_is_a_boolean(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.BOOLEAN))

    @pa.check(*OBJECTS, error=ErrorCode.INVALID_TYPE, description="must be an object, not {type}")
    def part_is_an_object(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.OBJECT))

    @pa.check(*ARRAYS, error=ErrorCode.INVALID_TYPE, description="must be an array, not {type}")
    def part_is_an_array(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.ARRAY))

    @pa.check(
        *TEXTS,
        error=ErrorCode.INVALID_TEXT,
        description="contains a control character or undecodable text: {unclean}",
    )
    def text_is_clean(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(cls.is_clean(data.key))

    @pa.check(*LONGEST, error=ErrorCode.MIN_LENGTH, description="is empty; at least 1 character is required")
    def text_is_not_empty(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) != "")

    @pa.check(
        *_texts_up_to(255),
        error=ErrorCode.MAX_LENGTH,
        description="is {length} characters long; at most 255 are allowed",
    )
    def identifier_is_at_most_255_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= 255)

    @pa.check("user_id", error=ErrorCode.PATTERN, description=UNSEEN_IN_KEY)
    def user_id_has_no_unseen_character(cls, data: pa.PolarsData) -> pl.LazyFrame:
        user_id = pl.col(data.key)
        is_too_long = user_id.str.len_chars() > 255
        return data.lazyframe.select(~has_unseen_character(user_id) | is_too_long | ~cls.is_clean(data.key))

    @pa.check("email", error=ErrorCode.FORMAT, description=UNSEEN_IN_KEY)
    def email_address_has_no_unseen_character(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A joiner can be part of a domain name, but not of a key."""
        email = pl.col(data.key)
        unseen = has_unseen_character(email)
        return data.lazyframe.select(
            check_where(unseen, email, lambda text: ~is_email_address(text) | has_excess_length(text))
        )

    @pa.check(
        *_texts_up_to(150),
        error=ErrorCode.MAX_LENGTH,
        description="is {length} characters long; at most 150 are allowed",
    )
    def part_of_a_name_is_at_most_150_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= 150)

    @pa.check(
        *_texts_up_to(300),
        error=ErrorCode.MAX_LENGTH,
        description="is {length} characters long; at most 300 are allowed",
    )
    def name_or_nickname_is_at_most_300_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.len_chars() <= 300)

    @pa.check("picture", error=ErrorCode.FORMAT, description="is not an absolute http or https URI{with_unseen}")
    def picture_is_an_http_uri(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(is_http_uri(pl.col(data.key)) | ~cls.is_clean(data.key))

    @pa.check(
        "password_hash",
        error=ErrorCode.PATTERN,
        description="begins with $2y$, which password_hash does not take; custom_password_hash takes it as bcrypt",
    )
    def password_hash_is_not_of_php(cls, data: pa.PolarsData) -> pl.LazyFrame:
        password_hash = pl.col(data.key)
        of_php = pl.when(password_hash.str.starts_with("$2y$")).then(password_hash)
        return data.lazyframe.select(~of_php.str.contains(f"^{BCRYPT}$"))

    @pa.check(
        "password_hash",
        error=ErrorCode.PATTERN,
        description="is not a bcrypt hash ($2a$ or $2b$, a cost of 04 to 31, $ and 53 characters){with_unseen}",
    )
    def password_hash_is_bcrypt(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.contains(f"^{BCRYPT}$") | ~cls.is_clean(data.key))

    @pa.check(
        "custom_password_hash",
        error=ErrorCode.NOT_PASSED,
        description="is given together with password_hash; a user can have only one of them",
    )
    def custom_password_hash_is_the_only_hash(cls, data: pa.PolarsData) -> pl.LazyFrame:
        is_object = pl.col(data.key).is_not_null()
        return data.lazyframe.select(~(is_object & present("password_hash")))

    @pa.check("mfa_factors", error=ErrorCode.ARRAY_LENGTH_SHORT, description="is empty; at least 1 item is required")
    def factors_are_not_empty(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(items_column(data.key)) >= 1)

    @pa.check(
        "mfa_factors",
        error=ErrorCode.ARRAY_LENGTH_LONG,
        description=f"has {{items}} items; at most {MOST_FACTORS} are allowed",
    )
    def factors_are_at_most_10(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(items_column(data.key)) <= MOST_FACTORS)
