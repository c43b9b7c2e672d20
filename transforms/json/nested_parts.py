"""Open the nested parts of users that have rules of their own: `custom_password_hash` and the items of `mfa_factors`.

Each becomes a frame with `record`, `line` and columns named by their paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.canonical import ESCAPED, items_column
from schemas.fields import Field
from schemas.rules.hash_fields import OBJECTS, PASSWORD_HASH_FIELDS, ROOT
from schemas.rules.mfa_factors import FACTOR, KINDS, MFA_FACTOR_FIELDS
from transforms.canonical_columns import canonical_columns, canonical_schema
from transforms.json.object_keys import KEYS, find_keys_of_parts, find_repeated_keys
from transforms.json.values import extract_values, has_escape, query_texts, unpack_found

CHECKED_ITEMS = 10  # a longer array is refused for its length, and its further items are not checked


@dataclass(frozen=True)
class Part:
    """A nested part of a batch: a frame for its rules, and the suspect keys of its objects."""

    frame: pl.DataFrame
    keys: pl.DataFrame


def open_password_hashes(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """Return the fields of `custom_password_hash`, one row per record that has the object."""
    texts = select_texts(users, ROOT).with_columns(root=pl.lit(ROOT))
    return _open_part(texts, PASSWORD_HASH_FIELDS, top=ROOT, objects=(ROOT, *OBJECTS), engine=engine)


def list_factor_items(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return record, line and `items`, a list of JSON texts, one row per record that has `mfa_factors`."""
    return query_texts("json_items", select_texts(users, "mfa_factors"), engine=engine)


def open_mfa_factors(items: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """Return the fields of `mfa_factors`, one row per checked item, with its `place` from 0."""
    factors = items.select("record", "line", text=pl.col("items").list.head(CHECKED_ITEMS))
    places = pl.int_ranges(0, pl.col("text").list.len(), dtype=pl.Int64)
    texts = factors.with_columns(place=places).explode("text", "place").drop_nulls("text")
    texts = texts.with_columns(pl.format("mfa_factors[{}]", "place").alias("root"), pl.col("text").alias(FACTOR))
    return _open_part(texts, MFA_FACTOR_FIELDS, top=FACTOR, objects=(FACTOR, *KINDS), engine=engine)


def add_item_counts(users: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Return the users with the number of items of their `mfa_factors`."""
    counts = items.select("record", pl.col("items").list.len().cast(pl.Int64).alias(items_column("mfa_factors")))
    return users.join(counts, on="record", how="left", maintain_order="left")


def select_texts(users: pl.DataFrame, name: str, *, where: pl.Series | None = None) -> pl.DataFrame:
    """Return record, line and JSON text of an object or array field, of the users that have it or of those `where`."""
    wanted = users[name].is_not_null() if where is None else where
    texts = users.select("record", "line", text=name)
    return texts.filter(wanted) if wanted.any() else texts.clear()


def _open_part(
    texts: pl.DataFrame,
    fields: tuple[Field, ...],
    *,
    top: str,
    objects: Sequence[str],
    engine: duckdb.DuckDBPyConnection,
) -> Part:
    """Return the part whose JSON is in `text` and whose path is in `root`, with the columns of its fields.

    `top` is what the names of `fields` and `objects` call the part itself.
    """
    rest = [name for name in ("record", "line", "place") if name in texts.columns]
    if texts.is_empty():
        return Part(texts.select(rest).hstack(canonical_schema(fields).to_frame()), KEYS.to_frame())
    inner = [field.name for field in fields if field.name != top]
    texts = texts.with_columns(has_escape(pl.col("text")).alias(ESCAPED))
    found = extract_values(texts, _json_paths(inner, top), engine=engine, objects=_json_paths(objects, top))
    named = found.with_columns(unpack_found(inner))
    suspect = found.drop_nulls("unknown_keys")
    suspect_texts = texts.join(suspect, on=["record", "root"], how="semi").select("record", "line", "root", "text")
    keys = pl.concat([find_keys_of_parts(suspect, objects=objects), find_repeated_keys(suspect_texts)])
    return Part(named.select(*rest, *canonical_columns(named, fields)), keys)


def _json_paths(names: Sequence[str], top: str) -> list[str]:
    return [f"${name.removeprefix(top)}" for name in names]
