"""Opens the nested parts of users that have rules of their own: `custom_password_hash` and the items of `mfa_factors`.

Each becomes a frame whose rows know their record and line and whose columns are named by their path.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.canonical import ESCAPED, items_column
from schemas.fields import Field
from schemas.rules.mfa_factors import FACTOR, KINDS, MFA_FACTOR_FIELDS
from schemas.rules.password_hash import OBJECTS, PASSWORD_HASH_FIELDS, ROOT
from transforms.canonical_columns import canonical_columns, empty_columns
from transforms.json.object_keys import KEYS, keys_of_parts, keys_there_twice
from transforms.json.values import engine_pass, has_escape, values_at

JUDGED_ITEMS = 10  # a longer array is refused for its length, and its further items are not looked at


@dataclass(frozen=True)
class Part:
    """A nested part of a batch: a frame for its rules, and the odd keys of its objects."""

    frame: pl.DataFrame
    keys: pl.DataFrame


def password_hashes(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """The parts of `custom_password_hash`, one row per record that has the object."""
    texts = texts_of(users, ROOT).with_columns(root=pl.lit(ROOT))
    return _opened(texts, PASSWORD_HASH_FIELDS, top=ROOT, objects=(ROOT, *OBJECTS), engine=engine)


def mfa_factors(items: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """The parts of `mfa_factors`, one row per item that is looked at, with its `place` from 0."""
    factors = items.select("record", "line", text=pl.col("items").list.head(JUDGED_ITEMS))
    places = pl.int_ranges(0, pl.col("text").list.len(), dtype=pl.Int64)
    texts = factors.with_columns(place=places).explode("text", "place").drop_nulls("text")
    texts = texts.with_columns(pl.format("mfa_factors[{}]", "place").alias("root"), pl.col("text").alias(FACTOR))
    return _opened(texts, MFA_FACTOR_FIELDS, top=FACTOR, objects=(FACTOR, *KINDS), engine=engine)


def items_of_factors(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The arrays of `mfa_factors`, one row per record that has one: record, line and the list `items` of JSON texts."""
    return engine_pass("json_items", texts_of(users, "mfa_factors"), engine=engine)


def with_item_counts(users: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The users with the number of items of their `mfa_factors`."""
    counts = items.select("record", pl.col("items").list.len().cast(pl.Int64).alias(items_column("mfa_factors")))
    return users.join(counts, on="record", how="left", maintain_order="left")


def texts_of(users: pl.DataFrame, name: str, *, where: pl.Series | None = None) -> pl.DataFrame:
    """The JSON texts of an object or array field, of those users alone that `where` says: record, line and text."""
    wanted = users[name].is_not_null() if where is None else where
    texts = users.select("record", "line", text=name)
    return texts.filter(wanted) if wanted.any() else texts.clear()


def _opened(
    texts: pl.DataFrame,
    fields: tuple[Field, ...],
    *,
    top: str,
    objects: Sequence[str],
    engine: duckdb.DuckDBPyConnection,
) -> Part:
    """The part whose JSON is in `text` and whose path is in `root`, with the columns of its fields.

    `top` is what the part is called in the names of `fields` and `objects`.
    """
    rest = [name for name in ("record", "line", "place") if name in texts.columns]
    if texts.is_empty():
        return Part(texts.select(rest).hstack(empty_columns(fields)), KEYS.to_frame())
    inner = [field.name for field in fields if field.name != top]
    paths = [_json_path(name, top) for name in inner]
    texts = texts.with_columns(has_escape(pl.col("text")).alias(ESCAPED))
    found = values_at(texts, paths, engine=engine, objects=[_json_path(name, top) for name in objects])
    named = found.with_columns(pl.col("found").list.get(place).alias(name) for place, name in enumerate(inner))
    return Part(named.select(*rest, *canonical_columns(named, fields)), _odd_keys(texts, found, objects=objects))


def _odd_keys(texts: pl.DataFrame, found: pl.DataFrame, *, objects: Sequence[str]) -> pl.DataFrame:
    odd = found.drop_nulls("unknown_keys")
    odd_texts = texts.join(odd, on=["record", "root"], how="semi").select("record", "line", "root", "text")
    return pl.concat([keys_of_parts(odd, objects=objects), keys_there_twice(odd_texts)])


def _json_path(name: str, top: str) -> str:
    return f"${name.removeprefix(top)}"
