"""Whether the text of a hash can verify a password, decided by decoding it, without the patterns of the product."""

import base64
import binascii
import hashlib
import re
import string
from collections.abc import Callable, Sequence
from functools import partial

SIZES = {"md4": 16, "ripemd160": 20, "whirlpool": 64, "redmine": 20, "firebase_scrypt": 64} | {
    name: hashlib.new(name, usedforsecurity=False).digest_size
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
}
SCHEMES = {"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha-1": "sha1"} | {
    f"sha{hyphen}{bits}": f"sha{bits}" for bits in (224, 256, 384, 512) for hyphen in ("", "-")
}
SALTED = {f"s{scheme}": digest for scheme, digest in SCHEMES.items() if "1" not in scheme or "512" in scheme}


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of text in either alphabet, with all of its padding or none, else None."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        found = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    canonical = base64.b64encode(found).decode()
    padding = len(text) - len(bare)
    return found if canonical.rstrip("=") == bare and padding in {0, canonical.count("=")} else None


def decode_hex(text: str) -> bytes | None:
    """Return the bytes of text in hex, else None."""
    return bytes.fromhex(text) if re.fullmatch("([0-9a-fA-F]{2})*", text) else None


def decode(text: str, encoding: str) -> bytes | None:
    """Return the bytes of text in an encoding."""
    return {"hex": decode_hex, "base64": decode_base64}[encoding](text)


def number(text: str, name: str) -> int | None:
    """Return a parameter of a PHC text, of at most ten digits and without leading zeros."""
    found = re.fullmatch(rf"{name}=([1-9][0-9]{{0,9}})", text, re.ASCII)
    return int(found[1]) if found else None


def is_argon2(text: str) -> bool:
    """Return whether argon2's reference implementation would take the text, which it never gets to see."""
    parts = text.split("$")
    if len(parts) != 6 or parts[0] or parts[1] not in {"argon2i", "argon2d", "argon2id"} or parts[2] != "v=19":
        return False
    cost = [number(word, name) for word, name in zip(parts[3].split(","), "mtp", strict=False)]
    salt, digest = map(decode_base64, parts[4:])
    if parts[3].count(",") != 2 or None in cost or salt is None or digest is None or "=" in parts[4] + parts[5]:
        return False
    memory, passes, lanes = (value or 0 for value in cost)
    bounds = 8 * lanes <= memory < 2**32 and passes < 2**32 and lanes <= 0xFFFFFF
    return bounds and len(salt) >= 8 and len(digest) >= 4


def is_bcrypt(text: str) -> bool:
    """Return whether the text has the form of bcrypt."""
    return re.fullmatch(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}", text, re.ASCII) is not None


def is_ldap(text: str) -> bool:
    """Return whether OpenLDAP could compare a password with the text, had it the module for its scheme."""
    scheme, _, rest = text.removeprefix("{").partition("}")
    found = decode_base64(rest)
    name = scheme.lower()
    if not text.startswith("{") or not scheme.isascii() or not found or len(rest) % 4:
        return False
    return len(found) == SIZES.get(SCHEMES.get(name, ""), -1) or len(found) > SIZES.get(SALTED.get(name, ""), 2**31)


def is_pbkdf2(text: str) -> bool:
    """Return whether the text names its parameters and has a derived key of its length."""
    parts = text.split("$")
    if len(parts) != 5 or parts[0] or not parts[1].startswith("pbkdf2-") or parts[1][7:] not in SIZES:
        return False
    passes, _, length = parts[2].partition(",")
    salt, derived = map(decode_base64, parts[3:])
    return bool(number(passes, "i") and salt and derived) and number(length, "l") == len(derived or b"")


CRYPT = "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase  # in the order of their values


def is_of_crypt(text: str, size: int, *, last_bits: int = 6) -> bool:
    """Return whether the text has so many characters of crypt(3) of which the last stands for so many bits."""
    return len(text) == size and set(text) <= set(CRYPT) and CRYPT.index(text[-1]) < 2**last_bits


def is_phpass(text: str, size: int, *, last_bits: int, ids: str) -> bool:
    """Return whether the text is a phpass hash, of a password or with U of the MD5 of one."""
    empty, kind, rest = (*text.removeprefix("U").split("$"), "", "")[:3]
    rounds = CRYPT.find(rest[:1]) if rest else -1
    has_parts = not empty and text.count("$") == 2 and kind in [*ids]
    return has_parts and 7 <= rounds <= 30 and is_of_crypt(rest[1:], size, last_bits=last_bits)


def is_unix_crypt(text: str, size: int, *, last_bits: int, ids: Sequence[str], salt_size: int = 16) -> bool:
    """Return whether the text has the parts of a crypt(3) hash: its id, rounds where they are given, salt and hash."""
    empty, kind, *rest = (*text.split("$"), "")[: text.count("$") + 1] if "$" in text else ("x", "")
    rounds = rest.pop(0) if len(rest) == 3 and salt_size == 16 else "rounds=5000"
    if empty or kind not in ids or len(rest) != 2 or not re.fullmatch("rounds=[1-9][0-9]{3,8}", rounds, re.ASCII):
        return False
    salt, digest = rest
    return 0 < len(salt) <= salt_size and set(salt) <= set(CRYPT) and is_of_crypt(digest, size, last_bits=last_bits)


TEXTUAL: dict[str, Callable[[str], bool]] = {
    "argon2": is_argon2,
    "bcrypt": is_bcrypt,
    "ldap": is_ldap,
    "pbkdf2": is_pbkdf2,
    "bcrypt_sha256": is_bcrypt,
    "wordpress": lambda text: text.startswith("$wp") and is_bcrypt(text[3:]),
    "phpass": partial(is_phpass, size=30, last_bits=2, ids="PH"),
    "drupal": partial(is_phpass, size=51, last_bits=6, ids="S"),
    "md5crypt": partial(is_unix_crypt, size=22, last_bits=2, ids=("1", "apr1"), salt_size=8),
    "sha256crypt": partial(is_unix_crypt, size=43, last_bits=4, ids=("5",)),
    "sha512crypt": partial(is_unix_crypt, size=86, last_bits=2, ids=("6",)),
}


def can_verify(text: str, algorithm: str, encoding: str, size: int | None) -> bool:
    """Return whether the text is a hash of the algorithm; `size` is its number of bytes, where something says it."""
    if algorithm in TEXTUAL:
        return TEXTUAL[algorithm](text)
    found = decode(text, encoding)
    return bool(found) and size in {None, len(found or b"")}
