"""Hashes whose algorithm has its name beside them, in systems that do not spell it in the hash itself.

Sources: Clerk (reference of `password_hasher`), Okta (`PasswordCredentialHash` of its API), FusionAuth (reference of
password hashes), Google Workspace (columns of its CSV), WorkOS (`password_hash_type`).
"""

from collections.abc import Mapping

import polars as pl

from schemas.hashing import HashProblem
from transforms.hashes.firebase_spellings import FIREBASE_OF_CLERK
from transforms.hashes.forms import PASSWORD_HASH, Form, unsupported
from transforms.hashes.key_derivation_spellings import PBKDF2_OF_CLERK, PBKDF2_SHA1_OF_CLERK
from transforms.hashes.notations import Notation, to_base64
from transforms.hashes.objects import hash_object, pbkdf2, salt_member
from transforms.hashes.spellings import ARGON2, BCRYPT, LDAP, PHPASS

_IN_HEX = "^[0-9A-Fa-f]+$"


def fold(name: pl.Expr) -> pl.Expr:
    """Return the name of an algorithm without its case and what is neither a letter nor a digit."""
    return name.str.to_lowercase().str.replace_all("[^a-z0-9]", "")


def _digest(algorithm: str, salt: Notation) -> Form:
    """Return a digest in hex or base64, whose salt stands before the password unless `order` says otherwise."""

    def write() -> pl.Expr:
        is_suffix = fold(pl.col("order")).is_in(["suffix", "postfix", "after"])
        position = pl.when(is_suffix).then(pl.lit("suffix")).otherwise(pl.lit("prefix"))
        return hash_object(algorithm, pl.col("value"), around=[salt_member(pl.col("salt"), salt, position=position)])

    return Form(f"{algorithm} with a salt as {salt}", algorithm, write=write)


def _bcrypt_in_parts() -> pl.Expr:
    """Return bcrypt whose cost and salt stand beside it."""
    cost = pl.coalesce("cost", "iterations").str.zfill(2)
    return pl.when(~pl.col("value").str.starts_with("$")).then(
        pl.concat_str(pl.lit("$2a$"), cost, pl.lit("$"), pl.col("salt"), pl.col("value"))
    )


def _pbkdf2(digest: pl.Expr, length: int | None = None) -> Form:
    def write() -> pl.Expr:
        value = pl.col("value")
        in_hex = value.str.contains(_IN_HEX) & (value.str.len_bytes() % 8 == 0)
        key = pl.when(in_hex).then(to_base64(value, "hex")).otherwise(to_base64(value, "padded"))
        return pbkdf2(
            digest=digest,
            iterations=pl.col("iterations"),
            salt=to_base64(pl.col("salt"), "base64"),
            value=key,
            length=None if length is None else pl.lit(str(length)),
        )

    return Form(f"PBKDF2 in parts, {length or 'as long as the digest'}", "pbkdf2", write=write)


def _always_malformed(algorithm: str) -> Form:
    return Form(f"malformed {algorithm}", algorithm, write=lambda: pl.lit(None, dtype=pl.String))


_DIGESTS = ("md4", "md5", "sha1", "sha256", "sha512")
_LOOPED = Form("digest in many rounds", problem=HashProblem.UNSUPPORTED)
BCRYPT_IN_PARTS = Form("bcrypt in parts", PASSWORD_HASH, write=_bcrypt_in_parts)

# what a value is that does not spell what its name says: a hash of that algorithm that the rules refuse
SELF_DESCRIBED: Mapping[str, Form] = {
    **dict.fromkeys(("argon2", "argon2i", "argon2d", "argon2id"), ARGON2),
    **dict.fromkeys(("phpass", "md5phpass", "phpassmd5"), PHPASS),
    **dict.fromkeys(("ssha", "ldapssha", "ldap"), LDAP),
    **dict.fromkeys(("scrypt", "scryptwerkzeug"), _always_malformed("scrypt")),
    **dict.fromkeys(("pbkdf2", "pbkdf2sha256django", "django"), _always_malformed("pbkdf2")),
    "bcrypt": BCRYPT,
    "bcryptsha256django": _always_malformed("bcrypt_sha256"),
    "firebasescrypt": _always_malformed("firebase_scrypt"),
    "crypt": Form("crypt", problem=HashProblem.UNSUPPORTED),
}

_CLERK: Mapping[str, Form] = {
    "pbkdf2sha1": PBKDF2_SHA1_OF_CLERK,
    "pbkdf2sha256": PBKDF2_OF_CLERK,
    "pbkdf2sha512": PBKDF2_OF_CLERK,
    "scryptfirebase": FIREBASE_OF_CLERK,
    **{
        name: unsupported(name)
        for name in (
            "awscognito",
            "bcryptpeppered",
            "hmacsha256utf16b64",
            "sha512symfony",
            "md5salted",
            "sha256salted",
            "pbkdf2sha512hex",
        )
    },
}
_FUSIONAUTH: Mapping[str, Form] = {
    "saltedpbkdf2hmacsha256": _pbkdf2(pl.lit("sha256"), 32),
    "saltedpbkdf2hmacsha256512": _pbkdf2(pl.lit("sha256"), 64),
    **dict.fromkeys(("saltedmd5", "saltedsha256", "saltedhmacsha256", "phpassmd5", "phpasssha512"), _LOOPED),
}
_OKTA: Mapping[str, Form] = {"pbkdf2": _pbkdf2(fold(pl.col("digest")).str.extract("^(sha[0-9]+)"))}

# by scheme: what the names stand for; a value that begins as one of the spellings is read as that
NAMES: Mapping[str, Mapping[str, Form]] = {
    "named": {**{name: _digest(name, "text") for name in _DIGESTS}, **_CLERK},
    "okta": {**{name: _digest(name, "base64") for name in _DIGESTS}, **_OKTA},
    "fusionauth": _FUSIONAUTH,
}
