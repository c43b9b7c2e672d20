"""The hashes of crypt(3) and phpass, written from their descriptions; they verify what the product rewrites.

Descriptions: the source of phpass, Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512", the source of MD5 crypt.
"""

import hashlib
from collections.abc import Iterator

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def little_endian(text: bytes) -> str:
    """Return bytes in the alphabet, the lowest six bits first."""
    whole = int.from_bytes(text, "little")
    return "".join(ALPHABET[whole >> shift & 63] for shift in range(0, len(text) * 8, 6))


def phpass(password: bytes, setting: str, digest: str) -> str:
    """Return the hash of a setting such as `$P$9saltsalt`."""
    kind, rounds, salt = setting[:3], 1 << ALPHABET.index(setting[3]), setting[4:12].encode()
    found = hashlib.new(digest, salt + password).digest()
    for _ in range(rounds):
        found = hashlib.new(digest, found + password).digest()
    whole = "".join(little_endian(found[at : at + 3]) for at in range(0, len(found), 3))
    return f"{kind}{setting[3:12]}{whole}"


def md5_crypt(password: bytes, kind: str, salt: str) -> str:
    """Return the hash of the kind `1` or `apr1`."""
    inner = hashlib.md5(password + salt.encode() + password, usedforsecurity=False).digest()
    start = password + f"${kind}${salt}".encode() + (inner * (len(password) // 16 + 1))[: len(password)]
    bits = (b"\0" if bit == "1" else password[:1] for bit in reversed(f"{len(password):b}"))
    found = hashlib.md5(start + b"".join(bits), usedforsecurity=False).digest()
    for number in range(1000):
        parts = [found, password][:: 1 - 2 * (number % 2)]
        middle = (salt.encode() if number % 3 else b"") + (password if number % 7 else b"")
        found = hashlib.md5(parts[0] + middle + parts[1], usedforsecurity=False).digest()
    order = [(12, 6, 0), (13, 7, 1), (14, 8, 2), (15, 9, 3), (5, 10, 4)]
    groups = "".join(little_endian(bytes(found[at] for at in places)) for places in order)
    return f"${kind}${salt}${groups}{little_endian(found[11:12])}"


def sha_crypt(password: bytes, setting: str) -> str:
    """Return the hash of a setting such as `$5$salt` or `$6$rounds=1000$salt`."""
    _, kind, *given, salt_text = setting.split("$")
    name, size = ("sha256", 32) if kind == "5" else ("sha512", 64)
    salt, rounds = salt_text.encode(), int(given[0].removeprefix("rounds=")) if given else 5000
    inner = hashlib.new(name, password + salt + password).digest()
    start = password + salt + (inner * (len(password) // size + 1))[: len(password)]
    bits = (inner if bit == "1" else password for bit in reversed(f"{len(password):b}"))
    found = hashlib.new(name, start + b"".join(bits)).digest()
    repeated_password = hashlib.new(name, password * len(password)).digest()
    p = (repeated_password * (len(password) // size + 1))[: len(password)]
    s = (hashlib.new(name, salt * (16 + found[0])).digest() * 2)[: len(salt)]
    for number in range(rounds):
        first, last = (p, found) if number % 2 else (found, p)
        found = hashlib.new(name, first + (s if number % 3 else b"") + (p if number % 7 else b"") + last).digest()
    rest = little_endian(bytes([found[30], found[31]])) if size == 32 else little_endian(found[63:])
    return f"{setting}${''.join(sha_groups(found, size))}{rest}"


def sha_groups(found: bytes, size: int) -> Iterator[str]:
    """Yield groups of three bytes as the description orders them: columns whose start rotates."""
    third = size // 3
    for number in range(third):
        rotation = [number + third * column for column in range(3)]
        turn = number % 3 if size == 64 else -number % 3
        first, second, last = rotation[turn:] + rotation[:turn]
        yield little_endian(bytes([found[last], found[second], found[first]]))
