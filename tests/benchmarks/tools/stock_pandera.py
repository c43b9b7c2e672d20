"""Validate with Pandera as its documentation shows it: a model, `validate(lazy=True)`, and its failure cases."""

import pandera.errors
import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from tests.benchmarks.tools import patterns
from tests.benchmarks.tools.arguments import Arguments, parse_arguments
from tests.benchmarks.tools.merging import merge
from tests.benchmarks.tools.polars_users import convert_types, read, split_repeated

FLAG = ("true", "false")


class User(pa.DataFrameModel):
    """The rules of a user, all values being text."""

    email: str = pa.Field(str_matches=patterns.EMAIL, str_length={"max_value": 254})
    email_verified: str = pa.Field(nullable=True, isin=FLAG)
    phone_number: str = pa.Field(nullable=True, str_matches=patterns.PHONE)
    phone_verified: str = pa.Field(nullable=True, isin=FLAG)
    user_id: str = pa.Field(nullable=True, str_matches=patterns.USER_ID)
    username: str = pa.Field(nullable=True, str_matches=patterns.USERNAME)
    given_name: str = pa.Field(
        nullable=True, str_length={"min_value": 1, "max_value": 150}, str_matches=patterns.CLEAN_TEXT
    )
    family_name: str = pa.Field(
        nullable=True, str_length={"min_value": 1, "max_value": 150}, str_matches=patterns.CLEAN_TEXT
    )
    name: str = pa.Field(nullable=True, str_length={"min_value": 1, "max_value": 300}, str_matches=patterns.CLEAN_TEXT)
    nickname: str = pa.Field(
        nullable=True, str_length={"min_value": 1, "max_value": 300}, str_matches=patterns.CLEAN_TEXT
    )
    picture: str = pa.Field(nullable=True, str_matches=patterns.PICTURE)
    blocked: str = pa.Field(nullable=True, isin=FLAG)
    password_hash: str = pa.Field(nullable=True, str_matches=patterns.BCRYPT)
    app_metadata: str = pa.Field(nullable=True, str_matches=patterns.OBJECT)
    user_metadata: str = pa.Field(nullable=True, str_matches=patterns.OBJECT)

    @pa.check("email")
    def local_part_is_short(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).str.contains(patterns.SHORT_BEFORE_AT))

    @pa.check("username")
    def username_is_not_an_address(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~pl.col(data.key).str.contains(patterns.EMAIL))

    @pa.check("app_metadata")
    def app_metadata_has_no_reserved_key(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~pl.col(data.key).str.contains(patterns.RESERVED_KEY))


def run(arguments: Arguments) -> None:
    """Validate the file and merge what is valid."""
    users = read(arguments.file)
    faults = validate(users)
    valid = users.join(faults, on="record", how="anti", maintain_order="left")
    first, repeated = split_repeated(convert_types(valid))
    merge(arguments.database, first, pl.concat([faults, repeated]), mode=arguments.mode)


def validate(users: pl.DataFrame) -> pl.DataFrame:
    """Return the record, column and check of every fault."""
    try:
        User.validate(users, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
        return cases.select(
            (pl.col("index").cast(pl.UInt32) + 1).alias("record"), "column", pl.col("check").alias("reason")
        )
    return pl.DataFrame(schema={"record": pl.UInt32, "column": pl.String, "reason": pl.String})


if __name__ == "__main__":
    run(parse_arguments())
