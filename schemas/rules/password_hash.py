"""The rules of `custom_password_hash`: its parts, and which of them its algorithm takes.

The frame has one row per record that has the object; columns are named by their path. The rules of the object's keys
are in `schemas.rules.objects`, those of the text of a hash in `schemas.rules.hash_value`.
"""

from collections.abc import Iterable, Mapping

import pandera.polars as pa
import polars as pl

from schemas.canonical import FieldColumns, has_type, present
from schemas.codes import ErrorCode
from schemas.fields import JsonType
from schemas.formats.text import is_clean_text
from schemas.rules.hash_algorithms import (
    ALGORITHMS,
    AUTH0_ALGORITHMS,
    DIGESTS,
    ENCODINGS,
    NOTATIONS,
    PAIRS,
    PASSWORD_ENCODINGS,
    SALT_POSITIONS,
    SALTLESS,
    Algorithm,
)
from schemas.rules.hash_fields import (
    ALGORITHM,
    BLOCK_SIZE,
    COST,
    DIGEST,
    HASH,
    HASH_ENCODING,
    HASH_VALUE,
    INTEGERS,
    KEY,
    KEY_VALUE,
    KEYLEN,
    LARGEST,
    OBJECTS,
    PARALLELIZATION,
    PASSWORD_ENCODING,
    PASSWORD_HASH_FIELDS,
    ROOT,
    SALT,
    SALT_POSITION,
    SALT_VALUE,
    TEXT_ENCODINGS,
    TEXTS,
    encoding_of,
)

_ENCODING = pl.when(present(HASH_ENCODING)).then(HASH_ENCODING).otherwise(pl.lit("any"))
_PAIR = pl.concat_str(ALGORITHM, _ENCODING, separator=" ")  # null where either has a wrong type


def _algorithm_sentence(algorithms: Mapping[str, Algorithm]) -> str:
    return f"is {{word}}; expected one of {', '.join(algorithms)}"


def _one_of(key: str, *words: str) -> pl.Expr:
    return pl.col(key).is_in(words) | ~is_clean_text(pl.col(key))


class PasswordHash(FieldColumns, fields=PASSWORD_HASH_FIELDS):
    """A `custom_password_hash`, one row per record that has one."""

    @classmethod
    def algorithms(cls) -> Mapping[str, Algorithm]:
        """Return the algorithms that there are, by name."""
        return ALGORITHMS

    @classmethod
    def has_algorithm_of(cls, names: Iterable[str]) -> pl.Expr:
        """Return whether the hash has one of the named algorithms, as far as there are such."""
        return pl.col(ALGORITHM).is_in([name for name in names if name in cls.algorithms()])

    @pa.check(*OBJECTS, error=ErrorCode.INVALID_TYPE, description="must be an object, not {type}")
    def part_is_an_object(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.OBJECT))

    @pa.check(*TEXTS, error=ErrorCode.INVALID_TYPE, description="must be a string, not {type}")
    def text_is_a_string(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(has_type(data.key, JsonType.STRING))

    @pa.check(*INTEGERS, error=ErrorCode.INVALID_TYPE, description="is {found}; expected an integer")
    def number_is_an_integer(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).is_not_null() | ~present(data.key))

    @pa.check(
        ALGORITHM, HASH, error=ErrorCode.OBJECT_REQUIRED, description="is missing; every password hash must have one"
    )
    def required_part_is_present(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(present(data.key))

    @pa.check(HASH_VALUE, error=ErrorCode.OBJECT_REQUIRED, description="is missing; every hash must have a value")
    def hash_has_a_value(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(present(data.key) | pl.col(HASH).is_null())

    @pa.check(KEY_VALUE, error=ErrorCode.OBJECT_REQUIRED, description="is missing; every key must have a value")
    def key_has_a_value(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(present(data.key) | pl.col(KEY).is_null())

    @pa.check(SALT_VALUE, error=ErrorCode.OBJECT_REQUIRED, description="is missing; every salt must have a value")
    def salt_has_a_value(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(present(data.key) | pl.col(SALT).is_null())

    @pa.check(
        DIGEST, KEY, KEYLEN, SALT, error=ErrorCode.OBJECT_REQUIRED, description="is missing; the algorithm requires it"
    )
    def part_that_the_algorithm_requires_is_present(cls, data: pa.PolarsData) -> pl.LazyFrame:
        part = data.key.removeprefix(f"{ROOT}.")
        requiring = [name for name, algorithm in ALGORITHMS.items() if part in algorithm.requires]
        has_parent = pl.col(HASH).is_not_null() if part.startswith("hash.") else pl.lit(value=True)
        return data.lazyframe.select(present(data.key) | ~(cls.has_algorithm_of(requiring) & has_parent))

    @pa.check(ALGORITHM, error=ErrorCode.ENUM_MISMATCH, description=_algorithm_sentence(ALGORITHMS))
    def algorithm_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_one_of(data.key, *ALGORITHMS))

    @pa.check(
        *TEXT_ENCODINGS,
        error=ErrorCode.ENUM_MISMATCH,
        description=f"is {{word}}; expected one of {', '.join(ENCODINGS)}",
    )
    def encoding_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_one_of(data.key, *ENCODINGS))

    @pa.check(DIGEST, error=ErrorCode.ENUM_MISMATCH, description=f"is {{word}}; expected one of {', '.join(DIGESTS)}")
    def digest_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_one_of(data.key, *DIGESTS))

    @pa.check(
        SALT_POSITION,
        error=ErrorCode.ENUM_MISMATCH,
        description=f"is {{word}}; expected one of {', '.join(SALT_POSITIONS)}",
    )
    def position_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_one_of(data.key, *SALT_POSITIONS))

    @pa.check(
        PASSWORD_ENCODING,
        error=ErrorCode.ENUM_MISMATCH,
        description=f"is {{word}}; expected one of {', '.join(PASSWORD_ENCODINGS)}",
    )
    def password_encoding_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_one_of(data.key, *PASSWORD_ENCODINGS))

    @pa.check(KEYLEN, BLOCK_SIZE, PARALLELIZATION, error=ErrorCode.MINIMUM, description="is {number}; the minimum is 1")
    def number_is_at_least_1(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) >= 1)

    @pa.check(COST, error=ErrorCode.MINIMUM, description="is {number}; the minimum is 2")
    def cost_is_at_least_2(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) >= 2)

    @pa.check(*INTEGERS, error=ErrorCode.MAXIMUM, description=f"is {{number}}; the maximum is {LARGEST}")
    def number_is_not_too_large(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key) <= LARGEST)

    @pa.check(COST, error=ErrorCode.HASH_MISMATCH, description="is {number}, which is not a power of two")
    def cost_is_a_power_of_two(cls, data: pa.PolarsData) -> pl.LazyFrame:
        in_range = pl.col(data.key).is_between(2, LARGEST)
        cost = pl.when(in_range).then(pl.col(data.key)).cast(pl.Int64)
        return data.lazyframe.select((cost & (cost - 1)) == 0)

    @pa.check(
        HASH_ENCODING,
        error=ErrorCode.HASH_MISMATCH,
        description="is {word}, which is not an encoding for {algorithm} hashes",
    )
    def encoding_fits_the_algorithm(cls, data: pa.PolarsData) -> pl.LazyFrame:
        known = cls.has_algorithm_of(ALGORITHMS) & pl.col(data.key).is_in(ENCODINGS)
        return data.lazyframe.select(_PAIR.is_in(PAIRS) | ~known)

    @pa.check(
        SALT, error=ErrorCode.HASH_MISMATCH, description="must be left out: {algorithm} hashes have their own salt"
    )
    def salt_fits_the_algorithm(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~(pl.col(data.key).is_not_null() & cls.has_algorithm_of(SALTLESS)))

    @pa.check(KEY_VALUE, SALT_VALUE, error=ErrorCode.HASH_MISMATCH, description="cannot be decoded as {encoding}")
    def key_or_salt_can_be_decoded(cls, data: pa.PolarsData) -> pl.LazyFrame:
        text, encoding = pl.col(data.key), pl.col(encoding_of(data.key))
        encoded = pl.when(encoding.is_in(["hex", "base64"]), is_clean_text(text)).then(pl.concat_str(encoding, text))
        return data.lazyframe.select(encoded.str.contains(f"^(?:hex{NOTATIONS['hex']}|base64{NOTATIONS['base64']})$"))


class Auth0PasswordHash(PasswordHash):
    """A `custom_password_hash` of Auth0's import format, which has fewer algorithms."""

    @classmethod
    def algorithms(cls) -> Mapping[str, Algorithm]:
        """Return the algorithms that there are, by name."""
        return AUTH0_ALGORITHMS

    @pa.check(ALGORITHM, error=ErrorCode.ENUM_MISMATCH, description=_algorithm_sentence(AUTH0_ALGORITHMS))
    def algorithm_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_one_of(data.key, *AUTH0_ALGORITHMS))
