"""Opens the nested parts of users: the parts of a password hash, the items of `mfa_factors`, keys and texts in objects.

Each becomes a frame of its own whose rows know their record and line and whose columns are named by their path.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.canonical import items_column
from schemas.fields import Field
from schemas.mfa_factors import FACTOR, KINDS, MFA_FACTOR_FIELDS
from schemas.password_hash import OBJECTS, PASSWORD_HASH_FIELDS, ROOT
from transforms.canonical_columns import canonical_columns
from transforms.json_values import engine_pass, printable, values_at
from transforms.object_keys import keys_of_parts, keys_there_twice, reserved_keys

JUDGED_ITEMS = 10  # a longer array is refused for its length, and its further items are not looked at
DOUBTFUL_TEXT = r"\\(?:[bfnrt]|u00[01])|\x{FFFD}"  # how the engine writes what is not sound, and some that is
METADATA = ("app_metadata", "user_metadata")
OPENED = (*METADATA, ROOT, "mfa_factors")


@dataclass(frozen=True)
class Part:
    """A nested part of a batch: a frame for its rules, and the odd keys of its objects."""

    frame: pl.DataFrame
    keys: pl.DataFrame


def password_hashes(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """The parts of `custom_password_hash`, one row per record that has the object."""
    texts = _texts(users, ROOT).with_columns(root=pl.lit(ROOT))
    return _opened(texts, PASSWORD_HASH_FIELDS, top=ROOT, objects=(ROOT, *OBJECTS), engine=engine)


def mfa_factors(items: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """The parts of `mfa_factors`, one row per item that is looked at, with its `place` from 0."""
    factors = items.select("record", "line", text=pl.col("items").list.head(JUDGED_ITEMS))
    places = pl.int_range(pl.len()).over("record").cast(pl.Int64)
    texts = factors.explode("text").drop_nulls("text").with_columns(place=places)
    texts = texts.with_columns(pl.format("mfa_factors[{}]", "place").alias("root"), pl.col("text").alias(FACTOR))
    return _opened(texts, MFA_FACTOR_FIELDS, top=FACTOR, objects=(FACTOR, *KINDS), engine=engine)


def items_of_factors(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The arrays of `mfa_factors`, one row per record that has one: record, line and the list `items` of JSON texts."""
    return engine_pass("json_items", _texts(users, "mfa_factors"), engine=engine)


def with_item_counts(users: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The users with the number of items of their `mfa_factors`."""
    counts = items.select("record", pl.col("items").list.len().cast(pl.Int64).alias(items_column("mfa_factors")))
    return users.join(counts, on="record", how="left", maintain_order="left")


def keys_of_metadata(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The odd keys of the metadata: those that an object has twice, at any depth, and reserved ones."""
    repeated = [keys_there_twice(_texts(users, name).with_columns(root=pl.lit(name))) for name in METADATA]
    return pl.concat([*repeated, reserved_keys(_texts(users, "app_metadata"), engine=engine)])


def doubtful_texts(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The keys and strings of objects and arrays that may not be sound: record, line, path and text."""
    return pl.concat([_doubtful_texts(users, name, engine=engine) for name in OPENED])


def _doubtful_texts(users: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    texts = _texts(users, name).filter(pl.col("text").str.contains(DOUBTFUL_TEXT))
    path = printable(pl.lit(name) + pl.col("place"))
    members = engine_pass("json_members", texts, engine=engine).select("record", "line", path=path, text="word")
    return members.group_by("record", "line", "path").agg(pl.col("text").str.join(" "))


def _texts(users: pl.DataFrame, name: str) -> pl.DataFrame:
    return users.drop_nulls(name).select("record", "line", text=name)


def _opened(
    texts: pl.DataFrame,
    fields: Sequence[Field],
    *,
    top: str,
    objects: Sequence[str],
    engine: duckdb.DuckDBPyConnection,
) -> Part:
    """The part whose JSON is in `text` and whose path is in `root`, with the columns of its fields.

    `top` is what the part is called in the names of `fields` and `objects`.
    """
    inner = [field.name for field in fields if field.name != top]
    paths = [_json_path(name, top) for name in inner]
    found = values_at(texts, paths, engine=engine, objects=[_json_path(name, top) for name in objects])
    named = found.with_columns(pl.col("found").list.get(place).alias(name) for place, name in enumerate(inner))
    odd = found.drop_nulls("odd_keys")
    odd_texts = texts.join(odd, on=["record", "root"], how="semi").select("record", "line", "root", "text")
    keys = pl.concat([keys_of_parts(odd, objects=objects), keys_there_twice(odd_texts)])
    rest = [name for name in ("record", "line", "place") if name in found.columns]
    return Part(named.select(*rest, *canonical_columns(fields)), keys)


def _json_path(name: str, top: str) -> str:
    return f"${name.removeprefix(top)}"
