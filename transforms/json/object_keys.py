"""Collect the keys that objects have beyond one each of those that are known, for `schemas.rules.object_keys`."""

import re
from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from schemas.profiles import IGNORED_COLUMNS, Profile
from schemas.rules.object_keys import KNOWN_KEYS, RESERVED_APP_METADATA
from transforms.field_names import suggest
from transforms.json.key_shapes import repeated_keys
from transforms.json.values import printable, values_at

KEYS = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "parent": pl.String(),  # path of the object, `[]` for any item; empty for the record
        "path": pl.String(),  # of the key
        "key": pl.String(),
        "copies": pl.Int64(),
        "field": pl.String(),
    }
)
SUGGESTED_KEYS = pl.Schema({**KEYS, "suggestion": pl.String()})
MANY_NAMES = 500  # of so many unknown keys in a batch at most is it asked what they may have meant


def keys_of_records(read: pl.DataFrame, *, profile: Profile) -> pl.DataFrame:
    """The odd keys of records that came as JSON: `read` has record, line and the record's keys as `unknown_keys`."""
    odd = read.select("record", "line", "unknown_keys").drop_nulls("unknown_keys")
    if odd.is_empty():
        return KEYS.to_frame()
    known = known_keys(profile)
    keys = odd.select("record", "line", keys=pl.col("unknown_keys").list.first())
    repeating = pl.col("keys").list.n_unique() < pl.col("keys").list.len()
    repeated = keys.filter(repeating).explode("keys").group_by("record", "line", "keys").len("copies")
    ignored = (*known, *IGNORED_COLUMNS)
    single = keys.filter(~repeating).explode("keys").filter(~pl.col("keys").is_in(ignored))
    every = pl.concat([repeated, single.with_columns(copies=pl.lit(1, pl.UInt32))])
    return _of_record(every.filter((pl.col("copies") > 1) | ~pl.col("keys").is_in(ignored)), known=known)


def keys_of_columns(cells: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """The odd keys of records that came as a table: the named columns, which feed no field, where they have a value."""
    named = cells.unpivot(list(columns), index=["record", "line"], variable_name="keys").drop_nulls("value")
    keys = pl.col("keys").replace_strict(dict(columns), return_dtype=pl.String)
    return _of_record(named.select("record", "line", keys=keys, copies=pl.lit(1, pl.UInt32)), known=())


def _of_record(keys: pl.DataFrame, *, known: Sequence[str]) -> pl.DataFrame:
    key = pl.col("keys")
    field = pl.when(key.is_in(known)).then(key)
    return keys.select("record", "line", parent=pl.lit(""), path=key, key=key, copies="copies", field=field).cast(KEYS)


def keys_of_parts(odd: pl.DataFrame, *, objects: Sequence[str]) -> pl.DataFrame:
    """The unknown keys of a nested part, from `unknown_keys`, the keys of each of `objects`, and `root`, its path."""
    return pl.concat([KEYS.to_frame(), *(_unknown_keys(odd, place=i, parent=name) for i, name in enumerate(objects))])


def _unknown_keys(odd: pl.DataFrame, *, place: int, parent: str) -> pl.DataFrame:
    """The keys of the object `parent` that it must not have; none where it may have any."""
    key = pl.col("key")
    keys = (
        odd.select("record", "line", "root", key=pl.col("unknown_keys").list.get(place))
        .explode("key")
        .drop_nulls("key")
    )
    unknown = keys.filter(~key.is_in(KNOWN_KEYS[parent])) if parent in KNOWN_KEYS else keys.clear()
    below = parent.rpartition("]")[2] if "]" in parent else ""
    path = pl.concat_str("root", pl.lit(f"{below}."), key)
    return unknown.select("record", "line", parent=pl.lit(parent), path=path, key=key, copies=1, field=None).cast(KEYS)


def keys_there_twice(texts: pl.DataFrame) -> pl.DataFrame:
    """The keys that objects have more than once, at any depth of `text`, whose path is `root`."""
    if texts.is_empty():
        return KEYS.to_frame()
    repeated = repeated_keys(texts).with_columns(parent=pl.concat_str("root", "parent"))
    return repeated.select(
        "record",
        "line",
        parent=pl.col("parent").str.replace_all(r"\[[0-9]+\]", "[]"),
        path=pl.concat_str("parent", "key", separator="."),
        key="key",
        copies="copies",
        field=None,
    ).cast(KEYS)


def reserved_keys(texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The reserved keys of `app_metadata`, whose JSON is `text`."""
    if texts.is_empty():
        return KEYS.to_frame()
    read = values_at(texts, (), engine=engine, every=True)
    keys = read.select("record", "line", key=pl.col("unknown_keys").list.first()).explode("key")
    return (
        keys.filter(pl.col("key").is_in(RESERVED_APP_METADATA))
        .select(
            "record",
            "line",
            parent=pl.lit("app_metadata"),
            path=pl.concat_str(pl.lit("app_metadata."), "key"),
            key="key",
            copies=1,
            field=None,
        )
        .cast(KEYS)
    )


def known_keys(profile: Profile) -> tuple[str, ...]:
    """The keys of a record that feed a field, in whole or by a part of their value."""
    found = (re.match(r'\$\.(?:"([^"]+)"|([^.\[]+))', path) for path in profile.paths.values())
    return tuple(dict.fromkeys(match[1] or match[2] for match in found if match))


def once_each(keys: pl.DataFrame) -> pl.DataFrame:
    """The keys, one row per object and key, with what an unknown one may have meant: columns of SUGGESTED_KEYS."""
    if keys.is_empty():
        return SUGGESTED_KEYS.to_frame()
    one = keys.group_by("record", "line", "parent", "path", "key")
    every = one.agg(pl.col("copies").max(), pl.col("field").first())
    unknown = every.filter(pl.col("field").is_null()).select("parent", "key").unique().sort("key").head(MANY_NAMES)
    suggested = unknown.with_columns(suggestion=pl.Series(_suggestions(unknown), dtype=pl.String))
    joined = every.join(suggested, on=["parent", "key"], how="left")
    return joined.with_columns(path=printable(pl.col("path"))).select(SUGGESTED_KEYS.names()).cast(SUGGESTED_KEYS)


def _suggestions(unknown: pl.DataFrame) -> list[str | None]:
    """What each key of an object may have meant."""
    return [suggest(key, KNOWN_KEYS.get(parent, ())) for parent, key in unknown.rows()]
