"""The canonical fields of a user and what a valid row is staged as. The rules are in `schemas.rules.user`."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class JsonType(StrEnum):
    """What JSON says a value is."""

    STRING = "string"
    BOOLEAN = "boolean"
    NUMBER = "number"
    OBJECT = "object"
    ARRAY = "array"
    NULL = "null"


@dataclass(frozen=True)
class Field:
    """A place in a record, by its path, and the JSON type of what must be there."""

    name: str
    type: JsonType


@dataclass(frozen=True)
class UserField(Field):
    """One canonical field of a user and what an upsert may do with it."""

    upsertable: bool = True  # an update sets it when the row has it
    key: bool = False  # a row and a user that share it are the same user
    secret: bool = False  # never shown

    @property
    def dtype(self) -> pl.DataType:
        """The column type: booleans as such, everything else as text, objects and arrays as JSON text."""
        return pl.Boolean() if self.type is JsonType.BOOLEAN else pl.String()


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
)
FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)

# What a row that passed every rule is staged as: keys to match by, then the fields; null means the row has none.
STAGED = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "email_key": pl.String(),
        "username_key": pl.String(),
        **{field.name: field.dtype for field in FIELDS},
        "password_reset_required": pl.Boolean(),
    }
)
