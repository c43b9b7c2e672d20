"""The spellings of PBKDF2 and scrypt. They differ in how the salt and the key are written."""

import polars as pl

from transforms.hashes.forms import Form
from transforms.hashes.notations import Notation, to_base64, to_hex
from transforms.hashes.objects import COSTS, KRATOS_COSTS, pbkdf2, scrypt

_SHA = "sha1|sha224|sha256|sha384|sha512"
_ITERATIONS = "(?<iterations>[1-9][0-9]{0,9})"
_NUMBER = "[1-9][0-9]{0,9}"
_PRF = {"00000000": "sha1", "00000001": "sha256", "00000002": "sha512"}  # of ASP.NET


def _pbkdf2(salt: Notation, value: Notation, *, digest: str | None = None, iterations: int | None = None) -> pl.Expr:
    """Return PBKDF2 of the columns `salt` and `hash`, and of `digest` and `iterations` where they vary."""
    return pbkdf2(
        digest=pl.col("digest").fill_null("sha1") if digest is None else pl.lit(digest),
        iterations=pl.col("iterations") if iterations is None else pl.lit(str(iterations)),
        salt=to_base64(pl.col("salt"), salt),
        value=to_base64(pl.col("hash"), value),
    )


def _with_length() -> pl.Expr:
    """Return PBKDF2 of Mattermost, which names the length of the key (`model/`, `password/hashers/pbkdf2.go`)."""
    return pbkdf2(
        digest=pl.col("digest").str.to_lowercase(),
        iterations=pl.col("iterations"),
        salt=to_base64(pl.col("salt"), "base64"),
        value=to_base64(pl.col("hash"), "base64"),
        length=pl.col("length"),
    )


def _atlassian() -> pl.Expr:
    """Return PBKDF2 of Atlassian's PKCS5S2: 16 bytes of salt, then a key of 32."""
    in_hex = to_hex(pl.col("hash"))
    return pbkdf2(
        digest=pl.lit("sha1"),
        iterations=pl.lit("10000"),
        salt=to_base64(in_hex.str.slice(0, 32), "hex"),
        value=to_base64(in_hex.str.slice(32), "hex"),
        length=pl.lit("32"),
    )


def _aspnet(value: pl.Expr) -> pl.Expr:
    """Return PBKDF2 of ASP.NET Core Identity: one byte of version, then in version 3 three numbers, salt and key.

    Both versions have a salt of 16 bytes and a key of 32 unless the application says otherwise.
    """
    in_hex = to_hex(value)
    is_third = in_hex.str.starts_with("01")
    third = pl.when(is_third)
    salt_at = third.then(pl.lit(26)).otherwise(pl.lit(2))
    found = in_hex.str.slice(10, 8).str.to_integer(base=16, strict=False).cast(pl.String)
    is_second = in_hex.str.starts_with("00") & (in_hex.str.slice(98) == "")
    return pbkdf2(
        digest=third.then(in_hex.str.slice(2, 8).replace_strict(_PRF, default=None))
        .when(is_second)
        .then(pl.lit("sha1")),
        iterations=third.then(found).otherwise(pl.lit("1000")),
        salt=to_base64(in_hex.str.slice(salt_at, 32), "hex"),
        value=to_base64(in_hex.str.slice(salt_at + 32), "hex"),
        length=pl.lit("32"),
    )


def _cost() -> pl.Expr:
    return pl.col("cost").replace_strict(COSTS | KRATOS_COSTS, default=None, return_dtype=pl.String)


PBKDF2 = (
    Form("PBKDF2, PHC", "pbkdf2", r"^\$pbkdf2-sha[0-9]+\$i=", "$pbkdf2-sha256$i=…,l=…$salt$hash"),
    Form(
        "PBKDF2 of Mattermost",
        "pbkdf2",
        r"^\$pbkdf2\$f=",
        "$pbkdf2$f=SHA256,w=…,l=32$salt$hash",
        parts=rf"^\$pbkdf2\$f=(?<digest>\w+),w={_ITERATIONS},l=(?<length>{_NUMBER})\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=_with_length,
    ),
    Form(
        "PBKDF2 of passlib, GitLab and Zitadel",
        "pbkdf2",
        r"^\$pbkdf2(?:-sha[0-9]+)?\$",
        "$pbkdf2-sha512$20000$salt$hash",
        parts=rf"^\$pbkdf2(?:-(?<digest>{_SHA}))?\${_ITERATIONS}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: _pbkdf2("ab64", "ab64"),
    ),
    Form(
        "PBKDF2 of OpenLDAP",
        "pbkdf2",
        r"^\{(?i:PBKDF2(?:-SHA(?:1|256|512))?)\}[0-9]",
        "{PBKDF2-SHA256}10000$salt$hash",
        parts=rf"^\{{(?i:PBKDF2)(?:-(?<digest>\w+))?\}}{_ITERATIONS}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: pbkdf2(
            digest=pl.col("digest").str.to_lowercase().fill_null("sha1"),
            iterations=pl.col("iterations"),
            salt=to_base64(pl.col("salt"), "ab64"),
            value=to_base64(pl.col("hash"), "ab64"),
        ),
    ),
    Form(
        "PBKDF2 of Django",
        "pbkdf2",
        r"^pbkdf2_sha[0-9]+\$",
        "pbkdf2_sha256$600000$salt$hash",
        parts=rf"^pbkdf2_(?<digest>{_SHA})\${_ITERATIONS}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: _pbkdf2("text", "padded"),
    ),
    Form(
        "PBKDF2 of Werkzeug",
        "pbkdf2",
        r"^pbkdf2:",
        "pbkdf2:sha256:600000$salt$hash",
        parts=rf"^pbkdf2:(?<digest>{_SHA}):{_ITERATIONS}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: _pbkdf2("text", "hex"),
    ),
    Form(
        "PBKDF2 of Atlassian",
        "pbkdf2",
        r"^\{PKCS5S2\}",
        "{PKCS5S2}…",
        parts=r"^\{PKCS5S2\}(?<hash>.+)$",
        write=_atlassian,
    ),
)

PBKDF2_OF_CLERK = Form(
    "PBKDF2 of Clerk",
    "pbkdf2",
    parts=rf"^pbkdf2_(?<digest>{_SHA})\${_ITERATIONS}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
    write=lambda: _pbkdf2("padded", "padded"),
)
PBKDF2_SHA1_OF_CLERK = Form(
    "PBKDF2 over SHA-1 of Clerk",
    "pbkdf2",
    parts=rf"^pbkdf2_(?<digest>sha1)\${_ITERATIONS}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
    write=lambda: _pbkdf2("text", "hex"),
)

SCRYPT = (
    Form(
        "scrypt, PHC",
        "scrypt",
        r"^\$scrypt\$ln=",
        "$scrypt$ln=16,r=8,p=1$salt$hash",
        parts=rf"^\$scrypt\$ln=(?<cost>[0-9]+),r=(?<block_size>{_NUMBER}),p=(?<parallelization>{_NUMBER})\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: scrypt(cost=_cost(), salt_notation="base64"),
    ),
    Form(
        "scrypt of WorkOS",
        "scrypt",
        r"^\$scrypt\$v=1\$",
        "$scrypt$v=1$n=16384,r=8,p=1,kl=64$salt$hash",
        parts=rf"^\$scrypt\$v=1\$n=(?<cost>{_NUMBER}),r=(?<block_size>{_NUMBER}),p=(?<parallelization>{_NUMBER})"
        rf"(?:,kl=(?<keylen>{_NUMBER}))?(?:,sl=[0-9]+)?\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: scrypt(cost=pl.col("cost"), salt_notation="base64", keylen=pl.col("keylen")),
    ),
    Form(
        "scrypt of Django",
        "scrypt",
        r"^scrypt\$",
        "scrypt$16384$salt$8$1$hash",
        parts=rf"^scrypt\$(?<cost>{_NUMBER})\$(?<salt>[^$]+)\$(?<block_size>{_NUMBER})\$(?<parallelization>{_NUMBER})\$(?<hash>[^$]+)$",
        write=lambda: scrypt(cost=pl.col("cost"), salt_notation="text", value_notation="padded", keylen=pl.lit("64")),
    ),
    Form(
        "scrypt of Werkzeug",
        "scrypt",
        r"^scrypt:",
        "scrypt:32768:8:1$salt$hash",
        parts=rf"^scrypt:(?<cost>{_NUMBER}):(?<block_size>{_NUMBER}):(?<parallelization>{_NUMBER})\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=lambda: scrypt(cost=pl.col("cost"), salt_notation="text", value_notation="hex", keylen=pl.lit("64")),
    ),
)

ANY_ASPNET = Form("ASP.NET Core Identity", "pbkdf2", write=lambda: _aspnet(pl.col("value")))
ASPNET = (
    Form(
        "ASP.NET Core Identity 3",
        "pbkdf2",
        r"^AQAAAA[AEI]A[A-Za-z0-9+/]*={0,2}$",
        "AQAAAAIAAYag…",
        write=lambda: _aspnet(pl.col("value")),
    ),
    Form(
        "ASP.NET Identity 2",
        "pbkdf2",
        r"^A[A-P][A-Za-z0-9+/]{64}==$",
        "A…, 68 characters",
        write=lambda: _aspnet(pl.col("value")),
    ),
)
