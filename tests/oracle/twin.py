"""The rules as plain Python over one record: every code and path that the record must get.

Written from the description of the rules, value by value; it shares no code with the product.
"""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from tests.oracle.grammars import (
    is_clean_in_metadata,
    is_clean_text,
    is_email_address,
    is_http_uri,
    is_unseen,
    without_outer,
)
from tests.oracle.hash_texts import SIZES, TEXTUAL, can_verify, decode
from tests.oracle.json_schema import RESERVED
from tests.oracle.wider_record import form_faults, identity_faults, list_faults

Fault = tuple[str, str]
Json = object

TEXTS = [
    "email",
    "phone_number",
    "user_id",
    "username",
    "given_name",
    "family_name",
    "name",
    "nickname",
    "picture",
    "password_hash",
    "middle_name",
    "locale",
    "zoneinfo",
    "birthdate",
    "registered_at",
    "last_login_at",
    "source_id",
]
KEYS = ["email", "user_id", "username"]
FLAGS = ["email_verified", "phone_verified", "blocked"]
OBJECTS = ["custom_password_hash", "app_metadata", "user_metadata"]
LISTS = ["roles", "groups"]
FIELDS = [*TEXTS, *FLAGS, *OBJECTS, "mfa_factors", *LISTS, "identities"]
LENGTHS = {
    "user_id": (1, 255),
    "username": (1, 128),
    "given_name": (1, 150),
    "family_name": (1, 150),
    "name": (1, 300),
    "nickname": (1, 300),
    "middle_name": (1, 150),
    "source_id": (1, 255),
}
ENCODINGS = {"base64", "hex", "utf8"}
BINARY = {"md4", "md5", "sha1", "sha256", "sha512", "hmac", "scrypt", "redmine", "firebase_scrypt"}
ONE_ENCODING = {"redmine": {"hex"}, "firebase_scrypt": {"base64"}}
SALTLESS = {*TEXTUAL} - {"bcrypt"}
ALGORITHMS = {*TEXTUAL, *BINARY}
DIGESTS = {*SIZES} - {*ONE_ENCODING}
HASH_KEYS = ["algorithm", "hash", "salt", "password", "keylen", "cost", "blockSize", "parallelization"]


def faults_in(record: Mapping[str, Json]) -> set[Fault]:
    """Return every code and path of a record, also of the warnings."""
    found = {(code, printable(path)) for code, path in _record(trimmed(record))}
    return found | {("TRIMMED", name) for name, value in trimmed(record).items() if value != record[name]}


def trimmed(record: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the record without white space around its texts; around a hash it stays."""
    return {name: _trimmed(value, name) if isinstance(value, str) else value for name, value in record.items()}


def _trimmed(text: str, name: str) -> str:
    if name not in TEXTS or name == "password_hash":
        return text
    return without_outer(text, invisible="" if name in KEYS else "\u200b\ufeff")


def _record(record: Mapping[str, Json]) -> Iterator[Fault]:
    if "email" not in record:
        yield "OBJECT_REQUIRED", "email"
    yield from (("UNKNOWN_FIELD", key) for key in record if key not in FIELDS)
    for name in TEXTS:
        if name in record:
            yield from _text(record[name], name)
    for name in FLAGS:
        if name in record and not isinstance(record[name], bool):
            yield "INVALID_TYPE", name
    for name in OBJECTS:
        if name in record:
            yield from _object(record, name)
    if "mfa_factors" in record:
        yield from _factors(record["mfa_factors"])
    yield from _wider_arrays(record)


def _wider_arrays(record: Mapping[str, Json]) -> Iterator[Fault]:
    for name in (*LISTS, "identities"):
        if name in record:
            yield from identity_faults(record[name]) if name == "identities" else list_faults(record[name], name)
            yield from _unclean(record[name], name) if isinstance(record[name], list) else ()


def _text(value: Json, name: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield "INVALID_TYPE", name
        return
    if not is_clean_text(value):
        yield "INVALID_TEXT", name
    shortest, longest = LENGTHS.get(name, (0, 10**9))
    if len(value) < shortest:
        yield "MIN_LENGTH", name
    elif len(value) > longest:
        yield "MAX_LENGTH", name
    elif is_clean_text(value):
        yield from _form(value, name)
    if name == "email":
        yield from _long_email(value, name)
    if name == "username" and is_email_address(value):
        yield "NOT_PASSED", name


def _form(value: str, name: str) -> Iterator[Fault]:
    has_unseen = any(map(is_unseen, value))
    if name == "email" and (has_unseen or not is_email_address(value)) and not list(_long_email(value, name)):
        yield "FORMAT", name
    yield from form_faults(value, name)
    if name == "picture" and not is_http_uri(value):
        yield "FORMAT", name
    if name == "phone_number" and not is_phone(value):
        yield "PATTERN", name
    if name == "user_id" and has_unseen:
        yield "PATTERN", name
    if name == "username" and not re.fullmatch(r"[A-Za-z0-9@^$.!`\-#+'~_]*", value):
        yield "PATTERN", name
    if name == "password_hash" and not re.fullmatch(r"\$2[ab]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", value):
        yield "PATTERN", name


def _long_email(value: str, path: str) -> Iterator[Fault]:
    if len(value) > 254 or len(value.rpartition("@")[0]) > 64:
        yield "MAX_LENGTH", path


def is_phone(value: str) -> bool:
    return re.fullmatch(r"\+[0-9]{1,15}", value) is not None


def _object(record: Mapping[str, Json], name: str) -> Iterator[Fault]:
    value = record[name]
    if not isinstance(value, dict):
        yield "INVALID_TYPE", name
        return
    yield from _unclean(value, name)
    if name == "app_metadata":
        yield from (("NOT_PASSED", f"{name}.{key}") for key in value if key in RESERVED)
    if name == "custom_password_hash":
        if "password_hash" in record:
            yield "NOT_PASSED", name
        yield from _password_hash(value)


def _unclean(value: Json, path: str) -> Iterator[Fault]:
    """Yield unclean texts at any depth, an unclean key by its own path. Metadata can have line breaks and tabs."""
    is_clean = is_clean_in_metadata if re.match(r"(app|user)_metadata\b", path) else is_clean_text
    if isinstance(value, dict):
        for key, inner in value.items():
            below = f"{path}.{key}"
            if not is_clean(key) or (isinstance(inner, str) and not is_clean(inner)):
                yield "INVALID_TEXT", below
            yield from (fault for fault in _unclean(inner, below) if not isinstance(inner, str))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unclean(inner, f"{path}[{place}]")
    elif isinstance(value, str) and not is_clean(value):
        yield "INVALID_TEXT", path


def printable(path: str) -> str:
    """Return the path with control characters escaped as in JSON."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda control: f"\\u{ord(control[0]):04X}", path)


def _password_hash(value: dict[str, Json]) -> Iterator[Fault]:
    root = "custom_password_hash"
    yield from (("UNKNOWN_FIELD", f"{root}.{key}") for key in value if key not in HASH_KEYS)
    algorithm = value.get("algorithm")
    yield from _word(value, "algorithm", ALGORITHMS, root)
    yield from (("OBJECT_REQUIRED", f"{root}.{key}") for key in ("algorithm", "hash") if key not in value)
    yield from _numbers(value, root)
    if algorithm == "scrypt" and "keylen" not in value:
        yield "OBJECT_REQUIRED", f"{root}.keylen"
    if isinstance(algorithm, str) and algorithm in ONE_ENCODING and "salt" not in value:
        yield "OBJECT_REQUIRED", f"{root}.salt"
    if "hash" in value:
        yield from _hash(value, f"{root}.hash")
    if "salt" in value:
        yield from _salt(value["salt"], algorithm, f"{root}.salt")
    password = value.get("password", {})
    if not isinstance(password, dict):
        yield "INVALID_TYPE", f"{root}.password"
    else:
        yield from _word(
            password, "encoding", ["ascii", "utf8", "utf16le", "ucs2", "latin1", "binary"], f"{root}.password"
        )


def _word(parent: dict[str, Json], key: str, words: object, path: str) -> Iterator[Fault]:
    if key not in parent:
        return
    word = parent[key]
    if not isinstance(word, str):
        yield "INVALID_TYPE", f"{path}.{key}"
    elif is_clean_text(word) and word not in cast("set[str]", words):
        yield "ENUM_MISMATCH", f"{path}.{key}"


def _numbers(value: dict[str, Json], root: str) -> Iterator[Fault]:
    for key in ("keylen", "cost", "blockSize", "parallelization"):
        number = value.get(key, 2)
        if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
            yield "INVALID_TYPE", f"{root}.{key}"
        elif number < (2 if key == "cost" else 1):
            yield "MINIMUM", f"{root}.{key}"
        elif number > 2**31 - 1:
            yield "MAXIMUM", f"{root}.{key}"
        elif key == "cost" and int(number).bit_count() != 1:
            yield "HASH_MISMATCH", f"{root}.{key}"


def _required_text(parent: dict[str, Json], key: str, path: str) -> Iterator[Fault]:
    if key not in parent:
        yield "OBJECT_REQUIRED", f"{path}.{key}"
    elif not isinstance(parent[key], str):
        yield "INVALID_TYPE", f"{path}.{key}"


def _hash(parent: dict[str, Json], path: str) -> Iterator[Fault]:
    value, algorithm = parent["hash"], parent.get("algorithm")
    if not isinstance(value, dict):
        yield "INVALID_TYPE", path
        return
    yield from _required_text(value, "value", path)
    yield from _word(value, "encoding", ENCODINGS, path)
    yield from _word(value, "digest", DIGESTS, path)
    if algorithm == "hmac":
        yield from (("OBJECT_REQUIRED", f"{path}.{key}") for key in ("digest", "key") if key not in value)
    if algorithm == "firebase_scrypt" and "key" not in value:
        yield "OBJECT_REQUIRED", f"{path}.key"
    key = value.get("key", {"value": ""})
    if isinstance(key, dict):
        yield from _required_text(key, "value", f"{path}.key")
        yield from _word(key, "encoding", ENCODINGS, f"{path}.key")
        yield from _encoded(key, f"{path}.key")
    else:
        yield "INVALID_TYPE", f"{path}.key"
    if isinstance(algorithm, str) and algorithm in ALGORITHMS:
        yield from _hash_form(parent, value, algorithm, path)


def _hash_form(parent: dict[str, Json], value: dict[str, Json], algorithm: str, path: str) -> Iterator[Fault]:
    fitting = {"utf8"} if algorithm in TEXTUAL else ONE_ENCODING.get(algorithm, {"hex", "base64"})
    given = value.get("encoding")
    if "encoding" in value and (not isinstance(given, str) or given not in ENCODINGS):
        return
    if given is not None and given not in fitting:
        yield "HASH_MISMATCH", f"{path}.encoding"
        return
    encodings = fitting if given is None else {str(given)}
    text = value.get("value")
    if (
        isinstance(text, str)
        and is_clean_text(text)
        and not any(can_verify(text, algorithm, encoding, _size(parent, value, algorithm)) for encoding in encodings)
    ):
        yield "HASH_MISMATCH", f"{path}.value"


def _size(parent: dict[str, Json], value: dict[str, Json], algorithm: str) -> int | None:
    """Return how many bytes a hash must have, where its algorithm, digest or length says it."""
    if algorithm == "scrypt":
        keylen = parent.get("keylen")
        is_length = isinstance(keylen, int | float) and not isinstance(keylen, bool) and keylen == int(keylen)
        return int(cast("float", keylen)) if is_length and 1 <= cast("float", keylen) < 2**31 else None
    if algorithm == "firebase_scrypt" and isinstance(key := value.get("key"), dict) and key.get("encoding") == "base64":
        found = decode(str(key["value"]), "base64") if isinstance(key.get("value"), str) else None
        return SIZES[algorithm] if found is None else len(found)
    name = value.get("digest") if algorithm == "hmac" else algorithm
    return SIZES.get(name) if isinstance(name, str) else None


def _encoded(parent: dict[str, Json], path: str) -> Iterator[Fault]:
    """Yield a fault if the value of a salt or key cannot be decoded as its encoding says."""
    text, encoding = parent.get("value"), parent.get("encoding")
    is_encoded = isinstance(encoding, str) and encoding in {"hex", "base64"}
    if is_encoded and isinstance(text, str) and is_clean_text(text) and decode(text, str(encoding)) is None:
        yield "HASH_MISMATCH", f"{path}.value"


def _salt(value: Json, algorithm: Json, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield "INVALID_TYPE", path
        return
    if isinstance(algorithm, str) and algorithm in SALTLESS:
        yield "HASH_MISMATCH", path
    yield from _required_text(value, "value", path)
    yield from _word(value, "encoding", ENCODINGS, path)
    yield from _encoded(value, path)
    yield from _word(value, "position", {"prefix", "suffix"}, path)


def _factors(value: Json) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield "INVALID_TYPE", "mfa_factors"
        return
    if not value:
        yield "ARRAY_LENGTH_SHORT", "mfa_factors"
    if len(value) > 10:
        yield "ARRAY_LENGTH_LONG", "mfa_factors"
    yield from _unclean(value, "mfa_factors")
    for place, factor in enumerate(value[:10]):
        yield from _factor(factor, f"mfa_factors[{place}]")


def _factor(factor: Json, path: str) -> Iterator[Fault]:
    if not isinstance(factor, dict):
        yield "INVALID_TYPE", path
        return
    kinds = {"totp": "secret", "phone": "value", "email": "value"}
    yield from (("UNKNOWN_FIELD", f"{path}.{key}") for key in factor if key not in kinds)
    count = sum(kind in factor for kind in kinds)
    if count != 1:
        yield ("MFA_FACTORS_FAILED" if count else "ANY_OF_MISSING"), path
    for kind, member in kinds.items():
        if kind in factor:
            yield from _kind(factor[kind], kind, member, f"{path}.{kind}")


def _kind(value: Json, kind: str, member: str, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield "INVALID_TYPE", path
        return
    yield from (("UNKNOWN_FIELD", f"{path}.{key}") for key in value if key != member)
    yield from _required_text(value, member, path)
    text = value.get(member)
    if not isinstance(text, str):
        return
    if kind == "email":
        yield from _long_email(text, f"{path}.{member}")
        if is_clean_text(text) and not is_email_address(text) and not list(_long_email(text, path)):
            yield "FORMAT", f"{path}.{member}"
    elif is_clean_text(text) and not (is_phone(text) if kind == "phone" else re.fullmatch("[A-Z2-7]+", text)):
        yield "PATTERN", f"{path}.{member}"
