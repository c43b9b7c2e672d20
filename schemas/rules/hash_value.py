"""The rules of the text of a hash: its form, whether it can be decoded, its number of bytes.

The frame has one row per hash that is not certain to be right, of a known algorithm in an encoding that fits it. One
fault gives one error: each rule lets pass what the rule before it refuses. Unclean text has a code of its own.
"""

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.rules.hash_fields import ALGORITHM, HASH_VALUE

SPACE_BEFORE, SPACE_AFTER = r"^[\s\p{Cf}]", r"[\s\p{Cf}]$"  # white space or an invisible character


def has_space_around(text: pl.Expr) -> pl.Expr:
    """Return whether white space or an invisible character is before or after the text."""
    return text.str.contains(f"{SPACE_BEFORE}|{SPACE_AFTER}")


def place_of_space(column: str) -> pl.Expr:
    """Return the words for where white space or an invisible character is around the text of a column."""
    before, after = (pl.col(column).str.contains(pattern) for pattern in (SPACE_BEFORE, SPACE_AFTER))
    both = pl.when(before & after).then(pl.lit("at both ends"))
    return both.when(before).then(pl.lit("before its first character")).otherwise(pl.lit("after its last character"))


class HashValue(pa.DataFrameModel):
    """A hash that may be wrong; what depends on its form is null where it does not have that."""

    value: str = pa.Field(alias=HASH_VALUE)
    algorithm: str = pa.Field(alias=ALGORITHM)
    notation: str  # words for what its bytes are encoded in
    has_form: bool
    is_decodable: bool
    bytes: int = pa.Field(nullable=True)  # of the digest, with the salt that an LDAP hash has behind it
    required: int = pa.Field(nullable=True)
    required_by: str = pa.Field(nullable=True)
    is_salted: bool = pa.Field(nullable=True)  # then more bytes are right too
    is_taken_by_argon2: bool = pa.Field(nullable=True)

    @pa.check(
        HASH_VALUE,
        error=ErrorCode.HASH_MISMATCH,
        description="has white space or an invisible character {place}, which is not taken off a hash",
    )
    def value_has_no_space_around_it(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~has_space_around(pl.col(data.key)))

    @pa.check(HASH_VALUE, error=ErrorCode.HASH_MISMATCH, description="does not have the form of {algorithm} hashes")
    def value_has_the_form_of_the_algorithm(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("has_form") | has_space_around(pl.col(data.key)))

    @pa.check(
        HASH_VALUE,
        error=ErrorCode.HASH_MISMATCH,
        description="cannot be decoded as {notation}; it may have been cut off",
    )
    def value_can_be_decoded(cls, data: pa.PolarsData) -> pl.LazyFrame:
        has_form = pl.col("has_form") & ~has_space_around(pl.col(data.key))
        return data.lazyframe.select(pl.col("is_decodable") | ~has_form)

    @pa.check(
        HASH_VALUE,
        error=ErrorCode.HASH_MISMATCH,
        description="decodes to {bytes}; {requirement}",
    )
    def value_has_the_required_number_of_bytes(cls, data: pa.PolarsData) -> pl.LazyFrame:
        more = pl.col("is_salted") & (pl.col("bytes") > pl.col("required"))
        return data.lazyframe.select((pl.col("bytes") == pl.col("required")) | more)

    @pa.check(
        HASH_VALUE,
        error=ErrorCode.HASH_MISMATCH,
        description="is refused by argon2, which requires a salt of 8 bytes, a hash of 4 and m of 8 × p, each at least",
    )
    def value_is_taken_by_argon2(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select("is_taken_by_argon2")
