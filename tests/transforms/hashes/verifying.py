"""Verify a password by `password_hash` or `custom_password_hash`, with implementations that are not the product's."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import bcrypt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2i, Argon2id

from tests.transforms.hashes.crypt import md5_crypt, phpass, sha_crypt

Hash = Mapping[str, Any]


def verifies(password: str, *, password_hash: str | None, custom_password_hash: str | None) -> bool:
    """Return whether the password is that of the only hash that is given."""
    if password_hash is not None:
        return custom_password_hash is None and bcrypt.checkpw(password.encode(), password_hash.encode())
    whole = json.loads(custom_password_hash or "{}")
    return VERIFIERS[whole["algorithm"]](password.encode(), whole)


def decode(part: Hash) -> bytes:
    """Return the bytes of a value in its encoding; hex, else base64, where it has none."""
    value, encoding = str(part["value"]), part.get("encoding")
    if encoding == "utf8":
        return value.encode()
    if encoding == "hex" or (encoding is None and set(value.lower()) <= set("0123456789abcdef")):
        return bytes.fromhex(value)
    return base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))


def salt_of(whole: Hash) -> bytes:
    salt = whole.get("salt")
    return decode({"encoding": "utf8", **salt}) if salt else b""


def is_digest(password: bytes, whole: Hash) -> bool:
    salt = salt_of(whole)
    salted = password + salt if whole.get("salt", {}).get("position") == "suffix" else salt + password
    return hashlib.new(whole["algorithm"], salted, usedforsecurity=False).digest() == decode(whole["hash"])


def is_hmac(password: bytes, whole: Hash) -> bool:
    return hmac.digest(decode(whole["hash"]["key"]), password, whole["hash"]["digest"]) == decode(whole["hash"])


def is_argon2(password: bytes, whole: Hash) -> bool:
    _, kind, _, cost, salt, digest = text_of(whole).split("$")
    memory, passes, lanes = (int(part[2:]) for part in cost.split(","))
    salt_bytes, found = (decode({"value": text, "encoding": "base64"}) for text in (salt, digest))
    classes: Mapping[str, type[Argon2d | Argon2i | Argon2id]] = {"d": Argon2d, "i": Argon2i, "id": Argon2id}
    function = classes[kind.removeprefix("argon2")]
    derivation = function(salt=salt_bytes, length=len(found), iterations=passes, lanes=lanes, memory_cost=memory)
    return derivation.derive(password) == found


def is_pbkdf2(password: bytes, whole: Hash) -> bool:
    _, kind, cost, salt, digest = text_of(whole).split("$")
    passes, length = (int(part[2:]) for part in cost.split(","))
    salt_bytes = decode({"value": salt, "encoding": "base64"})
    derived = hashlib.pbkdf2_hmac(kind.removeprefix("pbkdf2-"), password, salt_bytes, passes, length)
    return derived == decode({"value": digest, "encoding": "base64"})


def is_scrypt(password: bytes, whole: Hash) -> bool:
    return derive_scrypt(password, whole, length=whole["keylen"]) == decode(whole["hash"])


def derive_scrypt(password: bytes, whole: Hash, *, length: int) -> bytes:
    n, r, p = (whole.get(name, usual) for name, usual in (("cost", 16384), ("blockSize", 8), ("parallelization", 1)))
    return hashlib.scrypt(password, salt=salt_of(whole), n=n, r=r, p=p, dklen=length, maxmem=2**28)


def is_firebase_scrypt(password: bytes, whole: Hash) -> bool:
    key = derive_scrypt(password, whole, length=64)[:32]
    cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return cipher.update(decode(whole["hash"]["key"])) + cipher.finalize() == decode(whole["hash"])


def is_ldap(password: bytes, whole: Hash) -> bool:
    scheme, _, text = text_of(whole).lower().replace("-", "").removeprefix("{").partition("}")
    text = text_of(whole).partition("}")[2]
    names = {"sha": "sha1", "ssha": "sha1", "smd5": "md5"}
    digest = names.get(scheme, scheme.removeprefix("s") if scheme.startswith("ss") else scheme)
    whole_bytes, size = base64.b64decode(text), hashlib.new(digest, usedforsecurity=False).digest_size
    return hashlib.new(digest, password + whole_bytes[size:], usedforsecurity=False).digest() == whole_bytes[:size]


def is_redmine(password: bytes, whole: Hash) -> bool:
    inner = hashlib.sha1(password, usedforsecurity=False).hexdigest().encode()
    return hashlib.sha1(salt_of(whole) + inner, usedforsecurity=False).digest() == decode(whole["hash"])


def is_bcrypt(password: bytes, whole: Hash) -> bool:
    return bcrypt.checkpw(password, text_of(whole).replace("$2y$", "$2b$").encode())


def is_bcrypt_sha256(password: bytes, whole: Hash) -> bool:
    return is_bcrypt(hashlib.sha256(password).hexdigest().encode(), whole)


def is_wordpress(password: bytes, whole: Hash) -> bool:
    inner = base64.b64encode(hmac.digest(b"wp-sha384", password, "sha384"))
    return is_bcrypt(inner, {"hash": {"value": text_of(whole).removeprefix("$wp")}})


def is_phpass(password: bytes, whole: Hash) -> bool:
    text, digest = text_of(whole), "sha512" if whole["algorithm"] == "drupal" else "md5"
    if text.startswith("U"):
        password, text = hashlib.md5(password, usedforsecurity=False).hexdigest().encode(), text[1:]
    return phpass(password, text[:12], digest)[: len(text)] == text


def is_md5_crypt(password: bytes, whole: Hash) -> bool:
    _, kind, salt, _ = text_of(whole).split("$")
    return md5_crypt(password, kind, salt) == text_of(whole)


def is_sha_crypt(password: bytes, whole: Hash) -> bool:
    return sha_crypt(password, text_of(whole).rpartition("$")[0]) == text_of(whole)


def text_of(whole: Hash) -> str:
    return str(whole["hash"]["value"])


VERIFIERS: Mapping[str, Callable[[bytes, Hash], bool]] = {
    **dict.fromkeys(("md5", "sha1", "sha256", "sha512"), is_digest),
    "hmac": is_hmac,
    "argon2": is_argon2,
    "pbkdf2": is_pbkdf2,
    "scrypt": is_scrypt,
    "firebase_scrypt": is_firebase_scrypt,
    "ldap": is_ldap,
    "redmine": is_redmine,
    "bcrypt": is_bcrypt,
    "bcrypt_sha256": is_bcrypt_sha256,
    "wordpress": is_wordpress,
    "phpass": is_phpass,
    "drupal": is_phpass,
    "md5crypt": is_md5_crypt,
    "sha256crypt": is_sha_crypt,
    "sha512crypt": is_sha_crypt,
}
