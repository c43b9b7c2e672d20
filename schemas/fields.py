"""The canonical fields of a user and the columns of staged rows. The rules are in `schemas.rules.user`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class JsonType(StrEnum):
    """The JSON type of a value."""

    STRING = "string"
    BOOLEAN = "boolean"
    NUMBER = "number"
    OBJECT = "object"
    ARRAY = "array"
    NULL = "null"


@dataclass(frozen=True)
class Field:
    """A path in a record and the JSON type that its value must have."""

    name: str
    type: JsonType

    @property
    def dtype(self) -> pl.DataType:
        """The column type: Boolean, Float64 for numbers, otherwise text; objects and arrays are JSON text."""
        return {JsonType.BOOLEAN: pl.Boolean(), JsonType.NUMBER: pl.Float64()}.get(self.type, pl.String())


@dataclass(frozen=True)
class UserField(Field):
    """One canonical field of a user and how an import treats it."""

    upsertable: bool = True  # an update sets it if the row has it
    key: bool = False  # a row and a user that have the same value are the same user
    secret: bool = False  # never shown
    wider: bool = False  # beyond the import format of Auth0


FIELDS: tuple[UserField, ...] = (
    UserField("email", JsonType.STRING, upsertable=False, key=True),
    UserField("email_verified", JsonType.BOOLEAN),
    UserField("phone_number", JsonType.STRING, upsertable=False),
    UserField("phone_verified", JsonType.BOOLEAN),
    UserField("user_id", JsonType.STRING, upsertable=False, key=True),
    UserField("username", JsonType.STRING, upsertable=False, key=True),
    UserField("given_name", JsonType.STRING),
    UserField("family_name", JsonType.STRING),
    UserField("name", JsonType.STRING),
    UserField("nickname", JsonType.STRING),
    UserField("picture", JsonType.STRING),
    UserField("blocked", JsonType.BOOLEAN),
    UserField("password_hash", JsonType.STRING, secret=True),
    UserField("custom_password_hash", JsonType.OBJECT, secret=True),
    UserField("app_metadata", JsonType.OBJECT),
    UserField("user_metadata", JsonType.OBJECT),
    UserField("mfa_factors", JsonType.ARRAY, secret=True),
    UserField("middle_name", JsonType.STRING, wider=True),
    UserField("locale", JsonType.STRING, wider=True),
    UserField("zoneinfo", JsonType.STRING, wider=True),
    UserField("birthdate", JsonType.STRING, wider=True),
    UserField("registered_at", JsonType.STRING, wider=True),
    UserField("last_login_at", JsonType.STRING, wider=True),
    UserField("roles", JsonType.ARRAY, wider=True),
    UserField("groups", JsonType.ARRAY, wider=True),
    UserField("identities", JsonType.ARRAY, wider=True),
    UserField("source_id", JsonType.STRING, wider=True),
)
FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)
TEXT_FIELDS = tuple(field for field in FIELDS if field.type is JsonType.STRING)
BOOLEAN_FIELDS = tuple(field for field in FIELDS if field.type is JsonType.BOOLEAN)
NESTED_FIELDS = tuple(field for field in FIELDS if field.type in (JsonType.OBJECT, JsonType.ARRAY))
TIME_FIELDS = ("registered_at", "last_login_at")
LIST_FIELDS = ("roles", "groups")  # arrays of texts

# the texts that must not be empty, and how many characters they may have
LONGEST: Mapping[str, int] = {
    "user_id": 255,
    "given_name": 150,
    "family_name": 150,
    "name": 300,
    "nickname": 300,
    "middle_name": 150,
    "source_id": 255,
}

# the fields that white space around their text is taken off, and a frame of the texts as they were
TRIMMED_FIELDS = tuple(field for field in TEXT_FIELDS if not field.secret)
TRIMMED = pl.Schema({"record": pl.Int64(), **{field.name: pl.String() for field in TRIMMED_FIELDS}})

# the columns of a staged row: keys to match by, then the fields; null means that the row does not have the field
STAGED = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "email_key": pl.String(),
        "username_key": pl.String(),
        **{field.name: field.dtype for field in FIELDS},
        "password_reset_required": pl.Boolean(),
        "cleared": pl.String(),  # the names of the fields that the row clears, separated by commas
    }
)
