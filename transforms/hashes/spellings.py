"""The spellings of hashes that say what they are, most of them by how they begin.

The first one that fits counts. Sources: the hashers of Django (`django/contrib/auth/hashers.py`), passlib
(`passlib/handlers`), Werkzeug (`werkzeug/security.py`), Ory Kratos (`hash/hash_comparator.go`), WordPress
(`wp-includes/pluggable.php`), Drupal (`core/lib/Drupal/Core/Password/PhpassHashedPasswordBase.php`), GitLab
(`vendor/gems/devise-pbkdf2-encryptable`), OpenLDAP (`contrib/slapd-modules/passwd/pbkdf2`), crypt(5), ASP.NET Core
(`src/Identity/Extensions.Core/src/PasswordHasher.cs`), Magento (`Magento/Framework/Encryption/Encryptor.php`).
"""

import base64

import polars as pl

from transforms.hashes.firebase_spellings import FIREBASE
from transforms.hashes.forms import ABSENT, PASSWORD_HASH, Form, unsupported
from transforms.hashes.key_derivation_spellings import ASPNET, PBKDF2, SCRYPT
from transforms.hashes.notations import decode_base64
from transforms.hashes.objects import hash_object, keyed_members, salt_member, text_hash

# prefixes that only say what the hash behind them says itself
_PREFIX = (
    r"^(?:\{(?i:crypt|bcrypt|blf-crypt|argon2(?:id?)?|(?:md5|sha256|sha512)-crypt)\}"
    r"|\$(?:md5|sha256|sha512)-crypt|argon2|bcrypt\$)\$"
)
_BEFORE, _AFTER = (base64.b64encode(text).decode().rstrip("=") for text in (b"{SALT}{PASSWORD}", b"{PASSWORD}{SALT}"))
_ORDER = rf"(?<order>{_BEFORE}|{_AFTER})={{0,2}}"


def without_prefix(value: pl.Expr) -> pl.Expr:
    """Return the texts without a prefix that only repeats what they say themselves."""
    return value.str.replace(_PREFIX, "$$")


def _kratos_digest() -> pl.Expr:
    """Return a digest of Kratos, which has the salt before or behind the password as a template says."""
    position = pl.when(pl.col("order") == _AFTER).then(pl.lit("suffix")).otherwise(pl.lit("prefix"))
    salt = salt_member(pl.col("salt"), "base64", position=position)
    return hash_object(pl.col("digest"), pl.col("hash"), encoding="base64", around=[salt])


def _kratos_hmac() -> pl.Expr:
    """Return an HMAC of Kratos, whose base64 is that of hex."""
    in_hex = decode_base64(pl.col("hash")).cast(pl.String, strict=False)
    return hash_object("hmac", in_hex, encoding="hex", more=keyed_members(pl.col("digest"), pl.col("key"), "base64"))


def _salted_hex(algorithm: str) -> pl.Expr:
    return hash_object(algorithm, pl.col("hash"), encoding="hex", around=[salt_member(pl.col("salt"))])


_DIGEST_PARTS = r"^(?<digest>md5|sha1|sha256|sha512)\$(?<salt>[^$]*)\$(?<hash>.*)$"


def _django_digest() -> pl.Expr:
    return hash_object(pl.col("digest"), pl.col("hash"), encoding="hex", around=[salt_member(pl.col("salt"))])


def _werkzeug_hmac() -> pl.Expr:
    keyed = keyed_members(pl.col("digest"), pl.col("salt"), "text")
    return hash_object("hmac", pl.col("hash"), encoding="hex", more=keyed)


BCRYPT = Form("bcrypt", PASSWORD_HASH, r"^\$2[ab]\$", "$2b$12$…")
BCRYPT_SHA256 = Form("bcrypt of SHA-256", "bcrypt_sha256", r"^\$2[aby]\$", "$2b$12$…")
ARGON2 = Form("Argon2", "argon2", r"^\$argon2(?:i|d|id)\$", "$argon2id$v=19$…")
PHPASS = Form("phpass", "phpass", r"^U?\$[PH]\$", "$P$B…")
LDAP = Form("LDAP", "ldap", r"^\{(?i:s?md5|s?sha|sha-?1|s?sha-?(?:224|256|384|512))\}", "{SSHA}…")

SPELLINGS: tuple[Form, ...] = (
    ABSENT,
    BCRYPT,
    Form("bcrypt of PHP", "bcrypt", r"^\$2y\$", "$2y$10$…"),
    unsupported("bcrypt with the fault of old versions", r"^\$2[xz]?\$", "$2x$…"),
    Form(
        "Django's bcrypt_sha256",
        "bcrypt_sha256",
        r"^bcrypt_sha256\$",
        "bcrypt_sha256$$2b$12$…",
        parts=r"^bcrypt_sha256\$(?<hash>\$2[aby]\$.*)$",
        write=lambda: text_hash("bcrypt_sha256", pl.col("hash")),
    ),
    unsupported("bcrypt of other digests", r"^\$bcrypt-sha(?:256|512)\$", "$bcrypt-sha256$v=2,…"),
    unsupported("Argon2 before version 19", r"^\$argon2(?:i|d|id)\$(?:v=16\$|m=|t=)", "$argon2i$m=…"),
    ARGON2,
    *PBKDF2,
    *SCRYPT,
    *FIREBASE,
    Form("WordPress 6.8", "wordpress", r"^\$wp\$2", "$wp$2y$10$…"),
    unsupported("WordPress with another algorithm", r"^\$wp", "$wp$argon2id$…"),
    PHPASS,
    Form("Drupal", "drupal", r"^U?\$S\$", "$S$D…, U$S$…"),
    Form("MD5 crypt", "md5crypt", r"^\$(?:1|apr1)\$", "$1$…, $apr1$…"),
    Form("SHA-256 crypt", "sha256crypt", r"^\$5\$", "$5$rounds=…"),
    Form("SHA-512 crypt", "sha512crypt", r"^\$6\$", "$6$rounds=…"),
    Form(
        "salted digest of Kratos",
        "sha256",
        rf"^\$(?:md5|sha1|sha256|sha512)\$pf=(?:{_BEFORE}|{_AFTER})",
        "$sha256$pf=…$salt$hash",
        parts=rf"^\$(?<digest>\w+)\$pf={_ORDER}\$(?<salt>[^$]+)\$(?<hash>[^$]+)$",
        write=_kratos_digest,
    ),
    unsupported("other template of Kratos", r"^\$(?:md5|sha1|sha256|sha512)\$pf=", "$sha1$pf=…"),
    Form(
        "MD5 of Kratos",
        "md5",
        r"^\$md5\$[A-Za-z0-9+/=]*$",
        "$md5$hash",
        parts=r"^\$md5\$(?<hash>.+)$",
        write=lambda: hash_object("md5", pl.col("hash"), encoding="base64"),
    ),
    Form(
        "HMAC of Kratos",
        "hmac",
        r"^\$hmac-(?:md4|md5|sha1|sha224|sha256|sha384|sha512)\$",
        "$hmac-sha256$hash$key",
        parts=r"^\$hmac-(?<digest>\w+)\$(?<hash>[^$]+)\$(?<key>[^$]+)$",
        write=_kratos_hmac,
    ),
    LDAP,
    Form(
        "Zammad's SHA-256",
        "sha256",
        r"^\{sha2\}",
        "{sha2}…",
        parts=r"^\{sha2\}(?<hash>.*)$",
        write=lambda: hash_object("sha256", pl.col("hash"), encoding="hex"),
    ),
    *(
        Form(
            f"Magento's {algorithm}",
            algorithm,
            rf"^[0-9a-f]+:[^:]+:{version}$",
            f"hash:salt:{version}",
            parts=r"^(?<hash>[0-9a-f]+):(?<salt>[^:]+):",
            write=write,
        )
        for algorithm, version, write in (
            ("md5", 0, lambda: _salted_hex("md5")),
            ("sha256", 1, lambda: _salted_hex("sha256")),
        )
    ),
    *ASPNET,
    unsupported(
        "DES, yescrypt and the like", r"^(?:\{(?i:crypt)\}|\$(?:y|gy|7|3|sha1|md5|sm3|sm3_yescrypt|scrypt)\$)", "$y$…"
    ),
    unsupported(
        "others of Zitadel, Magento and LDAP servers",
        r"^(?:\$md5(?:plain|salted)|[0-9a-f]+:[^:]+:[0-9_]+$|\{(?i:PBKDF2))",
        "$md5salted-…",
    ),
)
DJANGO_DIGEST = Form(
    "salted digest of Django", "sha1", r"^(?:md5|sha1)\$", "sha1$salt$hash", parts=_DIGEST_PARTS, write=_django_digest
)
WERKZEUG_HMAC = Form(
    "HMAC of Werkzeug",
    "hmac",
    r"^(?:md5|sha1|sha256|sha512)\$",
    "sha1$salt$hash",
    parts=_DIGEST_PARTS,
    write=_werkzeug_hmac,
)
