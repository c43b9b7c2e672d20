"""The spellings of Firebase's scrypt, some of which have the project's parameters in them.

Sources: Ory Kratos (`hash/hash_comparator.go`), Supabase Auth (`internal/crypto/password.go`), WorkOS and SuperTokens
(their guides for migration from Firebase), Clerk (reference of `password_hasher`).
"""

import polars as pl

from transforms.hashes.forms import Form
from transforms.hashes.objects import firebase_scrypt

_NUMBER = "[1-9][0-9]{0,9}"
_COST = f"(?<mem_cost>{_NUMBER})"
_ROUNDS = f"(?<rounds>{_NUMBER})"


def _written() -> pl.Expr:
    return firebase_scrypt(value=pl.col("hash"), salt=pl.col("salt"))


FIREBASE_OF_CLERK = Form(
    "Firebase's scrypt of Clerk",
    "firebase_scrypt",
    example="hash$salt$key$separator$rounds$cost",
    parts=rf"^(?<hash>[^$]+)\$(?<salt>[^$]+)\$(?<signer_key>[^$]+)\$(?<salt_separator>[^$]+)\${_ROUNDS}\${_COST}$",
    write=_written,
)
FIREBASE_EXPORT = Form(
    "Firebase's scrypt",
    "firebase_scrypt",
    write=lambda: firebase_scrypt(value=pl.col("value"), salt=pl.col("salt")),
    needs_parameters=True,
)
FIREBASE = (
    Form(
        "Firebase's scrypt of Kratos",
        "firebase_scrypt",
        r"^\$firescrypt\$",
        "$firescrypt$ln=14,r=8,p=1$salt$hash$separator$key",
        parts=rf"^\$firescrypt\$ln={_COST},r={_ROUNDS},p=1\$(?<salt>[^$]+)\$(?<hash>[^$]+)"
        r"\$(?<salt_separator>[^$]+)\$(?<signer_key>[^$]+)$",
        write=_written,
    ),
    Form(
        "Firebase's scrypt of Supabase",
        "firebase_scrypt",
        r"^\$fbscrypt\$",
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash",
        parts=rf"^\$fbscrypt\$v=1,n={_COST},r={_ROUNDS},p=1,ss=(?<salt_separator>[^$,]+),sk=(?<signer_key>[^$,]+)"
        r"\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=_written,
    ),
    Form(
        "Firebase's scrypt of WorkOS",
        "firebase_scrypt",
        r"^\$firebase-scrypt\$",
        "$firebase-scrypt$hash=…$salt=…$sk=…$ss=…$r=8$m=14",
        parts=r"^\$firebase-scrypt\$hash=(?<hash>[^$]+)\$salt=(?<salt>[^$]+)\$sk=(?<signer_key>[^$]+)"
        rf"\$ss=(?<salt_separator>[^$]+)\$r={_ROUNDS}\$m={_COST}$",
        write=_written,
    ),
    Form(
        "Firebase's scrypt of SuperTokens",
        "firebase_scrypt",
        r"^\$f_scrypt\$",
        "$f_scrypt$hash$salt$m=14$r=8$s=Bw==",
        parts=rf"^\$f_scrypt\$(?<hash>[^$]+)\$(?<salt>[^$]+)\$m={_COST}\$r={_ROUNDS}\$s=(?<salt_separator>[^$]+)$",
        write=_written,
        needs_parameters=True,
    ),
)
