"""The rules of the text of a hash: its form, whether it can be decoded, its number of bytes.

The frame has one row per hash that is not certain to be right, of a known algorithm in an encoding that fits it. One
fault gives one error: each rule lets pass what the rule before it refuses. Unclean text has a code of its own.
"""

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.rules.hash_fields import ALGORITHM, HASH_VALUE


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
        description="does not have the form of {algorithm} hashes{with_unseen}",
    )
    def value_has_the_form_of_the_algorithm(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select("has_form")

    @pa.check(
        HASH_VALUE,
        error=ErrorCode.HASH_MISMATCH,
        description="cannot be decoded as {notation}; it may have been cut off",
    )
    def value_can_be_decoded(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("is_decodable") | ~pl.col("has_form"))

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
