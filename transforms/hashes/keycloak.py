"""The credentials of Keycloak: JSON with more JSON inside strings, or in versions before 9 the parts side by side.

Source: keycloak/keycloak, `CredentialRepresentation.java`, `Pbkdf2PasswordHashProvider.java` and
`Argon2PasswordHashProvider.java`. A key of PBKDF2 has 64 bytes, in later versions 32 of SHA-256.
"""

from collections.abc import Mapping

import polars as pl

from schemas.hashing import HashProblem
from transforms.hashes.forms import Form
from transforms.hashes.notations import count_bytes, to_base64
from transforms.hashes.objects import pbkdf2, text_hash

_LENGTHS = (20, 32, 64)
_VERSIONS = {"1.3": "19", "1.0": "16"}


def open_credentials(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the parts of their credentials; `value` stays JSON where there is none."""
    credential = pl.col("value")
    secret, data = _member(credential, "secretData"), _member(credential, "credentialData")
    kind = _member(credential, "type").fill_null("password")
    inside = {
        "value": pl.coalesce(_member(secret, "value"), _member(credential, "hashedSaltedValue"), credential),
        "salt": pl.coalesce(_member(secret, "salt"), _member(credential, "salt")),
        "algorithm": pl.coalesce(_member(data, "algorithm"), _member(credential, "algorithm")),
        "iterations": pl.coalesce(_member(data, "hashIterations"), _member(credential, "hashIterations")),
        **{name: data.str.json_path_match(f"$.additionalParameters.{name}[0]") for name in _ARGON2},
    }
    return parts.select(
        pl.when(kind.is_in(["password", "password-history"])).then(part).alias(name) for name, part in inside.items()
    )


def _member(json: pl.Expr, name: str) -> pl.Expr:
    return json.str.json_path_match(f"$.{name}")


def _pbkdf2(digest: str) -> Form:
    def write() -> pl.Expr:
        value = to_base64(pl.col("value"), "padded")
        found = count_bytes(value)
        length = pl.when(found.is_in(_LENGTHS)).then(found).otherwise(pl.lit(64)).cast(pl.String)
        salt = to_base64(pl.col("salt"), "base64")
        return pbkdf2(digest=pl.lit(digest), iterations=pl.col("iterations"), salt=salt, value=value, length=length)

    return Form(f"PBKDF2 of Keycloak over {digest}", "pbkdf2", write=write)


_ARGON2 = ("type", "version", "memory", "parallelism")


def _argon2() -> pl.Expr:
    kind, version, memory, lanes = map(pl.col, _ARGON2)
    cost = (",t=", pl.col("iterations"), ",p=", lanes)
    head = ("$argon2", kind, "$v=", version.replace_strict(_VERSIONS, default=None), "$m=", memory, *cost)
    ends = ("$", to_base64(pl.col("salt"), "base64"), "$", to_base64(pl.col("value"), "padded"))
    return text_hash("argon2", pl.concat_str([pl.lit(p) if isinstance(p, str) else p for p in (*head, *ends)]))


ALGORITHMS: Mapping[str, Form] = {
    "pbkdf2": _pbkdf2("sha1"),
    **{f"pbkdf2-sha{size}": _pbkdf2(f"sha{size}") for size in (224, 256, 384, 512)},
    "argon2": Form("Argon2 of Keycloak", "argon2", write=_argon2),
}
OTHER = Form("other algorithm of Keycloak", problem=HashProblem.UNSUPPORTED)
