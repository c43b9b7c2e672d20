"""The paths in a `custom_password_hash` and their JSON types; the rules are in `schemas.rules.password_hash`."""

from schemas.fields import Field, JsonType

ROOT = "custom_password_hash"
ALGORITHM = f"{ROOT}.algorithm"
HASH = f"{ROOT}.hash"
HASH_VALUE = f"{HASH}.value"
HASH_ENCODING = f"{HASH}.encoding"
DIGEST = f"{HASH}.digest"
KEY = f"{HASH}.key"
KEY_VALUE = f"{KEY}.value"
KEY_ENCODING = f"{KEY}.encoding"
SALT = f"{ROOT}.salt"
SALT_VALUE = f"{SALT}.value"
SALT_ENCODING = f"{SALT}.encoding"
SALT_POSITION = f"{SALT}.position"
PASSWORD = f"{ROOT}.password"
PASSWORD_ENCODING = f"{PASSWORD}.encoding"
KEYLEN = f"{ROOT}.keylen"
COST = f"{ROOT}.cost"
BLOCK_SIZE = f"{ROOT}.blockSize"
PARALLELIZATION = f"{ROOT}.parallelization"

OBJECTS = (HASH, KEY, SALT, PASSWORD)
SECRETS = (HASH_VALUE, KEY_VALUE, SALT_VALUE)
TEXT_ENCODINGS = (HASH_ENCODING, KEY_ENCODING, SALT_ENCODING)
TEXTS = (*SECRETS, *TEXT_ENCODINGS, ALGORITHM, DIGEST, SALT_POSITION, PASSWORD_ENCODING)
INTEGERS = (KEYLEN, COST, BLOCK_SIZE, PARALLELIZATION)
LARGEST = 2**31 - 1  # the largest integer that implementations accept


def encoding_of(text: str) -> str:
    """Return the path of the encoding of a text."""
    return f"{text.removesuffix('value')}encoding"


PASSWORD_HASH_FIELDS: tuple[Field, ...] = (
    *(Field(name, JsonType.OBJECT) for name in OBJECTS),
    *(Field(name, JsonType.STRING) for name in TEXTS),
    *(Field(name, JsonType.NUMBER) for name in INTEGERS),
)
