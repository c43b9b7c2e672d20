"""The user record as a JSON Schema.

It lacks what a schema cannot express: usernames that are addresses, unclean text, repeated keys, the forms of hashes.
So whatever it refuses must be refused, but not the other way round.
"""

from collections.abc import Mapping

from jsonschema import Draft202012Validator, FormatChecker

from tests.oracle.grammars import is_email_address, is_http_uri, is_unseen

RESERVED = [
    "__tenant",
    "_id",
    "blocked",
    "clientID",
    "created_at",
    "email_verified",
    "email",
    "globalClientID",
    "global_client_id",
    "identities",
    "lastIP",
    "lastLogin",
    "loginsCount",
    "metadata",
    "multifactor_last_modified",
    "multifactor",
    "updated_at",
    "user_id",
]

E164 = {"type": "string", "pattern": "^\\+[0-9]{1,15}\\Z"}
EMAIL = {"type": "string", "format": "email", "maxLength": 254, "pattern": "^(?s:.{0,64}@)"}
ENCODING = {"enum": ["base64", "hex", "utf8"]}
POSITIVE = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
FLAG = {"type": "boolean"}


def text(shortest: int, longest: int) -> dict[str, object]:
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def kind(name: str, member: str, value: Mapping[str, object]) -> dict[str, object]:
    one = {"type": "object", "required": [member], "additionalProperties": False, "properties": {member: value}}
    return {"required": [name], "properties": {name: one}, "additionalProperties": False}


FACTOR = {
    "type": "object",
    "oneOf": [
        kind("totp", "secret", {"type": "string", "pattern": "^[A-Z2-7]+\\Z"}),
        kind("phone", "value", E164),
        kind("email", "value", EMAIL),
    ],
}

SALTLESS = [
    *("argon2", "ldap", "pbkdf2", "bcrypt_sha256", "wordpress"),
    *("phpass", "drupal", "md5crypt", "sha256crypt", "sha512crypt"),
]

CUSTOM_PASSWORD_HASH = {
    "type": "object",
    "required": ["algorithm", "hash"],
    "additionalProperties": False,
    "properties": {
        "algorithm": {
            "enum": [
                *("argon2", "bcrypt", "hmac", "ldap", "md4", "md5", "sha1", "sha256", "sha512", "pbkdf2", "scrypt"),
                *("bcrypt_sha256", "wordpress", "phpass", "drupal", "md5crypt", "sha256crypt", "sha512crypt"),
                *("firebase_scrypt", "redmine"),
            ],
        },
        "hash": {
            "type": "object",
            "required": ["value"],
            "properties": {
                "value": {"type": "string"},
                "encoding": ENCODING,
                "digest": {
                    "enum": ["md4", "md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512", "whirlpool"]
                },
                "key": {
                    "type": "object",
                    "required": ["value"],
                    "properties": {"value": {"type": "string"}, "encoding": ENCODING},
                },
            },
        },
        "salt": {
            "type": "object",
            "required": ["value"],
            "properties": {
                "value": {"type": "string"},
                "encoding": ENCODING,
                "position": {"enum": ["prefix", "suffix"]},
            },
        },
        "password": {
            "type": "object",
            "properties": {"encoding": {"enum": ["ascii", "utf8", "utf16le", "ucs2", "latin1", "binary"]}},
        },
        "keylen": POSITIVE,
        "cost": {"type": "integer", "enum": [2**power for power in range(1, 31)]},
        "blockSize": POSITIVE,
        "parallelization": POSITIVE,
    },
    "allOf": [
        {
            "if": {"required": ["algorithm"], "properties": {"algorithm": {"const": "hmac"}}},
            "then": {"properties": {"hash": {"required": ["digest", "key"]}}},
        },
        {
            "if": {"required": ["algorithm"], "properties": {"algorithm": {"const": "scrypt"}}},
            "then": {"required": ["keylen"]},
        },
        {
            "if": {"required": ["algorithm"], "properties": {"algorithm": {"const": "firebase_scrypt"}}},
            "then": {"required": ["salt"], "properties": {"hash": {"required": ["key"]}}},
        },
        {
            "if": {"required": ["algorithm"], "properties": {"algorithm": {"const": "redmine"}}},
            "then": {"required": ["salt"]},
        },
        {
            "if": {"required": ["algorithm"], "properties": {"algorithm": {"enum": SALTLESS}}},
            "then": {"not": {"required": ["salt"]}},
        },
    ],
}

USER = {
    "type": "object",
    "required": ["email"],
    "additionalProperties": False,
    "not": {"required": ["password_hash", "custom_password_hash"]},
    "properties": {
        "email": {**EMAIL, "allOf": [{"format": "key"}]},
        "email_verified": FLAG,
        "phone_number": E164,
        "phone_verified": FLAG,
        "user_id": {**text(1, 255), "format": "key"},
        "username": {**text(1, 128), "pattern": "^[A-Za-z0-9@^$.!`\\-#+'~_]*\\Z"},
        "given_name": text(1, 150),
        "family_name": text(1, 150),
        "name": text(1, 300),
        "nickname": text(1, 300),
        "picture": {"type": "string", "format": "uri"},
        "blocked": FLAG,
        "password_hash": {
            "type": "string",
            "pattern": "^\\$2[ab]\\$(0[4-9]|[12][0-9]|3[01])\\$[./A-Za-z0-9]{53}\\Z",
        },
        "custom_password_hash": CUSTOM_PASSWORD_HASH,
        "app_metadata": {"type": "object", "properties": dict.fromkeys(RESERVED, False)},
        "user_metadata": {"type": "object"},
        "mfa_factors": {"type": "array", "minItems": 1, "maxItems": 10, "items": FACTOR},
    },
}

FORMATS = FormatChecker(formats=())
FORMATS.checks("email")(lambda value: not isinstance(value, str) or is_email_address(value))
FORMATS.checks("key")(lambda value: not isinstance(value, str) or not any(map(is_unseen, value)))
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or is_http_uri(value))

VALIDATOR = Draft202012Validator(USER, format_checker=FORMATS)
