"""Examples of records for every code of the rules, each with all codes and paths that it must get.

The codes of readers, plans and jobs have their examples where they are raised.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.codes import ErrorCode
from schemas.fields import FIELDS, LONGEST, JsonType
from schemas.frames import Layout

Record = Mapping[str, object]

BCRYPT = "$2b$10$" + "Aa0./" * 10 + "xyz"
PHC = "$c2FsdHNhbHQ$" + "aGFz" * 21 + "aA"  # 8 and 64 bytes
HASHES: Mapping[str, Record] = {
    "argon2": {"value": "$argon2id$v=19$m=65536,t=3,p=4" + PHC, "encoding": "utf8"},
    "bcrypt": {"value": BCRYPT, "encoding": "utf8"},
    "hmac": {"value": "00fF" * 10, "encoding": "hex", "digest": "sha1", "key": {"value": "k"}},
    "ldap": {"value": "{SSHA}" + "aGFz" * 7, "encoding": "utf8"},
    "md4": {"value": "0" * 32, "encoding": "hex"},
    "md5": {"value": "1B2M2Y8AsgTpgAmY7PhCfg==", "encoding": "base64"},
    "sha1": {"value": "aF" * 20, "encoding": "hex"},
    "sha256": {"value": "_-" * 21 + "A", "encoding": "base64"},
    "sha512": {"value": "0" * 128, "encoding": "hex"},
    "pbkdf2": {"value": "$pbkdf2-sha512$i=100000,l=64" + PHC, "encoding": "utf8"},
    "scrypt": {"value": "00ff" * 32, "encoding": "hex"},
    "bcrypt_sha256": {"value": BCRYPT, "encoding": "utf8"},
    "wordpress": {"value": "$wp" + BCRYPT.replace("2b", "2y"), "encoding": "utf8"},
    "phpass": {"value": "$P$9saltstriAcRMGl.91RgbAD6WSq64z.", "encoding": "utf8"},
    "drupal": {"value": "U$S$D" + "Aa0./" * 10 + "x", "encoding": "utf8"},
    "md5crypt": {"value": "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.", "encoding": "utf8"},
    "sha256crypt": {"value": "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "encoding": "utf8"},
    "sha512crypt": {"value": "$6$rounds=10000$salt$" + "Aa0./" * 17 + "1", "encoding": "utf8"},
    "firebase_scrypt": {
        "value": "A" * 86 + "==",
        "encoding": "base64",
        "key": {"value": "A" * 86, "encoding": "base64"},
    },
    "redmine": {"value": "aF" * 20, "encoding": "hex"},
}
PARTS: Mapping[str, Record] = {
    "scrypt": {"keylen": 64},
    "firebase_scrypt": {"salt": {"value": "c2FsdAc=", "encoding": "base64"}},
    "redmine": {"salt": {"value": "5a0e"}},
}
TEXTUAL = {name for name, hash_ in HASHES.items() if hash_["encoding"] == "utf8"}  # algorithms whose hashes are texts


@dataclass(frozen=True)
class Example:
    """A record and the codes and paths of all its errors."""

    text: str
    faults: frozenset[tuple[str, str]]
    layout: Layout = field(default_factory=Layout)


def user(**fields: object) -> Record:
    return {"email": "jane@example.com", **fields}


def hashed(algorithm: str, hash_: Record | None = None, /, **parts: object) -> Record:
    """Return a user whose hash is valid except for the given parts: those of `hash` and of the object around it."""
    value = {"algorithm": algorithm, "hash": {**HASHES.get(algorithm, HASHES["md4"]), **(hash_ or {})}}
    return user(custom_password_hash={**value, **PARTS.get(algorithm, {}), **parts})


def factors(*items: object) -> Record:
    return user(mfa_factors=list(items))


def without(record: Record, *path: str) -> Record:
    """Return the record without the member at the path."""
    first, *rest = path
    inner = {key: value for key, value in record.items() if key != first}
    return {**inner, first: without(record[first], *rest)} if rest else inner  # type: ignore[arg-type]


def example(record: Record | str, *faults: tuple[ErrorCode, str], layout: Layout | None = None) -> Example:
    text = record if isinstance(record, str) else json.dumps(record)
    return Example(text, frozenset((code.value, path) for code, path in faults), layout or Layout())


def one(code: ErrorCode, record: Record | str, path: str, *, layout: Layout | None = None) -> Example:
    return example(record, (code, path), layout=layout)


C = ErrorCode
ROOT = "custom_password_hash"
TEXTS = tuple(field.name for field in FIELDS if field.type is JsonType.STRING)
FLAGS = tuple(field.name for field in FIELDS if field.type is JsonType.BOOLEAN)
TOTP = {"totp": {"secret": "JBSWY3DPEHPK3PXP"}}
UNSEEN = "\u200b\ufeff\u00ad\u180e\u2060\u202e\u00a0\u3000\U000e0041"
TRIMMED = {
    "email": "jo@example.com",
    "phone_number": "+4930",
    "user_id": "auth0|1",
    "username": "jo",
    "given_name": "Jo",
    "family_name": "Li",
    "name": "Jo Li",
    "nickname": "jo",
    "picture": "https://example.com/jo.png",
    "middle_name": "M.",
    "locale": "pt-BR",
    "zoneinfo": "Europe/Berlin",
    "birthdate": "1990-12-31",
    "registered_at": "2024-02-29T13:05:00Z",
    "last_login_at": "2024-02-29T13:05:00.5+01:00",
    "source_id": "17",
}
LISTS = ("roles", "groups")
IDENTITY = {"provider": "google", "user_id": "1"}
CONTROLS = "\x7f\x80\x85\x9f"
CELLS = Layout(textual=True, columns=("email", "user_metadata"))
TEXT_CELLS = Layout(textual=True, columns=TEXTS)

EXAMPLES: Mapping[ErrorCode, tuple[Example, ...]] = {
    C.ANY_OF_MISSING: (one(C.ANY_OF_MISSING, factors(TOTP, {}), "mfa_factors[1]"),),
    C.ARRAY_LENGTH_LONG: (
        *(one(C.ARRAY_LENGTH_LONG, user(**{name: [f"r{i}" for i in range(1001)]}), name) for name in LISTS),
        one(C.ARRAY_LENGTH_LONG, factors(*[TOTP] * 11), "mfa_factors"),
        example(
            factors(*[TOTP] * 9, {}, 5, {}), (C.ARRAY_LENGTH_LONG, "mfa_factors"), (C.ANY_OF_MISSING, "mfa_factors[9]")
        ),
    ),
    C.ARRAY_LENGTH_SHORT: (one(C.ARRAY_LENGTH_SHORT, factors(), "mfa_factors"),),
    C.ENUM_MISMATCH: (
        one(C.ENUM_MISMATCH, hashed("whirlpool"), f"{ROOT}.algorithm"),
        one(C.ENUM_MISMATCH, hashed("md5", {"encoding": "HEX"}), f"{ROOT}.hash.encoding"),
        one(C.ENUM_MISMATCH, hashed("hmac", {"digest": "sha3"}), f"{ROOT}.hash.digest"),
        one(C.ENUM_MISMATCH, hashed("hmac", {"key": {"value": "k", "encoding": ""}}), f"{ROOT}.hash.key.encoding"),
        one(C.ENUM_MISMATCH, hashed("md5", salt={"value": "s", "encoding": "utf16"}), f"{ROOT}.salt.encoding"),
        one(C.ENUM_MISMATCH, hashed("md5", salt={"value": "s", "position": "infix"}), f"{ROOT}.salt.position"),
        one(C.ENUM_MISMATCH, hashed("md5", password={"encoding": "utf-8"}), f"{ROOT}.password.encoding"),
    ),
    C.FORMAT: (
        one(C.FORMAT, user(email="no address"), "email"),
        one(C.FORMAT, user(email=""), "email"),
        one(C.FORMAT, user(email="jane\u200b@example.com"), "email"),
        one(C.FORMAT, user(email="jane@क\u094d\u200dष.example"), "email"),
        one(C.FORMAT, user(email="\ufeff" + "jane@example.com"), "email"),
        one(C.FORMAT, user(picture="ftp://example.com/p.png"), "picture"),
        one(C.FORMAT, factors({"email": {"value": "@"}}), "mfa_factors[0].email.value"),
        one(C.FORMAT, user(identities=[{**IDENTITY, "email": "@"}]), "identities[0].email"),
        *(one(C.FORMAT, user(locale=tag), "locale") for tag in ("de_DE", "", "english language", "de-")),
        *(one(C.FORMAT, user(zoneinfo=zone), "zoneinfo") for zone in ("europe/berlin", "CEST", "+01:00")),
        *(one(C.FORMAT, user(birthdate=date), "birthdate") for date in ("1990-02-30", "31.12.1990", "0000-01-01")),
        *(
            one(C.FORMAT, user(**{name: time}), name)
            for name in ("registered_at", "last_login_at")
            for time in ("2024-02-29T13:05:00", "2023-02-29T13:05:00Z", "1709211900", "2024-02-29T22:59:60Z")
        ),
    ),
    C.INVALID_TYPE: (
        *(one(C.INVALID_TYPE, user(**{name: value}), name) for name in TEXTS for value in (None, 123)),
        *(one(C.INVALID_TYPE, user(**{name: "true"}), name) for name in FLAGS),
        one(C.INVALID_TYPE, user(app_metadata=[]), "app_metadata"),
        one(C.INVALID_TYPE, user(user_metadata="{}"), "user_metadata"),
        one(C.INVALID_TYPE, user(mfa_factors={}), "mfa_factors"),
        *(one(C.INVALID_TYPE, user(**{name: "admin"}), name) for name in LISTS),
        *(one(C.INVALID_TYPE, user(**{name: ["admin", None]}), f"{name}[1]") for name in LISTS),
        one(C.INVALID_TYPE, user(identities={}), "identities"),
        one(C.INVALID_TYPE, user(identities=[IDENTITY, "x"]), "identities[1]"),
        *(one(C.INVALID_TYPE, user(identities=[{**IDENTITY, key: 1}]), f"identities[0].{key}") for key in IDENTITY),
        one(C.INVALID_TYPE, user(identities=[{**IDENTITY, "email": None}]), "identities[0].email"),
        one(C.INVALID_TYPE, factors(TOTP, "x"), "mfa_factors[1]"),
        *(one(C.INVALID_TYPE, factors({kind: "x"}), f"mfa_factors[0].{kind}") for kind in ("totp", "phone", "email")),
        one(C.INVALID_TYPE, factors({"totp": {"secret": None}}), "mfa_factors[0].totp.secret"),
        one(C.INVALID_TYPE, factors({"phone": {"value": 1}}), "mfa_factors[0].phone.value"),
        one(C.INVALID_TYPE, factors({"email": {"value": []}}), "mfa_factors[0].email.value"),
        one(C.INVALID_TYPE, user(custom_password_hash=BCRYPT), ROOT),
        one(C.INVALID_TYPE, hashed("md5", hash="0"), f"{ROOT}.hash"),
        one(C.INVALID_TYPE, hashed("md5", {"value": 0}), f"{ROOT}.hash.value"),
        one(C.INVALID_TYPE, hashed("md5", salt="s"), f"{ROOT}.salt"),
        one(C.INVALID_TYPE, hashed("md5", salt={"value": None}), f"{ROOT}.salt.value"),
        one(C.INVALID_TYPE, hashed("md5", salt={"value": "s", "encoding": 8}), f"{ROOT}.salt.encoding"),
        one(C.INVALID_TYPE, hashed("md5", salt={"value": "s", "position": 1}), f"{ROOT}.salt.position"),
        one(C.INVALID_TYPE, hashed("md5", password="utf8"), f"{ROOT}.password"),
        one(C.INVALID_TYPE, hashed("md5", password={"encoding": None}), f"{ROOT}.password.encoding"),
        one(C.INVALID_TYPE, hashed("md5", algorithm=None), f"{ROOT}.algorithm"),
        one(C.INVALID_TYPE, hashed("md5", {"encoding": 16}), f"{ROOT}.hash.encoding"),
        one(C.INVALID_TYPE, hashed("hmac", {"digest": 1}), f"{ROOT}.hash.digest"),
        one(C.INVALID_TYPE, hashed("hmac", {"key": "k"}), f"{ROOT}.hash.key"),
        one(C.INVALID_TYPE, hashed("hmac", {"key": {"value": 1}}), f"{ROOT}.hash.key.value"),
        one(C.INVALID_TYPE, hashed("hmac", {"key": {"value": "k", "encoding": 1}}), f"{ROOT}.hash.key.encoding"),
        one(C.INVALID_TYPE, hashed("scrypt", blockSize="8"), f"{ROOT}.blockSize"),
        one(C.INVALID_TYPE, hashed("scrypt", parallelization=None), f"{ROOT}.parallelization"),
        one(C.INVALID_TYPE, hashed("scrypt", keylen="64"), f"{ROOT}.keylen"),
        one(C.INVALID_TYPE, hashed("scrypt", cost=1.5), f"{ROOT}.cost"),
    ),
    C.MAX_LENGTH: (
        one(C.MAX_LENGTH, user(email="a" * 65 + "@example.com"), "email"),
        one(C.MAX_LENGTH, user(email="a@" + "b" * 253), "email"),
        one(C.MAX_LENGTH, user(user_id="a b" * 86), "user_id"),
        one(C.MAX_LENGTH, user(username="é" * 129), "username"),
        one(C.MAX_LENGTH, user(given_name="日" * 151), "given_name"),
        one(C.MAX_LENGTH, user(family_name="x" * 151), "family_name"),
        one(C.MAX_LENGTH, user(name="x" * 301), "name"),
        one(C.MAX_LENGTH, user(nickname="x" * 301), "nickname"),
        one(C.MAX_LENGTH, user(middle_name="x" * 151), "middle_name"),
        one(C.MAX_LENGTH, user(source_id="x" * 256), "source_id"),
        *(one(C.MAX_LENGTH, user(**{name: ["é" * 256]}), f"{name}[0]") for name in LISTS),
        *(
            one(C.MAX_LENGTH, user(identities=[{**IDENTITY, key: "x" * 256}]), f"identities[0].{key}")
            for key in IDENTITY
        ),
        one(C.MAX_LENGTH, user(identities=[{**IDENTITY, "email": "a" * 255}]), "identities[0].email"),
        one(C.MAX_LENGTH, user(identities=[{**IDENTITY, "email": "a" * 65 + "@b.c"}]), "identities[0].email"),
        one(C.MAX_LENGTH, factors({"email": {"value": "a" * 300}}), "mfa_factors[0].email.value"),
        one(C.MAX_LENGTH, factors({"email": {"value": "a" * 65 + "@b.c"}}), "mfa_factors[0].email.value"),
    ),
    C.MIN_LENGTH: (
        *(one(C.MIN_LENGTH, user(**{name: ""}), name) for name in ("username", *LONGEST)),
        *(one(C.MIN_LENGTH, user(**{name: ["admin", ""]}), f"{name}[1]") for name in LISTS),
        *(one(C.MIN_LENGTH, user(identities=[{**IDENTITY, key: ""}]), f"identities[0].{key}") for key in IDENTITY),
    ),
    C.MINIMUM: (
        one(C.MINIMUM, hashed("scrypt", keylen=0), f"{ROOT}.keylen"),
        one(C.MINIMUM, hashed("scrypt", cost=1), f"{ROOT}.cost"),
        one(C.MINIMUM, hashed("scrypt", blockSize=0), f"{ROOT}.blockSize"),
        one(C.MINIMUM, hashed("scrypt", parallelization=-1), f"{ROOT}.parallelization"),
    ),
    C.MAXIMUM: tuple(
        one(C.MAXIMUM, hashed("scrypt", **{name: 2**31}), f"{ROOT}.{name}")
        for name in ("keylen", "cost", "blockSize", "parallelization")
    ),
    C.MFA_FACTORS_FAILED: (one(C.MFA_FACTORS_FAILED, factors({**TOTP, "phone": {"value": "+1"}}), "mfa_factors[0]"),),
    C.NOT_PASSED: (
        one(C.NOT_PASSED, user(username="jane@example.com"), "username"),
        one(C.NOT_PASSED, user(app_metadata={"identities": []}), "app_metadata.identities"),
        *(one(C.NOT_PASSED, user(**{name: ["a", "b", "a"]}), f"{name}[2]") for name in LISTS),
        one(C.NOT_PASSED, {**hashed("md5"), "password_hash": BCRYPT}, ROOT),
    ),
    C.OBJECT_REQUIRED: (
        one(C.OBJECT_REQUIRED, {}, "email"),
        one(C.OBJECT_REQUIRED, without(hashed("md5"), ROOT, "algorithm"), f"{ROOT}.algorithm"),
        one(C.OBJECT_REQUIRED, without(hashed("md5"), ROOT, "hash"), f"{ROOT}.hash"),
        one(C.OBJECT_REQUIRED, without(hashed("md5"), ROOT, "hash", "value"), f"{ROOT}.hash.value"),
        one(C.OBJECT_REQUIRED, hashed("md5", salt={}), f"{ROOT}.salt.value"),
        one(C.OBJECT_REQUIRED, without(hashed("hmac"), ROOT, "hash", "digest"), f"{ROOT}.hash.digest"),
        one(C.OBJECT_REQUIRED, without(hashed("hmac"), ROOT, "hash", "key"), f"{ROOT}.hash.key"),
        one(C.OBJECT_REQUIRED, hashed("hmac", {"key": {}}), f"{ROOT}.hash.key.value"),
        one(C.OBJECT_REQUIRED, without(hashed("scrypt"), ROOT, "keylen"), f"{ROOT}.keylen"),
        one(C.OBJECT_REQUIRED, without(hashed("firebase_scrypt"), ROOT, "hash", "key"), f"{ROOT}.hash.key"),
        *(
            one(C.OBJECT_REQUIRED, without(hashed(n), ROOT, "salt"), f"{ROOT}.salt")
            for n in ("firebase_scrypt", "redmine")
        ),
        one(C.OBJECT_REQUIRED, factors({"totp": {}}), "mfa_factors[0].totp.secret"),
        one(C.OBJECT_REQUIRED, factors(TOTP, {"phone": {}}), "mfa_factors[1].phone.value"),
        one(C.OBJECT_REQUIRED, factors({"email": {}}), "mfa_factors[0].email.value"),
        *(
            one(C.OBJECT_REQUIRED, user(identities=[without(IDENTITY, key)]), f"identities[0].{key}")
            for key in IDENTITY
        ),
    ),
    C.PATTERN: (
        one(C.PATTERN, user(phone_number="030 123"), "phone_number"),
        one(C.PATTERN, user(phone_number="+" + "1" * 16), "phone_number"),
        one(C.PATTERN, user(user_id="a b"), "user_id"),
        *(one(C.PATTERN, user(user_id=f"a{unseen}b"), "user_id") for unseen in UNSEEN),
        *(one(C.PATTERN, user(username=f"a{unseen}b"), "username") for unseen in UNSEEN),
        one(C.PATTERN, user(user_id="\u200b"), "user_id"),
        *(
            one(C.PATTERN, user(**{name: word}), name, layout=TEXT_CELLS)
            for name in ("email", "phone_number", "user_id", "username")
            for word in ("NULL", "#N/A", "None")
        ),
        one(C.PATTERN, user(username="jane doe"), "username"),
        one(C.PATTERN, user(username="jané"), "username"),
        one(C.PATTERN, user(password_hash=BCRYPT.replace("$10$", "$03$")), "password_hash"),
        one(C.PATTERN, user(password_hash=BCRYPT.replace("2b", "2y")), "password_hash"),
        one(C.PATTERN, user(password_hash=BCRYPT + "\xa0"), "password_hash"),
        one(C.PATTERN, user(password_hash=BCRYPT[:-1]), "password_hash"),
        one(C.PATTERN, factors({"totp": {"secret": "a1"}}), "mfa_factors[0].totp.secret"),
        one(C.PATTERN, factors({"phone": {"value": "1"}}), "mfa_factors[0].phone.value"),
    ),
    C.UNKNOWN_FIELD: (
        one(C.UNKNOWN_FIELD, user(isAdmin=True), "isAdmin"),
        one(C.UNKNOWN_FIELD, user(Email="x"), "Email"),
        one(C.UNKNOWN_FIELD, hashed("bcrypt", rounds=10), f"{ROOT}.rounds"),
        one(C.UNKNOWN_FIELD, user(identities=[{**IDENTITY, "connection": "x"}]), "identities[0].connection"),
        example(factors({"sms": 1}), (C.UNKNOWN_FIELD, "mfa_factors[0].sms"), (C.ANY_OF_MISSING, "mfa_factors[0]")),
        one(C.UNKNOWN_FIELD, factors({"phone": {"value": "+1", "sms": True}}), "mfa_factors[0].phone.sms"),
    ),
    C.INVALID_TEXT: (
        one(C.INVALID_TEXT, user(email="jane\n@example.com"), "email"),
        *(one(C.INVALID_TEXT, user(**{name: "a\x00b\ufffd"}), name) for name in TEXTS),
        *(one(C.INVALID_TEXT, user(**{name: f"a{control}b"}), name) for name in TEXTS for control in CONTROLS),
        *(one(C.INVALID_TEXT, json.dumps(user(name=f"a{c}b"), ensure_ascii=False), "name") for c in CONTROLS),
        one(C.INVALID_TEXT, json.dumps(user(app_metadata={"a": "\x85"}), ensure_ascii=False), "app_metadata.a"),
        one(C.INVALID_TEXT, user(user_metadata={"a": {"b\x9b": 1}}), "user_metadata.a.b\\u009B"),
        one(C.INVALID_TEXT, factors({"phone": {"value": "+1\x80"}}), "mfa_factors[0].phone.value"),
        one(C.INVALID_TEXT, user(user_metadata={"bio": ["a", {"b": "\b"}]}), "user_metadata.bio[1].b"),
        one(C.INVALID_TEXT, user(app_metadata={"a\x1b": 1}), "app_metadata.a\\u001B"),
        one(C.INVALID_TEXT, hashed("md5", {"value": "\x7f\x1f"}), f"{ROOT}.hash.value"),
        one(C.INVALID_TEXT, factors(TOTP, {"totp": {"secret": "A\nB"}}), "mfa_factors[1].totp.secret"),
    ),
    C.HASH_MISMATCH: (
        *(
            one(C.HASH_MISMATCH, hashed(name, {"value": wrong}), f"{ROOT}.hash.value")
            for name, hash_ in HASHES.items()
            for value in [str(hash_["value"])]
            for wrong in ("", "?", f" {value}", f"{value}\u2003", value[:-1], value[: len(value) // 2])
        ),
        *(
            one(
                C.HASH_MISMATCH,
                hashed(name, {"encoding": "hex" if name in TEXTUAL else "utf8"}),
                f"{ROOT}.hash.encoding",
            )
            for name in HASHES
        ),
        *(
            one(C.HASH_MISMATCH, hashed(name, salt={"value": "s"}), f"{ROOT}.salt")
            for name in sorted(TEXTUAL - {"bcrypt"})
        ),
        one(C.HASH_MISMATCH, hashed("md5", {"value": "0" * 31, "encoding": "hex"}), f"{ROOT}.hash.value"),
        one(C.HASH_MISMATCH, hashed("hmac", {"value": "00" * 32, "digest": "sha512"}), f"{ROOT}.hash.value"),
        one(C.HASH_MISMATCH, hashed("argon2", {"value": f"$argon2i$v=19$m=31,t=1,p=4{PHC}"}), f"{ROOT}.hash.value"),
        one(C.HASH_MISMATCH, hashed("hmac", {"key": {"value": "k", "encoding": "hex"}}), f"{ROOT}.hash.key.value"),
        one(C.HASH_MISMATCH, hashed("md5", salt={"value": "YQ=", "encoding": "base64"}), f"{ROOT}.salt.value"),
        one(C.HASH_MISMATCH, hashed("scrypt", cost=3), f"{ROOT}.cost"),
    ),
    C.DUPLICATE_KEY: (
        one(C.DUPLICATE_KEY, '{"email":"a@b.c","\\u0065mail":"a@b.c"}', "email"),
        example('{"email":"a@b.c","x":1,"x":2}', (C.DUPLICATE_KEY, "x"), (C.UNKNOWN_FIELD, "x")),
        one(
            C.DUPLICATE_KEY, '{"email":"a@b.c","user_metadata":{"a":[{"b":1},{"b":1,"b":{}}]}}', "user_metadata.a[1].b"
        ),
        one(C.DUPLICATE_KEY, '{"email":"a@b.c","app_metadata":{"a":1,"a":1}}', "app_metadata.a"),
        one(
            C.DUPLICATE_KEY,
            '{"email":"a@b.c","mfa_factors":[{"phone":{"value":"+1","value":"+1"}}]}',
            "mfa_factors[0].phone.value",
        ),
        one(
            C.DUPLICATE_KEY,
            '{"email":"a@b.c","custom_password_hash":{"algorithm":"bcrypt","algorithm":"md5","hash":{"value":"'
            + BCRYPT
            + '"}}}',
            f"{ROOT}.algorithm",
        ),
    ),
    C.TRIMMED: (
        *(one(C.TRIMMED, user(**{name: f" {value}\u2003"}), name) for name, value in TRIMMED.items()),
        *(one(C.TRIMMED, user(name=f"{space}Ann Lo"), "name") for space in "\t\n\x85\u00a0\u200b\ufeff"),
        example(user(name=" \u200b "), (C.TRIMMED, "name"), (C.MIN_LENGTH, "name")),
        example(user(user_id=" \u200babc "), (C.TRIMMED, "user_id"), (C.PATTERN, "user_id")),
        one(C.TRIMMED, user(name="  "), "name", layout=TEXT_CELLS),
        example(user(email="\u3000"), (C.TRIMMED, "email"), (C.OBJECT_REQUIRED, "email"), layout=TEXT_CELLS),
        example(user(name=" NULL "), (C.TRIMMED, "name"), (C.LOOKS_ABSENT, "name"), layout=TEXT_CELLS),
    ),
    C.LOOKS_ABSENT: (
        *(
            one(C.LOOKS_ABSENT, user(**{name: word}), name, layout=TEXT_CELLS)
            for name in ("given_name", "family_name", "name", "nickname", "middle_name", "source_id")
            for word in ("NULL", "null", "None", "nan", "NaN", "#N/A", "n/a")
        ),
        example(user(name="n/a", user_id="n/a"), (C.LOOKS_ABSENT, "name"), (C.PATTERN, "user_id"), layout=TEXT_CELLS),
    ),
    C.TOO_DEEP: (one(C.TOO_DEEP, user(user_metadata='{"a":' * 101 + "1" + "}" * 101), "user_metadata", layout=CELLS),),
}

# row codes that other stages give: reading, and the plan
GIVEN_ELSEWHERE = frozenset(
    {
        C.CONFLICT,
        C.CONFLICT_EMAIL,
        C.CONFLICT_USERNAME,
        C.DUPLICATED_USER,
        C.MALFORMED_RECORD,
        C.NOT_AN_OBJECT,
        C.TOO_LARGE,
        C.ROW_TOO_SHORT,
        C.ROW_TOO_LONG,
        C.NOT_FOUND,
        C.NOT_CHANGED,
        C.PASSWORD_LEFT_OUT,
        C.CHANGED_SINCE,
        C.OUTCOME_CHANGED,
        C.LINE_SKIPPED,
        C.LEFT_OUT,
        C.PASSWORD_LEFT_OUT,
    }
)
