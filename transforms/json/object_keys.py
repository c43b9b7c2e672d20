"""Find the keys of objects that the rules of `schemas.rules.objects` check: unknown, repeated and reserved ones."""

import re
from collections.abc import Mapping, Sequence

import duckdb
import polars as pl

from schemas.profiles import IGNORED_COLUMNS, Profile
from schemas.rules.objects import KNOWN_KEYS, RESERVED_APP_METADATA
from transforms.field_names import suggest
from transforms.json.key_shapes import find_repeats
from transforms.json.values import extract_values, make_printable

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
MOST_SUGGESTIONS = 500  # how many different unknown keys of a batch get a suggestion


def find_keys_of_records(read: pl.DataFrame, *, profile: Profile) -> pl.DataFrame:
    """Return the unknown and repeated keys of records that came as JSON, from the record's keys in `unknown_keys`."""
    suspect = read.select("record", "line", "unknown_keys").drop_nulls("unknown_keys")
    if suspect.is_empty():
        return KEYS.to_frame()
    known = known_keys(profile)
    is_unknown = ~pl.col("key").is_in((*known, *IGNORED_COLUMNS))
    keys = suspect.select("record", "line", key=pl.col("unknown_keys").list.first())
    repeating = pl.col("key").list.n_unique() < pl.col("key").list.len()
    repeated = keys.filter(repeating).explode("key").group_by("record", "line", "key").len("copies")
    single = keys.filter(~repeating).explode("key").filter(is_unknown).with_columns(copies=pl.lit(1, pl.UInt32))
    found = pl.concat([repeated, single]).filter((pl.col("copies") > 1) | is_unknown)
    return _keys_of(found, path=pl.col("key"), field=pl.when(pl.col("key").is_in(known)).then("key"))


def find_keys_of_columns(cells: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Return the named columns of a table, none of which is a field, as keys of the records that have a value there."""
    named = cells.unpivot(list(columns), index=["record", "line"], variable_name="key").drop_nulls("value")
    key = pl.col("key").replace_strict(dict(columns), return_dtype=pl.String)
    return _keys_of(named.with_columns(key, copies=1), path=pl.col("key"))


def find_keys_of_parts(suspect: pl.DataFrame, *, objects: Sequence[str]) -> pl.DataFrame:
    """Return the unknown keys of a nested part, from `unknown_keys`, the keys of each of `objects`, and `root`."""
    closed = [(place, name) for place, name in enumerate(objects) if name in KNOWN_KEYS]  # others may have any key
    return pl.concat([KEYS.to_frame(), *(_find_unknown(suspect, place=place, parent=name) for place, name in closed)])


def _find_unknown(suspect: pl.DataFrame, *, place: int, parent: str) -> pl.DataFrame:
    key = pl.col("key")
    keys = suspect.select("record", "line", "root", key=pl.col("unknown_keys").list.get(place), copies=1).explode("key")
    unknown = keys.filter(~key.is_in(KNOWN_KEYS[parent]))
    below = parent.rpartition("]")[2] if "]" in parent else ""
    return _keys_of(unknown, parent=parent, path=pl.concat_str("root", pl.lit(f"{below}."), key))


def find_repeated_keys(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the keys that objects have more than once, at any depth of `text`, whose path is `root`."""
    if texts.is_empty():
        return KEYS.to_frame()
    repeated = find_repeats(texts).with_columns(parent=pl.concat_str("root", "parent"))
    parent = pl.col("parent").str.replace_all(r"\[[0-9]+\]", "[]")
    return _keys_of(repeated, parent=parent, path=pl.concat_str("parent", "key", separator="."))


def find_reserved_keys(texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the reserved keys of `app_metadata`, whose JSON is `text`."""
    if texts.is_empty():
        return KEYS.to_frame()
    read = extract_values(texts, (), engine=engine, every=True)
    keys = read.select("record", "line", key=pl.col("unknown_keys").list.first(), copies=1).explode("key")
    reserved = keys.filter(pl.col("key").is_in(RESERVED_APP_METADATA))
    return _keys_of(reserved, parent="app_metadata", path=pl.concat_str(pl.lit("app_metadata."), "key"))


def _keys_of(
    found: pl.DataFrame, *, path: pl.Expr, parent: pl.Expr | str = "", field: pl.Expr | None = None
) -> pl.DataFrame:
    """Return the columns of KEYS from a frame with record, line, key and copies."""
    parent = pl.lit(parent) if isinstance(parent, str) else parent
    return found.select("record", "line", parent=parent, path=path, key="key", copies="copies", field=field).cast(KEYS)


def known_keys(profile: Profile) -> tuple[str, ...]:
    """Return the keys of a record that a field, or a part of one, is found under."""
    keys = (known_key(profile, name) for name in profile.paths)
    return tuple(dict.fromkeys(key for key in keys if key))


def known_key(profile: Profile, name: str) -> str | None:
    """Return the key of a record that a field, or a part of one, is found under; None if there is no such field."""
    match = re.match(r'\$\.(?:"([^"]+)"|([^.\[]+))', profile.paths.get(name, ""))
    return match and (match[1] or match[2])


def collect_keys(*found: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Return all keys, one row per object and key, with a suggestion for unknown ones: columns of SUGGESTED_KEYS.

    `fields` are those that a record can have.
    """
    keys = pl.concat(found)
    if keys.is_empty():
        return SUGGESTED_KEYS.to_frame()
    grouped = keys.group_by("record", "line", "parent", "path", "key")
    unique = grouped.agg(pl.col("copies").max(), pl.col("field").first())
    unknown = unique.filter(pl.col("field").is_null()).select("parent", "key").unique().sort("key")
    suggested = unknown.head(MOST_SUGGESTIONS)
    known = {**KNOWN_KEYS, "": fields}
    suggestions = [suggest(key, known.get(parent, ())) for parent, key in suggested.rows()]
    suggested = suggested.with_columns(suggestion=pl.Series(suggestions, dtype=pl.String))
    joined = unique.join(suggested, on=["parent", "key"], how="left")
    return joined.with_columns(make_printable(pl.col("path"))).select(SUGGESTED_KEYS.names()).cast(SUGGESTED_KEYS)
