"""Hashes that programs made are accepted in every spelling; cut off or in another notation they are not."""

import base64
import hashlib
import hmac
import json

import pytest

from schemas.frames import Layout
from schemas.rules.hash_algorithms import ALGORITHMS, AUTH0_ALGORITHMS
from tests.examples import Record, hashed, user
from tests.validation import faults_by_record, find_faults, rules, validate_texts

PATH = "custom_password_hash.hash.value"
FAULT = {("HASH_MISMATCH", PATH)}
SALT = b"saltsalt"


def in_base64(text: bytes) -> str:
    return base64.b64encode(text).decode()


def of_phc(text: bytes) -> str:
    return in_base64(text).rstrip("=")


def of_ldap(scheme: str, digest: str, salt: bytes = b"") -> Record:
    return hashed("ldap", {"value": f"{{{scheme}}}{in_base64(hashlib.new(digest, b'secret' + salt).digest() + salt)}"})


def of_pbkdf2(digest: str, length: int) -> Record:
    derived = hashlib.pbkdf2_hmac(digest, b"secret", SALT, 10, length)
    return hashed("pbkdf2", {"value": f"$pbkdf2-{digest}$i=10,l={length}${of_phc(SALT)}${of_phc(derived)}"})


def of_scrypt(length: int) -> Record:
    derived = hashlib.scrypt(b"secret", salt=SALT, n=2, r=8, p=1, dklen=length)
    return hashed("scrypt", {"value": in_base64(derived), "encoding": "base64"}, keylen=length)


def of_hmac(digest: str) -> Record:
    return hashed("hmac", {"value": hmac.new(b"k", b"secret", digest).hexdigest(), "digest": digest})


RIGHT = [
    *(of_ldap(*names) for names in (("MD5", "md5"), ("sha", "sha1"), ("SHA1", "sha1"), ("SHA-256", "sha256"))),
    *(of_ldap(f"SSHA{hyphen}{bits}", f"sha{bits}", SALT) for bits in (224, 256, 384, 512) for hyphen in ("", "-")),
    *(of_ldap("SSHA", "sha1", b"salt"[:size]) for size in (1, 2, 3, 4)),
    of_ldap("smd5", "md5", SALT),
    *(of_pbkdf2(digest, length) for digest in ("sha1", "sha512") for length in (16, 20, 21, 32, 64, 100)),
    *(of_scrypt(length) for length in (16, 22, 64)),
    *(of_hmac(digest) for digest in ("md5", "sha224", "sha384", "sha512")),
]


def value_of(record: Record) -> str:
    return str(json.loads(json.dumps(record))["custom_password_hash"]["hash"]["value"])


def with_value(record: Record, value: str) -> Record:
    parts = json.loads(json.dumps(record))["custom_password_hash"]
    return user(custom_password_hash={**parts, "hash": {**parts["hash"], "value": value}})


def test_hashes_that_programs_made_are_accepted() -> None:
    assert find_faults(RIGHT) == [set()] * len(RIGHT)


@pytest.mark.parametrize("cut", [1, 3, "half"])
def test_a_hash_that_was_cut_off_is_refused(cut: int | str) -> None:
    ends = [len(value_of(record)) // 2 if cut == "half" else -int(cut) for record in RIGHT]
    cut_off = [with_value(record, value_of(record)[:end]) for record, end in zip(RIGHT, ends, strict=True)]
    assert find_faults(cut_off) == [FAULT] * len(RIGHT)


def test_a_salted_ldap_hash_without_a_salt_is_refused() -> None:
    assert find_faults([of_ldap("SSHA", "sha1"), of_ldap("SMD5", "md5")]) == [FAULT, FAULT]


@pytest.mark.parametrize("scheme", ["SHA999", "CRYPT", "SSHA1", "SHA-", "SHA2", "MD4", "", "S"])
def test_an_ldap_scheme_that_no_server_has_is_refused(scheme: str) -> None:
    assert find_faults([of_ldap(scheme, "sha512", SALT)]) == [FAULT]


@pytest.mark.parametrize("last", ["B", "E=", "==", "A==="])
def test_base64_that_no_encoder_writes_is_refused(last: str) -> None:
    """A digest of 16 bytes ends in a character whose last four bits are zero, and two padding characters or none."""
    assert find_faults([hashed("md5", {"value": "A" * 21 + last, "encoding": "base64"})]) == [FAULT]


def test_hashes_in_the_url_safe_alphabet_are_accepted() -> None:
    records = [with_value(record, value_of(record).replace("+", "-").replace("/", "_")) for record in RIGHT]
    assert find_faults(records) == [set()] * len(RIGHT)


@pytest.mark.parametrize(
    ("cost", "salt", "digest", "taken"),
    [
        ("m=8,t=1,p=1", 8, 4, True),
        ("m=65536,t=3,p=4", 7, 32, False),
        ("m=65536,t=3,p=4", 16, 3, False),
        ("m=7,t=1,p=1", 8, 4, False),
        ("m=31,t=1,p=4", 8, 4, False),
        ("m=32,t=1,p=4", 8, 4, True),
        ("m=4294967295,t=4294967295,p=16777215", 8, 4, True),
        ("m=4294967296,t=1,p=1", 8, 4, False),
        ("m=4294967295,t=4294967296,p=1", 8, 4, False),
        ("m=4294967295,t=1,p=16777216", 8, 4, False),
        ("m=8,t=0,p=1", 8, 4, False),
    ],
)
def test_argon2_has_the_limits_of_its_reference_implementation(cost: str, salt: int, digest: int, taken: bool) -> None:
    value = f"$argon2id$v=19${cost}${of_phc(b's' * salt)}${of_phc(b'd' * digest)}"
    assert find_faults([hashed("argon2", {"value": value})]) == [set() if taken else FAULT]


def test_argon2_in_padded_base64_is_refused() -> None:
    value = f"$argon2id$v=19$m=8,t=1,p=1${in_base64(SALT)}${of_phc(b'd' * 32)}"
    assert find_faults([hashed("argon2", {"value": value})]) == [FAULT]


ENCODED = {
    "base64": {"": True, "YQ": True, "YQ==": True, "YQ=": False, "YR": False, "-_-_": True, "a b": False},
    "hex": {"": True, "aF": True, "aFb": False, "ag": False},
    "utf8": {"": True, "a b": True},
}


@pytest.mark.parametrize(
    ("text", "encoding", "decodable"),
    [(text, encoding, decodable) for encoding, texts in ENCODED.items() for text, decodable in texts.items()],
)
def test_a_salt_and_a_key_are_in_the_encoding_that_they_name(text: str, encoding: str, decodable: bool) -> None:
    part = {"value": text, "encoding": encoding}
    faults = find_faults([hashed("md5", salt=part), hashed("hmac", {"key": part})])
    wrong = [{("HASH_MISMATCH", f"custom_password_hash.{name}.value")} for name in ("salt", "hash.key")]
    assert faults == ([set(), set()] if decodable else wrong)


def test_a_hash_in_a_cell_is_judged_as_in_json() -> None:
    records = [RIGHT[0], with_value(RIGHT[0], value_of(RIGHT[0])[:-1]), with_value(RIGHT[0], f" {value_of(RIGHT[0])}")]
    cells = [
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in r.items()} for r in records
    ]
    layout = Layout(textual=True, columns=("email", "custom_password_hash"))
    assert find_faults(cells, layout=layout) == find_faults(records) == [set(), FAULT, FAULT]


def test_the_algorithms_of_other_systems_are_unknown_in_the_format_of_auth0() -> None:
    """Only that: the rest of a hash is not judged by an algorithm that the format does not have."""
    algorithms = [name for name in ALGORITHMS if name not in AUTH0_ALGORITHMS]
    records = [hashed(name, {"value": "x"}, salt={"value": "s"}) for name in algorithms]
    validated = validate_texts(records, profile="auth0-import", rule_set=rules(profile="auth0-import"))
    assert len(algorithms) == 9
    assert faults_by_record(validated, 9) == [{("ENUM_MISMATCH", "custom_password_hash.algorithm")}] * 9
