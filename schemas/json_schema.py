"""A record as JSON Schema (2020-12), from the declarations of the rules.

It lacks what a schema cannot express: usernames that are addresses, unclean text, repeated keys, the forms of hashes.
So whatever it refuses is refused, but not the other way round. Formats are assertions; patterns are those of ECMA-262.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.connection import ConnectionSettings
from schemas.fields import FIELDS, LONGEST, TIME_FIELDS, UserField
from schemas.formats.dates import DATE, TIME
from schemas.formats.email import LONGEST_EMAIL, LONGEST_LOCAL_PART
from schemas.formats.language_tag import LANGUAGE_TAG
from schemas.formats.phone import PHONE
from schemas.formats.time_zones import TIME_ZONES
from schemas.job import KEYS
from schemas.rules import identities, list_items, mfa_factors
from schemas.rules.hash_algorithms import (
    ALGORITHMS,
    BCRYPT_AB,
    DIGESTS,
    ENCODINGS,
    PASSWORD_ENCODINGS,
    SALT_POSITIONS,
)
from schemas.rules.hash_fields import COST, INTEGERS, LARGEST, ROOT
from schemas.rules.objects import KNOWN_KEYS, RESERVED_APP_METADATA
from schemas.rules.wider_record import MOST_ITEMS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = Mapping[str, object]

TEXT: Schema = {"type": "string"}
EMAIL: Schema = {
    "type": "string",
    "format": "idn-email",
    "maxLength": LONGEST_EMAIL,
    "pattern": rf"^[\s\S]{{0,{LONGEST_LOCAL_PART}}}@",
}
ENCODING: Schema = {"enum": ENCODINGS}


def record_schema(connection: ConnectionSettings) -> Schema:
    """Return the schema of a record for the connection."""
    properties = {field.name: _field(field, connection) for field in FIELDS}
    is_other = connection.username_required and connection.required != "username"
    others = ["username"] if is_other else []
    return {
        "$schema": DIALECT,
        "title": "A user",
        **_closed(properties, required=[connection.required, *others]),
        **({} if connection.required in KEYS else {"anyOf": [{"required": [name]} for name in KEYS]}),
        "not": {"required": ["password_hash", "custom_password_hash"]},
    }


def _field(field: UserField, connection: ConnectionSettings) -> Schema:
    """Return the schema of a field's values."""
    special: Mapping[str, Schema] = {
        "email": EMAIL,
        "phone_number": {**TEXT, "pattern": PHONE},
        "user_id": {**_text(1, LONGEST["user_id"]), "pattern": r"^\S*$"},
        "username": {
            **_text(connection.username_min_length, connection.username_max_length),
            "pattern": connection.username_pattern,
        },
        "picture": {**TEXT, "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"},
        "password_hash": {**TEXT, "pattern": f"^{BCRYPT_AB}$"},
        "custom_password_hash": _custom_password_hash(),
        "app_metadata": {"type": "object", "properties": dict.fromkeys(RESERVED_APP_METADATA, False)},
        "mfa_factors": {"type": "array", "minItems": 1, "maxItems": mfa_factors.MOST_FACTORS, "items": _factor()},
        "locale": {**TEXT, "pattern": LANGUAGE_TAG},
        "zoneinfo": {**TEXT, "enum": TIME_ZONES},
        "birthdate": {**TEXT, "format": "date", "pattern": DATE},
        **{name: {**TEXT, "format": "date-time", "pattern": TIME} for name in TIME_FIELDS},
        "roles": _list(),
        "groups": _list(),
        "identities": {"type": "array", "items": _identity()},
    }
    if field.name in special:
        return special[field.name]
    return _text(1, LONGEST[field.name]) if field.name in LONGEST else {"type": field.type.value}


def _text(shortest: int, longest: int) -> Schema:
    return {**TEXT, "minLength": shortest, "maxLength": longest}


def _closed(properties: Schema, *, required: Sequence[str]) -> Schema:
    """Return the schema of an object with no other keys."""
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _list() -> Schema:
    return {
        "type": "array",
        "maxItems": MOST_ITEMS,
        "uniqueItems": True,
        "items": _text(1, list_items.LONGEST_ITEM),
    }


def _identity() -> Schema:
    required = [name.rpartition(".")[2] for name in identities.REQUIRED]
    texts = dict.fromkeys(required, _text(1, identities.LONGEST))
    return _closed({**texts, "email": EMAIL}, required=required)


def _factor() -> Schema:
    kinds = {
        "totp": _closed({"secret": {**TEXT, "pattern": mfa_factors.BASE32}}, required=["secret"]),
        "phone": _closed({"value": {**TEXT, "pattern": PHONE}}, required=["value"]),
        "email": _closed({"value": EMAIL}, required=["value"]),
    }
    return {"type": "object", "oneOf": [_closed({name: kind}, required=[name]) for name, kind in kinds.items()]}


def _custom_password_hash() -> Schema:
    integers = {name.removeprefix(f"{ROOT}."): _integer(name) for name in INTEGERS}
    key = _open({"value": TEXT, "encoding": ENCODING}, required=["value"])
    hash_ = {"value": TEXT, "encoding": ENCODING, "digest": {"enum": DIGESTS}, "key": key}
    salt = {"value": TEXT, "encoding": ENCODING, "position": {"enum": SALT_POSITIONS}}
    properties: Schema = {
        "algorithm": {"enum": [*ALGORITHMS]},
        "hash": _open(hash_, required=["value"]),
        "salt": _open(salt, required=["value"]),
        "password": _open({"encoding": {"enum": PASSWORD_ENCODINGS}}),
        **integers,
    }
    known = {name: properties[name] for name in KNOWN_KEYS[ROOT]}
    return {**_closed(known, required=["algorithm", "hash"]), "allOf": [*_demands_of_algorithms()]}


def _integer(name: str) -> Schema:
    powers = [2**power for power in range(1, LARGEST.bit_length())]
    return (
        {"type": "integer", "enum": powers} if name == COST else {"type": "integer", "minimum": 1, "maximum": LARGEST}
    )


def _open(properties: Schema, *, required: Sequence[str] = ()) -> Schema:
    """Return the schema of an object that may have other keys."""
    return {"type": "object", "required": required, "properties": properties}


def _demands_of_algorithms() -> Iterable[Schema]:
    """Yield what each algorithm requires, and forbids."""
    for name, algorithm in ALGORITHMS.items():
        given = {"required": ["algorithm"], "properties": {"algorithm": {"const": name}}}
        of_hash = [path.removeprefix("hash.") for path in algorithm.requires if path.startswith("hash.")]
        of_root = [path for path in algorithm.requires if not path.startswith("hash.")]
        then: dict[str, object] = {"properties": {"hash": {"required": of_hash}}} if of_hash else {}
        then |= {"required": of_root} if of_root else {}
        then |= {} if algorithm.salted else {"not": {"required": ["salt"]}}
        if then:
            yield {"if": given, "then": then}
