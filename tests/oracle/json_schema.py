"""The schema that the product prints, with assertions for its formats by the grammars of the oracle.

Whatever it refuses must be refused, but not the other way round: it lacks what a schema cannot express.
"""

import json

from jsonschema import Draft202012Validator, FormatChecker

from schemas.connection import ConnectionSettings
from schemas.json_schema import record_schema
from tests.oracle.grammars import is_email_address, is_http_uri, is_unseen
from tests.oracle.wider_record import is_date, is_time

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


def user_schema() -> dict[str, object]:
    """Return the schema for a library whose `$` also matches before a line break, with a format for keys."""
    text = json.dumps(record_schema(ConnectionSettings()))
    schema = json.loads(text.replace('$"', '\\\\Z"').replace('"\\\\Zschema"', '"$schema"'))
    for name in ("email", "user_id"):
        schema["properties"][name]["allOf"] = [{"format": "key"}]
    return dict(schema)


FORMATS = FormatChecker(formats=())
FORMATS.checks("idn-email")(lambda value: not isinstance(value, str) or is_email_address(value))
FORMATS.checks("key")(lambda value: not isinstance(value, str) or not any(map(is_unseen, value)))
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or is_http_uri(value))
FORMATS.checks("date")(lambda value: not isinstance(value, str) or is_date(value))
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or is_time(value))

VALIDATOR = Draft202012Validator(user_schema(), format_checker=FORMATS)
