"""The rules of an object's keys: unknown, repeated and reserved ones.

The frame has one row per object and key: `parent`, the object's path with `[]` for any item, empty for the record;
`path` of the key; `key`; `copies`, how often the object has it; `field`, the user's field that a key of the record maps
to, null for none; `suggestion`, the most similar known name.
"""

# ruff: noqa: N805 (Pandera turns checks into class methods)

from collections.abc import Mapping

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.fields import FIELD_NAMES

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
    "custom_password_hash": (
        "algorithm",
        "hash",
        "salt",
        "password",
        "keylen",
        "cost",
        "blockSize",
        "parallelization",
    ),
    "mfa_factors[]": ("totp", "phone", "email"),
    "mfa_factors[].totp": ("secret",),
    "mfa_factors[].phone": ("value",),
    "mfa_factors[].email": ("value",),
}

OF_RECORD = pl.col("parent") == ""


def _known_in_its_object() -> pl.Expr:
    known = pl.lit(value=True)
    for parent, keys in KNOWN_KEYS.items():
        known = pl.when(pl.col("parent") == parent).then(pl.col("key").is_in(keys)).otherwise(known)
    return known


class ObjectKey(pa.DataFrameModel):
    """The keys of objects, one row per object and key."""

    parent: str
    path: str
    key: str
    copies: int
    field: str = pa.Field(nullable=True)
    suggestion: str = pa.Field(nullable=True)

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
