"""The algorithms of a `custom_password_hash` and their parameters. The rules are in `schemas.rules.password_hash`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.formats.text import UNSEEN

_DIGEST_BYTES = {"md4": 16, "md5": 16, "ripemd160": 20, "sha1": 20}
_SHA2_BYTES = {"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
DIGESTS = (*_DIGEST_BYTES, *_SHA2_BYTES, "whirlpool")
ENCODINGS = ("base64", "hex", "utf8")
PASSWORD_ENCODINGS = ("ascii", "utf8", "utf16le", "ucs2", "latin1", "binary")
SALT_POSITIONS = ("prefix", "suffix")

# the schemes that LDAP servers write before a hash, in lower case and without hyphens; a salted hash ends with its salt
_LDAP_BYTES = {"md5": 16, "sha": 20, **_SHA2_BYTES}
SALTED_SCHEMES: Mapping[str, int] = {f"{{s{scheme}}}": size + 1 for scheme, size in _LDAP_BYTES.items()}
_LDAP_SCHEME = "s?md5|s?sha|sha-?1|s?sha-?(?:224|256|384|512)"

# the least number of bytes of a hash by its digest or scheme
LEAST_BYTES: Mapping[str, int] = {
    **_DIGEST_BYTES,
    **_SHA2_BYTES,
    "whirlpool": 64,
    **{f"{{{scheme}}}": size for scheme, size in _LDAP_BYTES.items()},
    "{sha1}": 20,
    **SALTED_SCHEMES,
}

# text in these notations, of either base64 alphabet; the last bits of base64, which no byte has, are zero
_BASE64 = "[A-Za-z0-9+/_-]"
_TWO, _THREE = f"{_BASE64}[AQgw]", f"{_BASE64}{{2}}[AEIMQUYcgkosw048]"  # characters for one byte and for two
NOTATIONS: Mapping[str, str] = {
    "hex": "(?:[0-9A-Fa-f]{2})*",
    "base64": f"(?:{_BASE64}{{4}})*(?:{_TWO}(?:==)?|{_THREE}=?)?",
    "padded": f"(?:{_BASE64}{{4}})*(?:{_TWO}==|{_THREE}=)?",  # as every LDAP server writes and OpenLDAP demands it
    "unpadded": f"(?:{_BASE64}{{4}})*(?:{_TWO}|{_THREE})?",  # as the reference implementation of argon2 demands it
}
_NUMBER = "[1-9][0-9]{0,9}"
_PBKDF2 = rf"\$pbkdf2-(?:{'|'.join(DIGESTS)})"
BCRYPT_AB = r"\$2[ab]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}"  # of `password_hash`
BCRYPT = r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}"  # its last bits are as each program fills them


@dataclass(frozen=True)
class Algorithm:
    """An algorithm: the form of a hash by encoding, whether it takes a salt, and which parts it requires.

    A form is a pattern that names a notation where encoded bytes are: `<base64>`.
    """

    forms: Mapping[str, str]
    salted: bool = True
    requires: tuple[str, ...] = ()  # in addition to `hash.value`


def _text(form: str, *, salted: bool = False) -> Algorithm:
    return Algorithm({"utf8": form}, salted=salted)


_BINARY = {"hex": "<hex>", "base64": "<base64>"}

ALGORITHMS: Mapping[str, Algorithm] = {
    "argon2": _text(rf"\$argon2(?:i|d|id)\$v=19\$m={_NUMBER},t={_NUMBER},p={_NUMBER}\$<unpadded>\$<unpadded>"),
    "bcrypt": _text(BCRYPT, salted=True),
    "hmac": Algorithm(_BINARY, requires=("hash.digest", "hash.key")),
    "ldap": _text(rf"\{{(?i:{_LDAP_SCHEME})\}}<padded>"),
    "md4": Algorithm(_BINARY),
    "md5": Algorithm(_BINARY),
    "sha1": Algorithm(_BINARY),
    "sha256": Algorithm(_BINARY),
    "sha512": Algorithm(_BINARY),
    "pbkdf2": _text(rf"{_PBKDF2}\$i={_NUMBER},l={_NUMBER}\$<base64>\$<base64>"),
    "scrypt": Algorithm(_BINARY, requires=("keylen",)),
}


def _claims(notations: Mapping[str, str]) -> str:
    """Return what matches "algorithm encoding value" for a value of that form; "any" stands for a missing encoding."""
    forms = (
        f"{name} (?:{encoding}|any) {form}"
        for name, algorithm in ALGORITHMS.items()
        for encoding, form in algorithm.forms.items()
    )
    return re.sub("<([a-z0-9]+)>", lambda named: notations[named[1]], f"^(?:{'|'.join(forms)})$")


FORM = _claims(dict.fromkeys(NOTATIONS, rf"[^${UNSEEN}]+"))  # whatever stands in place of the encoded bytes
DECODABLE = _claims(NOTATIONS)


def _base64_of(size: int) -> str:
    """Return what matches so many bytes without padding."""
    return f"{_BASE64}{{{size // 3 * 4}}}{('', _TWO, _THREE)[size % 3]}"


def _certain_forms() -> Iterator[str]:
    """Yield what matches claims that are right in every respect: not all of them, but the usual ones."""
    salt, digest = (f"(?:{'|'.join(map(_base64_of, sizes))})" for sizes in ((8, 16, 32), (16, 32, 64)))
    yield rf"argon2 (?:utf8|any) \$argon2(?:i|d|id)\$v=19\$m=[1-9][0-9]{{3,8}},t=[1-9],p=[1-9][0-9]?\${salt}\${digest}"
    yield rf"bcrypt (?:utf8|any) {BCRYPT}"
    for size in (20, 32, 64):
        yield rf"pbkdf2 (?:utf8|any) {_PBKDF2}\$i={_NUMBER},l={size}\${salt}\${_base64_of(size)}"
    for scheme, size in _LDAP_BYTES.items():
        yield rf"ldap (?:utf8|any) \{{(?i:{scheme})\}}{_base64_of(size)}{'=' * (-size % 3)}"
        yield rf"ldap (?:utf8|any) \{{(?i:s{scheme})\}}(?:{_BASE64}{{4}}){{{size // 3 + 1},}}(?:{_TWO}==|{_THREE}=)?"
    for name in ("md4", "md5", "sha1", "sha256", "sha512"):
        size = LEAST_BYTES[name]
        yield f"{name} (?:hex|any) [0-9A-Fa-f]{{{2 * size}}}"
        yield f"{name} (?:base64|any) {_base64_of(size)}(?:{'=' * (-size % 3)})?"


CERTAIN = f"^(?:{'|'.join(_certain_forms())})$"
PAIRS = [f"{name} {encoding}" for name, algorithm in ALGORITHMS.items() for encoding in (*algorithm.forms, "any")]
TEXTUAL = [name for name, algorithm in ALGORITHMS.items() if "utf8" in algorithm.forms]
SALTLESS = [name for name, algorithm in ALGORITHMS.items() if not algorithm.salted]

# every word of the enumerations; none of them is secret
PUBLIC_WORDS = (*ALGORITHMS, *DIGESTS, *ENCODINGS, *PASSWORD_ENCODINGS, *SALT_POSITIONS)
