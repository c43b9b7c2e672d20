"""The rules that each connection can set for itself: which field is required, and those of usernames.

The settings are in `schemas.connection`.
"""

import pandera.polars as pa
import polars as pl

from schemas.canonical import present
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.formats.email import is_email_address
from schemas.formats.text import check_where, has_unseen_character
from schemas.job import KEYS
from schemas.rules.user import UNSEEN_IN_KEY, User


def user_model(connection: ConnectionSettings) -> type[User]:
    """Return the user model with the connection's own rules."""
    shortest, longest = connection.username_min_length, connection.username_max_length
    username = pl.col("username")
    fits = username.str.len_chars().is_between(shortest, longest)
    needs_username = connection.username_required and connection.required != "username"

    class ConnectionUser(User):
        """A record's own fields, one row per record, with the rules of one connection."""

        @pa.check(
            connection.required, error=ErrorCode.OBJECT_REQUIRED, description="is missing; every user must have one"
        )
        def required_field_is_present(cls, data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(present(data.key))

        if connection.required not in KEYS:

            @pa.check(
                "email",
                error=ErrorCode.OBJECT_REQUIRED,
                description="is missing, as are user_id and username; a user is matched by one of them",
            )
            def some_key_is_present(cls, data: pa.PolarsData) -> pl.LazyFrame:
                return data.lazyframe.select(pl.any_horizontal(present(name) for name in KEYS).alias(data.key))

        @pa.check("username", error=ErrorCode.OBJECT_REQUIRED, description="is missing; the connection requires it")
        def username_is_present_where_required(cls, data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(present(data.key) | pl.lit(not needs_username))

        @pa.check(
            "username", error=ErrorCode.MIN_LENGTH, description=f"has a length of {{length}}; the minimum is {shortest}"
        )
        def username_is_long_enough(cls, data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(username.str.len_chars() >= shortest)

        @pa.check(
            "username", error=ErrorCode.MAX_LENGTH, description=f"has a length of {{length}}; the maximum is {longest}"
        )
        def username_is_short_enough(cls, data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(username.str.len_chars() <= longest)

        @pa.check("username", error=ErrorCode.PATTERN, description=UNSEEN_IN_KEY)
        def username_has_no_unseen_character(cls, data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(~has_unseen_character(username) | ~fits | ~cls.is_clean(data.key))

        @pa.check("username", error=ErrorCode.PATTERN, description="does not match the connection's pattern")
        def username_matches_the_pattern(cls, data: pa.PolarsData) -> pl.LazyFrame:
            mismatch = pl.when(~username.str.contains(connection.username_pattern)).then(username)
            return data.lazyframe.select(has_unseen_character(mismatch) | ~fits | ~cls.is_clean(data.key))

        @pa.check(
            "username", error=ErrorCode.NOT_PASSED, description="is an e-mail address; a username must not be one"
        )
        def username_is_not_an_email_address(cls, data: pa.PolarsData) -> pl.LazyFrame:
            has_at = username.str.contains("@", literal=True)
            return data.lazyframe.select(check_where(has_at, username, lambda text: ~is_email_address(text)))

    return ConnectionUser
