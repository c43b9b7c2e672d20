"""The algorithms of a `custom_password_hash` and their parameters. The rules are in `schemas.rules.password_hash`."""

from collections.abc import Mapping
from dataclasses import dataclass

DIGESTS = ("md4", "md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512", "whirlpool")
ENCODINGS = ("base64", "hex", "utf8")
PASSWORD_ENCODINGS = ("ascii", "utf8", "utf16le", "ucs2", "latin1", "binary")
SALT_POSITIONS = ("prefix", "suffix")

_BASE64 = "[A-Za-z0-9+/_-]"  # either alphabet
_PHC_BASE64 = f"{_BASE64}+={{0,2}}"
_NUMBER = "[1-9][0-9]*"


@dataclass(frozen=True)
class Algorithm:
    """An algorithm: the form of a hash by encoding, whether it takes a salt, and which parts it requires."""

    forms: Mapping[str, str]
    salted: bool = True
    requires: tuple[str, ...] = ()  # in addition to `hash.value`


def _text(form: str, *, salted: bool = False) -> Algorithm:
    return Algorithm({"utf8": form}, salted=salted)


def _binary(length: int) -> Algorithm:
    """Return an algorithm whose digests have this length in bytes."""
    characters, padding = -(-length * 4 // 3), "=" * (-length % 3)
    return Algorithm({"hex": f"[0-9A-Fa-f]{{{length * 2}}}", "base64": f"{_BASE64}{{{characters}}}(?:{padding})?"})


_ANY_BINARY = {
    "hex": "(?:[0-9A-Fa-f]{2})+",
    "base64": f"(?:{_BASE64}{{4}})*(?:{_BASE64}{{4}}|{_BASE64}{{3}}=?|{_BASE64}{{2}}(?:==)?)",
}

ALGORITHMS: Mapping[str, Algorithm] = {
    "argon2": _text(rf"\$argon2(?:i|d|id)\$v=19\$m={_NUMBER},t={_NUMBER},p={_NUMBER}\${_PHC_BASE64}\${_PHC_BASE64}"),
    "bcrypt": _text(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", salted=True),
    "hmac": Algorithm(_ANY_BINARY, requires=("hash.digest", "hash.key")),
    "ldap": _text(rf"\{{(?i:s?md5|s?sha[0-9-]*)\}}{_PHC_BASE64}"),
    "md4": _binary(16),
    "md5": _binary(16),
    "sha1": _binary(20),
    "sha256": _binary(32),
    "sha512": _binary(64),
    "pbkdf2": _text(rf"\$pbkdf2-(?:{'|'.join(DIGESTS)})\$i={_NUMBER},l={_NUMBER}\${_PHC_BASE64}\${_PHC_BASE64}"),
    "scrypt": Algorithm(_ANY_BINARY, requires=("keylen",)),
}

# matches "algorithm encoding value" if the value has the form of its algorithm; "any" stands for a missing encoding
FORM = "^(?:{})$".format(
    "|".join(
        f"{name} (?:{encoding}|any) {form}"
        for name, algorithm in ALGORITHMS.items()
        for encoding, form in algorithm.forms.items()
    )
)
PAIRS = [f"{name} {encoding}" for name, algorithm in ALGORITHMS.items() for encoding in (*algorithm.forms, "any")]
SALTLESS = [name for name, algorithm in ALGORITHMS.items() if not algorithm.salted]

# every word of the enumerations; none of them is secret
PUBLIC_WORDS = (*ALGORITHMS, *DIGESTS, *ENCODINGS, *PASSWORD_ENCODINGS, *SALT_POSITIONS)
