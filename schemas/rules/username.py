"""The rules of usernames, which each connection sets for itself. What it may set is in `schemas.connection`."""

# ruff: noqa: N805 (Pandera makes class methods of checks)

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.canonical import present
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.rules.formats import is_email_address
from schemas.rules.user import User, is_clean_field


def user_model(connection: ConnectionSettings) -> type[User]:
    """The user model with the connection's rules for usernames."""
    shortest, longest = connection.username_min_length, connection.username_max_length
    username = pl.col("username")
    fits = username.str.len_chars().is_between(shortest, longest)

    class ConnectionUser(User):
        """A record's own fields, one row per record, as one connection wants them."""

        @pa.check("username", error=ErrorCode.OBJECT_REQUIRED, description="is missing; the connection requires it")
        def username_is_there_where_required(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(present(data.key) | pl.lit(not connection.username_required))

        @pa.check(
            "username",
            error=ErrorCode.MIN_LENGTH,
            description=f"is {{length}} characters long, at least {shortest} must be given",
        )
        def username_is_long_enough(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(username.str.len_chars() >= shortest)

        @pa.check(
            "username",
            error=ErrorCode.MAX_LENGTH,
            description=f"is {{length}} characters long, at most {longest} are allowed",
        )
        def username_is_short_enough(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(username.str.len_chars() <= longest)

        @pa.check("username", error=ErrorCode.PATTERN, description="does not match the connection's pattern")
        def username_matches_the_pattern(cls, data: PolarsData) -> pl.LazyFrame:
            matches = username.str.contains(connection.username_pattern)
            return data.lazyframe.select(matches | ~fits | ~is_clean_field(data.key))

        @pa.check(
            "username", error=ErrorCode.NOT_PASSED, description="is an e-mail address; a username must not be one"
        )
        def username_is_no_email_address(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(~is_email_address(username))

    return ConnectionUser
