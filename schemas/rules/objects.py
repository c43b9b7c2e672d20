"""The rules of what is inside objects and arrays, at any depth: their keys, their texts and how deeply they are nested.

There is a frame per model: one row per object and key, suspect text or suspect cell. `path` is that of the key, text or
cell. The rules of a user's own fields are in `schemas.rules.user`.
"""

from collections.abc import Mapping

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.fields import FIELD_NAMES
from schemas.formats.text import is_clean_in_metadata, is_clean_text

DEEPEST = 100

RESERVED_APP_METADATA = (
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
)

# objects with a fixed set of keys; any other object can have any keys
KNOWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "": FIELD_NAMES,
    "custom_password_hash": ("algorithm", "hash", "salt", "password", "keylen", "cost", "blockSize", "parallelization"),
    "mfa_factors[]": ("totp", "phone", "email"),
    "mfa_factors[].totp": ("secret",),
    "mfa_factors[].phone": ("value",),
    "mfa_factors[].email": ("value",),
    "identities[]": ("provider", "user_id", "email"),
}

OF_RECORD = pl.col("parent") == ""


def _known_in_its_object() -> pl.Expr:
    known = pl.lit(value=True)
    for parent, keys in KNOWN_KEYS.items():
        known = pl.when(pl.col("parent") == parent).then(pl.col("key").is_in(keys)).otherwise(known)
    return known


class ObjectKey(pa.DataFrameModel):
    """The keys of objects that are unknown, repeated or reserved, one row per object and key."""

    parent: str  # path of the object with `[]` for any item; empty for the record
    path: str
    key: str
    copies: int  # how often the object has the key
    field: str = pa.Field(nullable=True)  # the user's field that a key of the record maps to
    suggestion: str = pa.Field(nullable=True)  # the most similar known name

    @pa.check("path", error=ErrorCode.UNKNOWN_FIELD, description="is not a known field{suggestion}")
    def key_of_the_record_is_a_field(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("field").is_not_null() | ~OF_RECORD)

    @pa.check("path", error=ErrorCode.UNKNOWN_FIELD, description="is not a known key of this object{suggestion}")
    def key_of_a_part_is_known(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(_known_in_its_object() | OF_RECORD)

    @pa.check("path", error=ErrorCode.DUPLICATE_KEY, description="appears {copies} times; it must appear only once")
    def key_appears_once(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("copies") == 1)

    @pa.check("path", error=ErrorCode.NOT_PASSED, description="is a reserved key, which app_metadata must not contain")
    def key_of_app_metadata_is_not_reserved(cls, data: pa.PolarsData) -> pl.LazyFrame:
        reserved = pl.col("key").is_in(RESERVED_APP_METADATA)
        return data.lazyframe.select(~(reserved & (pl.col("parent") == "app_metadata")))


class ObjectText(pa.DataFrameModel):
    """A key with its string value, or a string item, of an object or array of the record."""

    path: str
    text: str

    @pa.check("path", error=ErrorCode.INVALID_TEXT, description="contains a control character or undecodable text")
    def text_is_clean(cls, data: pa.PolarsData) -> pl.LazyFrame:
        text, in_metadata = pl.col("text"), pl.col(data.key).str.contains(r"^(?:app|user)_metadata\b")
        return data.lazyframe.select(is_clean_text(text) | (in_metadata & is_clean_in_metadata(text)))


class ObjectDepth(pa.DataFrameModel):
    """An object or array in a cell; readers check records that are JSON themselves."""

    path: str
    depth: int  # levels of objects and arrays

    @pa.check(
        "path", error=ErrorCode.TOO_DEEP, description=f"is nested {{depth}} levels deep; at most {DEEPEST} are allowed"
    )
    def cell_is_not_too_deep(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("depth") <= DEEPEST)
