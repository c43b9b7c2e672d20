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
    "redmine": 20,
    "firebase_scrypt": 64,  # as its signer key, which it encrypts
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
_COST = r"\$(?:0[4-9]|[12][0-9]|3[01])\$"
BCRYPT_AB = rf"\$2[ab]{_COST}[./A-Za-z0-9]{{53}}"  # of `password_hash`
BCRYPT = rf"\$2[aby]{_COST}[./A-Za-z0-9]{{53}}"  # its last bits are as each program fills them

# the alphabet of crypt(3), in which the last bits of a hash that no byte has are zero too
_CRYPT, _FOUR_BITS, _TWO_BITS = "[./A-Za-z0-9]", "[./0-9A-D]", "[./01]"
_ROUNDS = "(?:rounds=[1-9][0-9]{3,8}\\$)?"
_PHPASS_ROUNDS = "[5-9A-S]"  # 2 to the power of 7 to 30


@dataclass(frozen=True)
class Algorithm:
    """An algorithm: the form of a hash by encoding, whether it takes a salt, and which parts it requires.

    A form is a pattern that names a notation where encoded bytes are: `<base64>`.
    """

    forms: Mapping[str, str]
    sentence: str  # what is computed
    salted: bool = True
    requires: tuple[str, ...] = ()  # in addition to `hash.value`
    of_auth0: bool = True  # part of Auth0's import format; the others are for the exports of further systems


def _text(form: str, sentence: str, *, salted: bool = False, of_auth0: bool = True) -> Algorithm:
    return Algorithm({"utf8": form}, sentence, salted=salted, of_auth0=of_auth0)


def _crypt(form: str, sentence: str) -> Algorithm:
    return _text(form, sentence, of_auth0=False)


def _digest(name: str) -> Algorithm:
    return Algorithm(_BINARY, f"{name} of the password and the salt")


_BINARY = {"hex": "<hex>", "base64": "<base64>"}

ALGORITHMS: Mapping[str, Algorithm] = {
    "argon2": _text(
        rf"\$argon2(?:i|d|id)\$v=19\$m={_NUMBER},t={_NUMBER},p={_NUMBER}\$<unpadded>\$<unpadded>", "Argon2, PHC form"
    ),
    "bcrypt": _text(BCRYPT, "bcrypt, also as PHP spells it ($2y$)", salted=True),
    "hmac": Algorithm(_BINARY, "HMAC of the password under the key", requires=("hash.digest", "hash.key")),
    "ldap": _text(rf"\{{(?i:{_LDAP_SCHEME})\}}<padded>", "the scheme of an LDAP server (RFC 2307)"),
    "md4": _digest("MD4"),
    "md5": _digest("MD5"),
    "sha1": _digest("SHA-1"),
    "sha256": _digest("SHA-256"),
    "sha512": _digest("SHA-512"),
    "pbkdf2": _text(rf"{_PBKDF2}\$i={_NUMBER},l={_NUMBER}\$<base64>\$<base64>", "PBKDF2, PHC form"),
    "scrypt": Algorithm(_BINARY, "scrypt", requires=("keylen",)),
    "bcrypt_sha256": _crypt(BCRYPT, "bcrypt of the password's SHA-256 in hex: Django's bcrypt_sha256, Rocket.Chat"),
    "wordpress": _crypt(rf"\$wp{BCRYPT}", "bcrypt of HMAC-SHA-384 of the password in base64: WordPress since 6.8"),
    "phpass": _crypt(
        rf"U?\$[PH]\${_PHPASS_ROUNDS}{_CRYPT}{{29}}{_TWO_BITS}",
        "portable phpass: WordPress, phpBB; with U, of the password's MD5 in hex: Drupal",
    ),
    "drupal": _crypt(rf"U?\$S\${_PHPASS_ROUNDS}{_CRYPT}{{51}}", "phpass over SHA-512: Drupal 7 to 10; U as in phpass"),
    "md5crypt": _crypt(rf"\$(?:1|apr1)\${_CRYPT}{{1,8}}\${_CRYPT}{{21}}{_TWO_BITS}", "MD5 crypt, also Apache's"),
    "sha256crypt": _crypt(rf"\$5\${_ROUNDS}{_CRYPT}{{1,16}}\${_CRYPT}{{42}}{_FOUR_BITS}", "SHA-256 crypt"),
    "sha512crypt": _crypt(rf"\$6\${_ROUNDS}{_CRYPT}{{1,16}}\${_CRYPT}{{85}}{_TWO_BITS}", "SHA-512 crypt: Moodle, Unix"),
    "firebase_scrypt": Algorithm(
        {"base64": "<base64>"},
        "the signer key (`hash.key`) encrypted by AES-256-CTR under scrypt, whose salt ends with the salt separator",
        requires=("hash.key", "salt"),
        of_auth0=False,
    ),
    "redmine": Algorithm(
        {"hex": "<hex>"}, "SHA-1 of the salt and of the password's SHA-1 in hex", requires=("salt",), of_auth0=False
    ),
}
AUTH0_ALGORITHMS: Mapping[str, Algorithm] = {name: found for name, found in ALGORITHMS.items() if found.of_auth0}


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
    texts = {name: found.forms["utf8"] for name, found in ALGORITHMS.items() if "utf8" in found.forms}
    yield from (f"{name} (?:utf8|any) {form}" for name, form in texts.items() if "<" not in form)
    for size in (20, 32, 64):
        yield rf"pbkdf2 (?:utf8|any) {_PBKDF2}\$i={_NUMBER},l={size}\${salt}\${_base64_of(size)}"
    for scheme, size in _LDAP_BYTES.items():
        yield rf"ldap (?:utf8|any) \{{(?i:{scheme})\}}{_base64_of(size)}{'=' * (-size % 3)}"
        yield rf"ldap (?:utf8|any) \{{(?i:s{scheme})\}}(?:{_BASE64}{{4}}){{{size // 3 + 1},}}(?:{_TWO}==|{_THREE}=)?"
    for name in ("md4", "md5", "sha1", "sha256", "sha512", "redmine"):
        size, forms = LEAST_BYTES[name], ALGORITHMS[name].forms
        if "hex" in forms:
            yield f"{name} (?:hex|any) [0-9A-Fa-f]{{{2 * size}}}"
        if "base64" in forms:
            yield f"{name} (?:base64|any) {_base64_of(size)}(?:{'=' * (-size % 3)})?"


CERTAIN = f"^(?:{'|'.join(_certain_forms())})$"
PAIRS = [f"{name} {encoding}" for name, algorithm in ALGORITHMS.items() for encoding in (*algorithm.forms, "any")]
SALTLESS = [name for name, algorithm in ALGORITHMS.items() if not algorithm.salted]
IN_HEX = [name for name, algorithm in ALGORITHMS.items() if "hex" in algorithm.forms]

# words for what the bytes of a hash are encoded in where it does not say so
NOTATION_WORDS: Mapping[str, str] = {
    name: "base64" if "utf8" in algorithm.forms else " or ".join(algorithm.forms)
    for name, algorithm in ALGORITHMS.items()
}

# every word of the enumerations; none of them is secret
PUBLIC_WORDS = (*ALGORITHMS, *DIGESTS, *ENCODINGS, *PASSWORD_ENCODINGS, *SALT_POSITIONS)
