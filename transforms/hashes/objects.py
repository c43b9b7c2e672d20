"""Write the JSON of a `custom_password_hash`; null where a part is missing that it needs."""

from collections.abc import Iterable, Mapping

import polars as pl

from schemas.rules.hash_algorithms import LEAST_BYTES
from transforms.hashes.notations import Notation, count_bytes, decode_base64, to_base64
from transforms.json.encoding import encode_member, encode_object, encode_string

COSTS = {str(power): str(2**power) for power in range(1, 31)}
KRATOS_COSTS = {str(2**power): str(2**power) for power in range(5, 31)}  # its `ln` is the cost itself
ENCODINGS: Mapping[Notation, str] = {
    "hex": "hex",
    "text": "utf8",
    **dict.fromkeys(("base64", "padded", "ab64"), "base64"),
}
FIREBASE_COLUMNS = ("signer_key", "salt_separator", "rounds", "mem_cost")
TEXTUAL_PARTS: Mapping[str, str] = {  # of a hash that has lost its own, so that only its text is refused
    "scrypt": ',"keylen":64',
    "redmine": ',"salt":{"value":""}',
    "firebase_scrypt": ',"salt":{"value":""}',
}
KEYED_PARTS: Mapping[str, str] = {
    "hmac": ',"digest":"sha256","key":{"value":""}',
    "firebase_scrypt": ',"key":{"value":""}',
}


def text_hash(algorithm: str, value: pl.Expr) -> pl.Expr:
    """Return a hash whose text says everything."""
    return hash_object(algorithm, value, encoding="utf8")


def malformed_hash(algorithm: str, value: pl.Expr) -> pl.Expr:
    """Return a hash that the rules refuse for its text and nothing else."""
    hash_ = pl.concat_str(pl.lit('{"value":'), encode_string(value), pl.lit(KEYED_PARTS.get(algorithm, "") + "}"))
    start = pl.lit(f'{{"algorithm":"{algorithm}","hash":')
    return pl.concat_str(start, hash_, pl.lit(TEXTUAL_PARTS.get(algorithm, "") + "}"))


def hash_object(
    algorithm: str | pl.Expr,
    value: pl.Expr,
    *,
    encoding: str | None = None,
    more: Iterable[pl.Expr] = (),
    around: Iterable[pl.Expr] = (),
) -> pl.Expr:
    """Return a hash with `more` members of its `hash` and others `around` it; those that are null are left out."""
    name = pl.lit(algorithm) if isinstance(algorithm, str) else algorithm
    encoded = [encode_member("encoding", pl.lit(f'"{encoding}"'))] if encoding else []
    hash_ = encode_object([encode_member("value", encode_string(value)), *encoded, *more])
    members = [encode_member("algorithm", encode_string(name)), encode_member("hash", hash_), *around]
    return pl.when(value.is_not_null(), name.is_not_null()).then(encode_object(members))


def salt_member(salt: pl.Expr, notation: Notation = "text", *, position: pl.Expr | None = None) -> pl.Expr:
    """Return the salt as a member; null where there is none."""
    words = encode_member("encoding", pl.lit(f'"{ENCODINGS[notation]}"'))
    where = [] if position is None else [encode_member("position", encode_string(position))]
    parts = encode_object([encode_member("value", encode_string(salt)), words, *where])
    return pl.when(salt != "").then(encode_member("salt", parts))


def keyed_members(digest: pl.Expr | None, key: pl.Expr, notation: Notation) -> list[pl.Expr]:
    """Return the members of `hash` that name a digest, if any, and a key."""
    parts = [encode_member("value", encode_string(key)), encode_member("encoding", pl.lit(f'"{ENCODINGS[notation]}"'))]
    named = [] if digest is None else [encode_member("digest", encode_string(digest))]
    return [*named, encode_member("key", encode_object(parts))]


def pbkdf2(
    *, digest: pl.Expr, iterations: pl.Expr, salt: pl.Expr, value: pl.Expr, length: pl.Expr | None = None
) -> pl.Expr:
    """Return PBKDF2 in its PHC form; salt and value are base64, and without a length it is that of the digest."""
    sizes = {name: str(size) for name, size in LEAST_BYTES.items()}
    size = digest.replace_strict(sizes, default=None, return_dtype=pl.String) if length is None else length
    parts = ("$pbkdf2-", digest, "$i=", iterations, ",l=", size, "$", salt, "$", value)
    return text_hash("pbkdf2", pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts]))


def scrypt(
    *,
    cost: pl.Expr,
    salt_notation: Notation,
    value_notation: Notation = "base64",
    keylen: pl.Expr | None = None,
) -> pl.Expr:
    """Return scrypt of the columns `hash`, `salt`, `block_size` and `parallelization`.

    A key whose length is not given has one of those that programs use, so that one that was cut off is refused.
    """
    found = count_bytes(to_base64(pl.col("hash"), value_notation))
    usual = pl.when(found.is_in([16, 24, 32])).then(found).otherwise(pl.lit(64)).cast(pl.String)
    numbers = {
        "keylen": usual if keylen is None else pl.coalesce(keylen, usual),
        "cost": cost,
        "blockSize": pl.col("block_size"),
        "parallelization": pl.col("parallelization"),
    }
    salt = salt_member(pl.col("salt"), salt_notation)
    around = [salt, *(encode_member(name, number) for name, number in numbers.items())]
    is_hex = value_notation == "hex"
    value = pl.col("hash") if is_hex else to_base64(pl.col("hash"), value_notation)
    written = hash_object("scrypt", value, encoding=ENCODINGS[value_notation], around=around)
    return pl.when(pl.all_horizontal(salt.is_not_null(), cost.is_not_null())).then(written)


def firebase_scrypt(*, value: pl.Expr, salt: pl.Expr) -> pl.Expr:
    """Return Firebase's scrypt from its parts in base64 and the columns of the project's parameters.

    The salt separator becomes the end of the salt, for that is how it is used (firebase/scrypt, README).
    """
    key, separator, rounds, mem_cost = map(pl.col, FIREBASE_COLUMNS)
    salt_bytes = pl.concat_str(decode_base64(salt).bin.encode("hex"), decode_base64(separator).bin.encode("hex"))
    whole = to_base64(salt_bytes, "hex")
    cost = mem_cost.replace_strict(COSTS, default=None, return_dtype=pl.String)
    around = (salt_member(whole, "base64"), encode_member("cost", cost), encode_member("blockSize", rounds))
    more = keyed_members(None, key, "base64")
    written = hash_object("firebase_scrypt", to_base64(value, "padded"), encoding="base64", more=more, around=around)
    return pl.when(pl.all_horizontal(part.is_not_null() for part in (key, whole, rounds, cost))).then(written)
