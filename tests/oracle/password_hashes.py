"""Password hashes near the limits of the rules: bcrypt, and objects of every algorithm."""

import base64
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.oracle.strategies import Strategy, members, rarely, texts, unclean
from tests.oracle.twin import HASH_KEYS

BCRYPT = "$2b$10$" + "Aa0./" * 10 + "xyz"

password_hashes: Strategy = st.sampled_from(
    [
        BCRYPT,
        BCRYPT.replace("2b", "2a"),
        BCRYPT.replace("2b", "2y"),
        BCRYPT.replace("10", "03"),
        BCRYPT.replace("10", "04"),
        BCRYPT.replace("10", "31"),
        BCRYPT.replace("10", "32"),
        BCRYPT[:-1],
        BCRYPT + "x",
        BCRYPT[:-1] + "!",
        BCRYPT + "\n",
        "",
    ]
)


def words(known: str, *odd: str) -> Strategy:
    return rarely(
        st.sampled_from(known.split()), st.sampled_from(["", "SHA1", "utf-8", "none", "hex\n", *odd]), out_of=15
    )


def of_crypt(heads: Sequence[str], *sizes: int) -> Strategy:
    """Return hashes in the alphabet of crypt(3), some of them damaged."""
    ends = st.sampled_from(["/", "1", "D", "E", "z"])
    bodies = st.sampled_from(sizes).map(lambda size: ("Aa0./z9Z" * 12)[: size - 1])
    return damaged(st.builds("{}{}{}".format, st.sampled_from(heads), bodies, ends))


def damaged(texts: Strategy) -> Strategy:
    """Return texts of which some are cut off, have something around them or another last character."""
    return st.one_of(texts, texts, texts.flatmap(lambda text: st.sampled_from(damages(str(text)))))


def damages(text: str) -> list[str]:
    around = [f" {text}", f"{text}\u00a0", f"{text}=", f"\ufeff{text}", f"{text}A", ""]
    return [text[:-1], text[:-2], text[:-4], text[: len(text) // 2], f"{text[:-1]}B", *around]


def some_bytes(*sizes: int) -> st.SearchStrategy[bytes]:
    return st.sampled_from(sizes).flatmap(lambda size: st.binary(min_size=size, max_size=size))


def in_base64(*sizes: int) -> st.SearchStrategy[str]:
    """Return bytes of these sizes in base64 of either alphabet, padded or not."""
    encoders = st.sampled_from([base64.b64encode, base64.urlsafe_b64encode])
    padded = st.builds(lambda encode, found: encode(found).decode(), encoders, some_bytes(*sizes))
    return st.one_of(padded, padded.map(lambda text: text.rstrip("=")))


def digests(*sizes: int) -> Strategy:
    """Return values of the given sizes in bytes, in hex and base64, some of them damaged."""
    in_hex = some_bytes(*sizes).map(bytes.hex)
    return damaged(st.one_of(in_hex, in_hex.map(str.upper), in_base64(*sizes))) | st.sampled_from(["==", "é", "zz"])


def phc(heads: Sequence[str], salts: st.SearchStrategy[str], hashes: st.SearchStrategy[str]) -> Strategy:
    """Return PHC texts, some of them damaged."""
    return damaged(st.builds("{}${}${}".format, st.sampled_from(heads), salts, hashes))


ARGON2 = [
    "$argon2id$v=19$m=65536,t=3,p=4",
    "$argon2i$v=19$m=8,t=1,p=1",
    "$argon2d$v=19$m=4294967295,t=4294967295,p=16777215",
    "$argon2id$v=19$m=4294967296,t=1,p=1",
    "$argon2id$v=19$m=65536,t=4294967296,p=1",
    "$argon2id$v=19$m=4294967295,t=1,p=16777216",
    "$argon2i$v=19$m=15,t=1,p=2",
    "$argon2i$v=19$m=0,t=1,p=1",
    "$argon2i$v=19$m=08,t=1,p=1",
    "$argon2x$v=19$m=8,t=1,p=1",
    "$argon2d$v=16$m=8,t=1,p=1",
    "$argon2d$m=8,t=1,p=1",
]
PBKDF2 = [
    f"$pbkdf2-{digest}$i=1000,l={length}" for digest in ("sha1", "whirlpool", "sha512") for length in (20, 32, 64)
]
ODD_PBKDF2 = [
    "$pbkdf2$i=1,l=32",
    "$pbkdf2-sha3$i=1,l=32",
    "$pbkdf2-sha1$l=32,i=1",
    "$pbkdf2-sha1$i=1",
    "$pbkdf2-sha1$i=0,l=32",
]
SCHEMES = [
    "SSHA",
    "md5",
    "SMD5",
    "sha",
    "SHA1",
    "SSHA1",
    "sha-1",
    "SSHA-256",
    "SHA256",
    "ssha512",
    "SHA-384",
    "SSHA224",
    "SHA3",
    "CRYPT",
    "SSHA-",
    "MD-5",
]

FORMS: dict[str, Strategy] = {
    "argon2": phc(ARGON2, in_base64(7, 8, 16), in_base64(3, 4, 32)),
    "bcrypt": password_hashes,
    "hmac": digests(16, 20, 32),
    "ldap": damaged(
        st.builds(
            "{{{}}}{}".format, st.sampled_from(SCHEMES), in_base64(16, 17, 20, 21, 24, 28, 32, 36, 48, 64, 65, 72)
        )
    ),
    "md4": digests(15, 16, 16, 24),
    "md5": digests(15, 16, 16, 24),
    "sha1": digests(20, 20, 30),
    "sha256": digests(32, 32, 31, 48),
    "sha512": digests(64, 64, 96),
    "pbkdf2": phc([*PBKDF2, *PBKDF2, *ODD_PBKDF2], in_base64(1, 8, 16), in_base64(20, 32, 64)),
    "scrypt": digests(1, 16, 64),
    "bcrypt_sha256": password_hashes,
    "wordpress": damaged(password_hashes.map("$wp{}".format)),
    "phpass": of_crypt(
        ["$P$9", "$H$S", "U$P$5", "$P$4", "$P$T", "$S$9", "U$H$B", "P$P$B", "$PH$B", "U$$P$B"], 30, 30, 51
    ),
    "drupal": of_crypt(["$S$D", "U$S$C", "$S$4", "$P$D", "S$D", "$S$S"], 51, 51, 50, 30),
    "md5crypt": of_crypt(
        ["$1$salt$", "$apr1$saltsalt$", "$1$$", "$2$a$", "$1$saltsalts$", "$1$rounds=1000$a$"], 22, 22, 21
    ),
    "sha256crypt": of_crypt(
        ["$5$s$", "$5$rounds=1000$salt$", "$5$rounds=999$s$", "$5$rounds=01000$s$", "$6$s$"], 43, 43, 86
    ),
    "sha512crypt": of_crypt(["$6$s$", "$6$rounds=999999999$salt$", "$6$$", "$6$" + "s" * 17 + "$", "$6$s"], 86, 86, 43),
    "firebase_scrypt": digests(64, 64, 32),
    "redmine": digests(20, 20, 32),
}
ENCODED = {
    "firebase_scrypt": "base64",
    "redmine": "hex",
    **dict.fromkeys(["hmac", "md4", "md5", "sha1", "sha256", "sha512", "scrypt"], "hex base64"),
}
numbers: Strategy = st.sampled_from(
    [-1, 0, 1, 16, 16, 64, 64, 2, 3, 4, 16384, 16383, 2.0, 1.5, 2**30, 2**31 - 1, 2**31]
)


def custom_hashes(algorithm: str) -> Strategy:
    """Return hashes of the algorithm."""
    encoding = words(ENCODED.get(algorithm, "utf8"), "hex", "base64", "utf8")
    text = rarely(texts(1, 8) | in_base64(0, 1, 2, 3) | st.sampled_from(["0aF9", "0aF"]), unclean)
    key = members({"value": text}, {"encoding": words("base64 hex utf8")})
    salt = members({"value": text}, {"encoding": words("base64 hex utf8"), "position": words("prefix suffix")})
    hmac: dict[str, Strategy] = {
        "digest": words("md4 md5 ripemd160 sha1 sha224 sha256 sha384 sha512 whirlpool"),
        "key": key,
    }
    keyed = {"hmac": hmac, "firebase_scrypt": {"key": key}}.get(algorithm, {})
    more = {"encoding": encoding, **{name: value for name, value in hmac.items() if name not in keyed}}
    required = {"value": FORMS[algorithm], **keyed}
    password = members({}, {"encoding": words("ascii utf8 utf16le ucs2 latin1 binary")})
    salts = {"salt": salt}
    required_salt = salts if algorithm in {"firebase_scrypt", "redmine"} else {}
    optional = {"password": password, "cost": numbers, "blockSize": numbers, "parallelization": numbers}
    return members(
        {
            "algorithm": rarely(st.just(algorithm), words("argon2 md5 scrypt hmac phpass redmine", "MD5"), out_of=15),
            "hash": members(required, more),
            **({"keylen": numbers} if algorithm == "scrypt" else {}),
            **required_salt,
        },
        optional if required_salt else {**salts, **optional},
        unknown=("rounds", "iterations", "Hash", *HASH_KEYS),
    )


custom_password_hashes: Strategy = st.sampled_from(sorted(FORMS)).flatmap(custom_hashes)
