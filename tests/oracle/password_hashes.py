"""Password hashes near the limits of the rules: bcrypt, and objects of every algorithm."""

from hypothesis import strategies as st

from tests.oracle.strategies import Strategy, members, rarely, texts, unclean
from tests.oracle.twin import HASH_KEYS

BCRYPT = "$2b$10$" + "Aa0./" * 10 + "xyz"
PHC = "$c2FsdHNhbHQ$aGFzaGhhc2g"

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


def digests(*sizes: int) -> Strategy:
    """Return values of the given sizes in bytes, in hex and base64, and some that are a little longer or shorter."""
    hexes = st.sampled_from([2 * size + step for size in sizes for step in (0, 0, 0, -1, 1, 2)]).map(
        lambda n: ("0aF" * n)[:n]
    )
    bases = st.sampled_from([size + step for size in sizes for step in (0, 0, 0, -1, 1)]).map(base64_of)
    return st.one_of(hexes, bases, st.sampled_from(["", "==", "é", "zz", "a=b="]))


def base64_of(size: int) -> str:
    bare = ("aZ09+/-_" * size)[: -(-size * 4 // 3)]
    return bare + ["", "=" * (-size % 3)][size % 2]


FORMS: dict[str, Strategy] = {
    "argon2": st.sampled_from(
        ["$argon2id$v=19$m=65536,t=3,p=4" + PHC, "$argon2i$v=19$m=1,t=1,p=1" + PHC, "$argon2x$v=19$m=1,t=1,p=1" + PHC]
    )
    | st.sampled_from(
        ["$argon2d$v=16$m=1,t=1,p=1" + PHC, "$argon2d$m=1,t=1,p=1" + PHC, "$argon2d$v=19$m=0,t=1,p=1" + PHC]
    ),
    "bcrypt": password_hashes,
    "hmac": digests(16, 20, 32),
    "ldap": st.sampled_from(
        [
            "{SSHA}aGFzaA==",
            "{md5}aGFzaA==",
            "{SHA512}aGFzaA",
            "{CRYPT}aGFzaA==",
            "{SHA}",
            "SHA}aGFzaA==",
            "{SMD5}aGFzaA==",
            "{ssha-256}aGF-_w",
        ]
    ),
    "md4": digests(16),
    "md5": digests(16),
    "sha1": digests(20),
    "sha256": digests(32),
    "sha512": digests(64),
    "pbkdf2": st.sampled_from(
        [
            "$pbkdf2-sha512$i=100000,l=64" + PHC,
            "$pbkdf2-md5$i=1,l=1" + PHC,
            "$pbkdf2$i=1,l=1" + PHC,
            "$pbkdf2-sha3$i=1,l=1" + PHC,
            "$pbkdf2-sha1$l=1,i=1" + PHC,
        ]
    ),
    "scrypt": digests(16, 64),
}
ENCODED = {name: "utf8" if name in {"argon2", "bcrypt", "ldap", "pbkdf2"} else "hex base64" for name in FORMS}
numbers: Strategy = st.sampled_from([-1, 0, 1, 2, 3, 4, 16384, 16383, 2.0, 1.5, 2**30, 2**31 - 1, 2**31])


def custom_hashes(algorithm: str) -> Strategy:
    """Return hashes of the algorithm."""
    encoding = words(ENCODED[algorithm], "hex", "base64", "utf8")
    text = rarely(texts(1, 8), unclean)
    key = members({"value": text}, {"encoding": words("base64 hex utf8")})
    salt = members({"value": text}, {"encoding": words("base64 hex utf8"), "position": words("prefix suffix")})
    hmac: dict[str, Strategy] = {
        "digest": words("md4 md5 ripemd160 sha1 sha224 sha256 sha384 sha512 whirlpool"),
        "key": key,
    }
    more = {**hmac, "encoding": encoding} if algorithm != "hmac" else {"encoding": encoding}
    required = {"value": FORMS[algorithm], **(hmac if algorithm == "hmac" else {})}
    password = members({}, {"encoding": words("ascii utf8 utf16le ucs2 latin1 binary")})
    return members(
        {
            "algorithm": rarely(st.just(algorithm), words("argon2 md5 scrypt hmac", "MD5"), out_of=15),
            "hash": members(required, more),
            **({"keylen": numbers} if algorithm == "scrypt" else {}),
        },
        {"salt": salt, "password": password, "cost": numbers, "blockSize": numbers, "parallelization": numbers},
        unknown=("rounds", "iterations", "Hash", *HASH_KEYS),
    )


custom_password_hashes: Strategy = st.sampled_from(sorted(FORMS)).flatmap(custom_hashes)
