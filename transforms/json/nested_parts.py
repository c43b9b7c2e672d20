"""Open the nested parts of users that have rules of their own: `custom_password_hash` and the items of arrays.

Each becomes a frame with `record`, `line` and columns named by their paths.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.canonical import ESCAPED, items_column
from schemas.fields import LIST_FIELDS, Field
from schemas.formats.text import check_once
from schemas.rules.hash_fields import OBJECTS, PASSWORD_HASH_FIELDS, ROOT
from schemas.rules.identities import IDENTITY, IDENTITY_FIELDS
from schemas.rules.list_items import ITEMS, LIST_ITEM_FIELDS, LONGEST_ITEM
from schemas.rules.mfa_factors import FACTOR, KINDS, MFA_FACTOR_FIELDS, MOST_FACTORS
from schemas.rules.wider_record import MOST_ITEMS
from transforms.canonical_columns import canonical_columns, canonical_schema
from transforms.json.object_keys import KEYS, find_keys_of_parts, find_repeated_keys
from transforms.json.values import extract_values, has_escape, query_texts, unpack_found

LIST_ITEMS = pl.Schema({name: pl.Int64() for name in ("record", "line", "place", "first_place")})
LIST_OF_TEXTS = r'^\[(?:"[^"\\]+"(?:,"[^"\\]+")*)?\]$'  # compact, without escapes and empty texts


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
    """Return the fields of `mfa_factors`, one row per checked item, with its `place` from 0.

    A longer array is refused for its length, and its further items are not checked.
    """
    texts = _explode(items, most=MOST_FACTORS).with_columns(_root(FACTOR), pl.col("text").alias(FACTOR))
    return _open_part(texts, MFA_FACTOR_FIELDS, top=FACTOR, objects=(FACTOR, *KINDS), engine=engine)


def open_identities(users: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> Part:
    """Return the fields of `identities`, one row per item, with its `place` from 0."""
    items = query_texts("json_items", select_texts(users, "identities"), engine=engine)
    texts = _explode(items).with_columns(_root(IDENTITY), pl.col("text").alias(IDENTITY))
    return _open_part(texts, IDENTITY_FIELDS, top=IDENTITY, objects=(IDENTITY,), engine=engine)


def list_suspect_items(users: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return record, line and `items`, a list of JSON texts, of the lists of texts that may break a rule."""
    suspect = check_once(users[name], _is_suspect_list) if users[name].count() else users[name].is_not_null()
    return query_texts("json_items", select_texts(users, name, where=suspect.fill_null(value=False)), engine=engine)


def _is_suspect_list(texts: pl.Series) -> pl.Series:
    """Return whether a list is too long, or may have an item that is not a text, too long, escaped or there twice."""
    pieces = texts.str.split('"')  # without escapes, every other piece is an item
    items = pieces.list.gather_every(2, 1)
    is_certain = (
        texts.str.contains(LIST_OF_TEXTS)
        & (items.list.len() <= MOST_ITEMS)
        & (items.list.eval(pl.element().str.len_chars()).list.max().fill_null(0) <= LONGEST_ITEM)
        & (items.list.n_unique() == items.list.len())
    )
    return ~is_certain


def open_list_items(lists: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the items of lists of texts, by the name of their field: one row per checked item, with its `place` from 0
    and the place of the first item with the same text."""
    found = [_open_list(lists[name], f"{name}[]") for name in LIST_FIELDS if lists[name].height]
    empty = pl.DataFrame(schema={**LIST_ITEMS, **canonical_schema(LIST_ITEM_FIELDS)})
    return pl.concat([empty, *(frame.select(empty.columns) for frame in found)], rechunk=True)


def _open_list(items: pl.DataFrame, column: str) -> pl.DataFrame:
    texts = _explode(items, most=MOST_ITEMS).select(
        "record",
        "line",
        "place",
        has_escape(pl.col("text")).alias(ESCAPED),
        *(pl.col("text").alias(name) if name == column else pl.lit(None, pl.String).alias(name) for name in ITEMS),
    )
    values = texts.select("record", "line", "place", *canonical_columns(texts, LIST_ITEM_FIELDS))
    return values.with_columns(first_place=pl.col("place").min().over("record", column))


def add_item_counts(users: pl.DataFrame, items: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the users with the number of items of arrays, as far as these were opened."""
    for name, listed in items.items():
        counts = listed.select("record", pl.col("items").list.len().cast(pl.Int64).alias(items_column(name)))
        users = users.join(counts, on="record", how="left", maintain_order="left")
    return users


def _explode(items: pl.DataFrame, *, most: int | None = None) -> pl.DataFrame:
    """Return the items of arrays, of each array the first `most`, as `text`, each with its `place` from 0."""
    listed = pl.col("items") if most is None else pl.col("items").list.head(most)
    texts = items.select("record", "line", text=listed)
    places = pl.int_ranges(0, pl.col("text").list.len(), dtype=pl.Int64)
    return texts.with_columns(place=places).explode("text", "place").drop_nulls("text")


def _root(top: str) -> pl.Expr:
    return pl.format(top.replace("[]", "[{}]"), "place").alias("root")


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
