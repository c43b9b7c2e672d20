"""Validate with dataframely as its documentation shows it: a schema, `filter`, and the details of failed rows."""

import dataframely as dy
import polars as pl

from tests.benchmarks.tools import patterns
from tests.benchmarks.tools.arguments import Arguments, parse_arguments
from tests.benchmarks.tools.merging import merge
from tests.benchmarks.tools.polars_users import convert_types, read, split_repeated


def _flag() -> dy.String:
    return dy.String(nullable=True, regex="^(?:true|false)$")


def _name(longest: int) -> dy.String:
    return dy.String(nullable=True, min_length=1, max_length=longest, regex=patterns.CLEAN_TEXT)


class User(dy.Schema):
    """The rules of a user, all values being text."""

    record = dy.UInt32()
    email = dy.String(regex=patterns.EMAIL, max_length=254)
    email_verified = _flag()
    phone_number = dy.String(nullable=True, regex=patterns.PHONE)
    phone_verified = _flag()
    user_id = dy.String(nullable=True, regex=patterns.USER_ID)
    username = dy.String(nullable=True, regex=patterns.USERNAME)
    given_name = _name(150)
    family_name = _name(150)
    name = _name(300)
    nickname = _name(300)
    picture = dy.String(nullable=True, regex=patterns.PICTURE)
    blocked = _flag()
    password_hash = dy.String(nullable=True, regex=patterns.BCRYPT)
    app_metadata = dy.String(nullable=True, regex=patterns.OBJECT)
    user_metadata = dy.String(nullable=True, regex=patterns.OBJECT)

    @dy.rule()
    def local_part_is_short(cls) -> pl.Expr:  # noqa: N805 - dataframely makes it a class method
        return pl.col("email").str.contains(patterns.SHORT_BEFORE_AT)

    @dy.rule()
    def username_is_not_an_address(cls) -> pl.Expr:  # noqa: N805
        return ~pl.col("username").str.contains(patterns.EMAIL)

    @dy.rule()
    def app_metadata_has_no_reserved_key(cls) -> pl.Expr:  # noqa: N805
        return ~pl.col("app_metadata").str.contains(patterns.RESERVED_KEY)


def run(arguments: Arguments) -> None:
    """Validate the file and merge what is valid."""
    valid, failure = User.filter(read(arguments.file))
    faults = (
        failure.details()
        .drop(set(User.column_names()) - {"record"})
        .unpivot(index="record", variable_name="rule", value_name="result")
        .filter(pl.col("result") == "invalid")
        .select("record", pl.col("rule").str.extract(r"^(.+)\|").alias("column"), pl.col("rule").alias("reason"))
    )
    first, repeated = split_repeated(convert_types(valid))
    merge(arguments.database, first, pl.concat([faults, repeated]), mode=arguments.mode)


if __name__ == "__main__":
    run(parse_arguments())
