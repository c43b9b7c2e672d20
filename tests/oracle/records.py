"""Records near the edge of what is valid: every field, every limit and one more, wrong types, missing parts."""

from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.oracle.twin import FIELDS, HASH_KEYS, RESERVED

Json = object
Strategy = st.SearchStrategy[Json]

BCRYPT = "$2b$10$" + "Aa0./" * 10 + "xyz"
PHC = "$c2FsdHNhbHQ$aGFzaGhhc2g"
# a failing batch is not made smaller: the message names the record
GENERATED = settings(phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), database=None)
CONTROLS = ["\x00", "\t", "\n", "\x1f", "\ufffd"]


def rarely(usual: Strategy, odd: Strategy, *, out_of: int = 12) -> Strategy:
    return st.integers(1, out_of).flatmap(lambda number: odd if number == out_of else usual)


def lengths(*around: int) -> st.SearchStrategy[int]:
    """The given lengths, one less and one more."""
    return st.sampled_from([length + step for length in around for step in (-1, 0, 1) if length + step >= 0])


def texts(*around: int) -> st.SearchStrategy[str]:
    """Texts of about these lengths, some beyond ASCII."""
    return st.builds(
        lambda length, unit: (unit * length)[:length], lengths(*around), st.sampled_from(["x", "aé", "日", "😀"])
    )


anything: Strategy = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.just(1.5),
    st.just(""),
    st.just("x"),
    st.just([]),
    st.just({}),
    st.just([{}]),
)
unsound = st.builds(lambda a, control, b: a + control + b, texts(1, 5), st.sampled_from(CONTROLS), texts(0, 5))

atoms = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=5)
odd_locals = st.sampled_from(
    ["", ".a", "a.", "a..b", "a b", '"a b"', "a@b", "é", "a" * 63, "a" * 64, "a" * 65, "a,b", "a\\b", "(c)a", "\u212a"]
)
locals_ = rarely(st.lists(atoms, min_size=1, max_size=3).map(".".join), odd_locals, out_of=4)
labels = st.one_of(
    st.text("abcz019", min_size=1, max_size=6),
    st.sampled_from(
        ["x" * 62, "x" * 63, "a-b", "a--b", "xn--mnchen-3ya", "MÜNCHEN", "bücher", "例え", "l·l", "é" * 58, "é" * 59]
    ),
)
odd_labels = st.sampled_from(
    [
        "",
        "-a",
        "a-",
        "x" * 64,
        "é" * 60,
        "a_b",
        "a b",
        "ａ",
        "a．b",
        "ﬁ",
        "☃",
        "😀",
        "-é",
        "é-",
        "a·l",
        "ー・",
        "a・b",
        "٠۰",
        "א׳",
        "a׳",
        "㍻",
        "क\u200dष",
        "नी\u200c",
        "ـa",
        "〇",
        "\u0301a",
        "[127.0.0.1]",
        "a/b",
        "\u2126",
    ]
)
domains = st.lists(rarely(labels, odd_labels), min_size=1, max_size=4).map(".".join)
long_domain = st.integers(180, 250).map(lambda length: ".".join(["x" * 50] * 10)[:length].strip("."))
emails: Strategy = st.builds("{}@{}".format, locals_, rarely(domains, long_domain)) | st.sampled_from(
    ["", "@", "a", "a@b@c", "a@b.c\n"]
)

hosts = st.sampled_from(
    [
        "example.com",
        "a",
        "1.2.3.4",
        "999.1",
        "[::1]",
        "[1:2:3:4:5:6:7:8]",
        "[::ffff:1.2.3.4]",
        "[v1.a:b]",
        "u:p@a",
        "a:80",
        "a:",
        "%41",
    ]
)
odd_hosts = st.sampled_from(
    [
        "",
        ":80",
        "a b",
        "é.com",
        "[::1",
        "[1:2]",
        "[:::1]",
        "[::01.2.3.4]",
        "[::1%25eth0]",
        "a:b",
        "u@@a",
        "%4",
        "a\\b",
        "[::1]a",
        "[v.a]",
    ]
)
tails = st.sampled_from(
    ["", "/", "/a/b;c=d", "//", "?q", "?a=/?:@", "#f", "/p?q#f", "/%7E", "/a:@!$&'()*+,;=", "/a-_.~"]
)
odd_tails = st.sampled_from(["/ ", "/é", "/%", "/%6G", "/[", "#a#b", "/{}", '/"', "/^", "/|", "/\\", "/<>", "/`", "?é"])
schemes = rarely(st.sampled_from(["http", "https", "HTTPS"]), st.sampled_from(["", "ftp", "httpx", "1http", "ht tp"]))
pictures: Strategy = st.builds(
    "{}://{}{}".format, schemes, rarely(hosts, odd_hosts), rarely(tails, odd_tails)
) | st.sampled_from(["", "x", "//a", "http:/a", "http:a", "https://", "data:image/png;base64,xx"])

phones: Strategy = st.integers(0, 16).map(lambda digits: "+" + "1" * digits) | st.sampled_from(
    ["+49 30", "4930", "+٣", "+1\n", "++1"]
)
user_ids: Strategy = texts(1, 255) | st.sampled_from(
    ["auth0|123", "00123", "a b", "a\u00a0", "a\u2003b", "\u200b", "a\u0085", "\ufeff"]
)
usernames: Strategy = texts(1, 128) | st.sampled_from(
    ["x" * 127, "x" * 128, "x" * 129, "a@b", "a@", "@a", "a b", "a/b@c", "é", "A.b-c_d", "@^$.!`-#+'~_", "a@b.c@d", "K"]
)
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

metadata_keys = st.sampled_from(["plan", "a.b", "", "é", "user name", "x"])
metadata: Strategy = st.recursive(
    anything | texts(3) | rarely(texts(3), unsound, out_of=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(metadata_keys, inner, max_size=3),
    max_leaves=6,
)
user_metadata: Strategy = st.dictionaries(metadata_keys, metadata, max_size=4)
app_metadata: Strategy = st.dictionaries(rarely(metadata_keys, st.sampled_from(RESERVED)), metadata, max_size=4)


def members(
    required: dict[str, Strategy], optional: dict[str, Strategy], *, unknown: Sequence[str] = ("extra", "rounds")
) -> Strategy:
    """Objects of these members: now and then one is missing, of another type, or one too many."""
    usual = st.fixed_dictionaries(
        {key: rarely(value, anything, out_of=25) for key, value in required.items()},
        optional={key: rarely(value, anything, out_of=25) for key, value in optional.items()},
    )
    missing = st.tuples(usual, st.sampled_from(list(required) or ["-"])).map(
        lambda pair: {k: v for k, v in pair[0].items() if k != pair[1]}
    )
    more = st.tuples(usual, st.sampled_from(list(unknown)), anything).map(
        lambda three: {**three[0], three[1]: three[2]}
    )
    return rarely(rarely(usual, missing, out_of=10), more, out_of=15)


def words(known: str, *odd: str) -> Strategy:
    return rarely(
        st.sampled_from(known.split()), st.sampled_from(["", "SHA1", "utf-8", "none", "hex\n", *odd]), out_of=15
    )


def digests(*sizes: int) -> Strategy:
    """Values of the given sizes in bytes, in hex and base64, and some that are a little off."""
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
    """Hashes that claim the algorithm."""
    encoding = words(ENCODED[algorithm], "hex", "base64", "utf8")
    text = rarely(texts(1, 8), unsound)
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

totp = members(
    {
        "secret": rarely(
            st.sampled_from(["JBSWY3DPEHPK3PXP", "A", "234567"]), st.sampled_from(["", "a", "A=", "A1", "A B", "A\n"])
        )
    },
    {},
)
factors: Strategy = rarely(
    st.one_of(
        st.fixed_dictionaries({"totp": totp}),
        st.fixed_dictionaries({"phone": members({"value": phones}, {})}),
        st.fixed_dictionaries({"email": members({"value": emails}, {})}),
    ),
    st.one_of(
        anything,
        st.fixed_dictionaries({}, optional={"totp": totp, "sms": anything, "phone": anything, "email": anything}),
    ),
)
mfa_factors: Strategy = st.lists(factors, max_size=3) | lengths(10).flatmap(
    lambda n: factors.map(lambda factor: [factor] * n)
)

VALUES: dict[str, Strategy] = {
    "email_verified": st.booleans(),
    "phone_number": phones,
    "phone_verified": st.booleans(),
    "user_id": user_ids,
    "username": usernames,
    "given_name": texts(1, 150),
    "family_name": texts(1, 150),
    "name": texts(1, 300),
    "nickname": texts(1, 300),
    "picture": pictures,
    "blocked": st.booleans(),
    "password_hash": password_hashes,
    "custom_password_hash": custom_password_hashes,
    "app_metadata": app_metadata,
    "user_metadata": user_metadata,
    "mfa_factors": mfa_factors,
}
VALID: dict[str, Strategy] = {
    **VALUES,
    "phone_number": st.just("+4930123"),
    "user_id": st.just("auth0|1"),
    "username": st.just("jane.doe"),
    "given_name": st.just("Jane"),
    "family_name": texts(2, 149),
    "name": texts(2, 299),
    "nickname": st.just("j"),
    "picture": st.just("https://example.com/j.png"),
    "password_hash": st.just(BCRYPT),
    "app_metadata": st.just({"plan": "pro", "roles": ["a", "b"]}),
    "user_metadata": st.just({"colour": {"name": "blue"}}),
    "mfa_factors": st.just([{"totp": {"secret": "ABC"}}]),
}


def with_edge(name: str) -> Strategy:
    """A record that is valid but, perhaps, in one field."""
    odd = rarely(emails if name == "email" else VALUES[name], st.one_of(anything, unsound), out_of=8)
    one_hash = "password_hash" if name == "custom_password_hash" else "custom_password_hash"
    rest = {key: value for key, value in VALID.items() if key not in {name, one_hash}}
    return st.fixed_dictionaries({"email": st.just("jane@example.com"), name: odd}, optional=rest)


records: Strategy = st.one_of(
    st.sampled_from(["email", *VALUES]).flatmap(with_edge),
    st.just("custom_password_hash").flatmap(with_edge),
    members({"email": emails}, VALUES, unknown=("emial", "isAdmin", "Email", "password", *FIELDS)),
)
