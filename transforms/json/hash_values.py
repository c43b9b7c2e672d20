"""Take apart the texts of hashes that may be wrong, for the rules of `schemas.rules.hash_value`."""

from collections.abc import Collection

import polars as pl

from schemas.canonical import present
from schemas.formats.text import is_clean_text
from schemas.rules.hash_algorithms import (
    CERTAIN,
    DECODABLE,
    FORM,
    IN_HEX,
    LEAST_BYTES,
    NOTATION_WORDS,
    NOTATIONS,
    PAIRS,
    SALTED_SCHEMES,
)
from schemas.rules.hash_fields import (
    ALGORITHM,
    DIGEST,
    HASH_ENCODING,
    HASH_VALUE,
    KEY_ENCODING,
    KEY_VALUE,
    KEYLEN,
    LARGEST,
)

_VALUE, _CLAIM = pl.col(HASH_VALUE), pl.col("claim")
_ENCODING = pl.when(present(HASH_ENCODING)).then(HASH_ENCODING).otherwise(pl.lit("any"))
_PAIR = pl.concat_str(ALGORITHM, _ENCODING, separator=" ")  # null where either has a wrong type
_IS = {name: pl.col(ALGORITHM) == name for name in ("argon2", "firebase_scrypt", "hmac", "ldap", "pbkdf2", "scrypt")}


def open_hash_values(hashes: pl.DataFrame, *, algorithms: Collection[str]) -> pl.DataFrame:
    """Return the hashes of these algorithms that may be wrong, in an encoding that fits them: columns of the model."""
    claims = hashes.filter(pl.col(ALGORITHM).is_in([*algorithms])).with_columns(
        claim=pl.concat_str(_PAIR, HASH_VALUE, separator=" ")
    )
    suspects = claims.filter(~_CLAIM.str.contains(CERTAIN)).filter(_PAIR.is_in(PAIRS), is_clean_text(_VALUE))
    taken_apart = suspects.with_columns(
        notation=_notation(),
        has_form=_CLAIM.str.contains(FORM),
        is_decodable=_CLAIM.str.contains(FORM) & _CLAIM.str.contains(DECODABLE),
        scheme=_VALUE.str.extract(r"^(\{[^}]*\})").str.to_lowercase().str.replace("-", "", literal=True),
        digest_bytes=_count_base64(r"([^$}]*)$"),
        salt_bytes=_count_base64(r"\$([^$]*)\$[^$]*$"),
    )
    measured = taken_apart.with_columns(required_by=_required_by()).with_columns(required=_required_bytes())
    return measured.with_columns(
        bytes=pl.when("is_decodable").then(_bytes()),
        is_salted=pl.col("scheme").is_in(list(SALTED_SCHEMES)) & _IS["ldap"],
        is_taken_by_argon2=pl.when(_IS["argon2"], "is_decodable").then(_is_taken_by_argon2()),
    )


def _notation() -> pl.Expr:
    """Return the words for what the bytes are encoded in."""
    unsaid = pl.col(ALGORITHM).replace(NOTATION_WORDS)
    return pl.when(pl.col(HASH_ENCODING) != "utf8").then(HASH_ENCODING).otherwise(unsaid)


def _count_base64(part: str, *, of: pl.Expr = _VALUE) -> pl.Expr:
    return of.str.extract(part).str.strip_chars_end("=").str.len_bytes().cast(pl.Int64) * 3 // 4


def _required_by() -> pl.Expr:
    """Return what determines the number of bytes: a scheme, a digest or a parameter."""
    named = {
        "ldap": pl.col("scheme"),
        "hmac": pl.col(DIGEST),
        "pbkdf2": pl.lit("l"),
        "scrypt": pl.lit("keylen"),
        "firebase_scrypt": pl.when(_key_bytes().is_not_null()).then(pl.lit("its key")),
    }
    return pl.coalesce(*(pl.when(_IS[name]).then(by) for name, by in named.items()), ALGORITHM)


def _required_bytes() -> pl.Expr:
    keylen = pl.when(pl.col(KEYLEN).is_between(1, LARGEST)).then(KEYLEN).cast(pl.Int64)
    given = {"pbkdf2": _parameter("l"), "scrypt": keylen, "firebase_scrypt": _key_bytes()}
    parameters = (pl.when(_IS[name]).then(size) for name, size in given.items())
    return pl.coalesce(
        *parameters, pl.col("required_by").replace_strict(LEAST_BYTES, default=None, return_dtype=pl.Int64)
    )


def _key_bytes() -> pl.Expr:
    """Return the number of bytes of a key in base64; null where it is in another encoding or cannot be decoded."""
    is_right = (pl.col(KEY_ENCODING) == "base64") & pl.col(KEY_VALUE).str.contains(f"^{NOTATIONS['base64']}$")
    return pl.when(is_right).then(_count_base64("^(.*)$", of=pl.col(KEY_VALUE)))


def _parameter(name: str) -> pl.Expr:
    return _VALUE.str.extract(rf"[$,]{name}=([0-9]+)").cast(pl.Int64)


def _bytes() -> pl.Expr:
    """Return the number of bytes in hex, or in base64 where the value is not hex or is right in base64."""
    can_be_hex = pl.col(ALGORITHM).is_in(IN_HEX) & _VALUE.str.contains(f"^{NOTATIONS['hex']}$")
    in_hex = pl.when(can_be_hex).then(_VALUE.str.len_bytes().cast(pl.Int64) // 2)
    digest = pl.col("digest_bytes")
    by_encoding = pl.when(_ENCODING == "hex").then(in_hex).when(_ENCODING != "any").then(digest)
    return by_encoding.when(digest == pl.col("required")).then(digest).otherwise(pl.coalesce(in_hex, digest))


def _is_taken_by_argon2() -> pl.Expr:
    """Return whether the reference implementation takes the parameters (`validate_inputs`)."""
    memory, passes, lanes = (_parameter(name) for name in "mtp")
    return (
        (lanes < 2**24)
        & memory.is_between(8 * lanes, 2**32 - 1)
        & (passes < 2**32)
        & (pl.col("salt_bytes") >= 8)
        & (pl.col("digest_bytes") >= 4)
    )
