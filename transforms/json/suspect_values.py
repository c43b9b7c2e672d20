"""Finds keys and texts inside objects that need a look: one cheap pass over all users, exact ones over those doubted.

What is wrong with a key or a text is not said here, but by the rules of `schemas.rules.object_keys` and
`schemas.rules.object_texts`.
"""

import duckdb
import polars as pl

from schemas.canonical import may_be_unclean
from schemas.rules.object_keys import RESERVED_APP_METADATA
from transforms.json.key_shapes import repeat_a_name
from transforms.json.nested_parts import texts_of
from transforms.json.object_keys import keys_there_twice, reserved_keys
from transforms.json.values import engine_pass, printable

METADATA = ("app_metadata", "user_metadata")
OPENED = (*METADATA, "custom_password_hash", "mfa_factors")
# the engine escapes controls, quotes and backslashes only; metadata may have line breaks and tabs
UNCLEAN = r'^(?:[^\\]|\\["\\])*\\[^"\\]|\x{FFFD}'
UNCLEAN_IN_METADATA = r'^(?:[^\\]|\\["\\nrt])*\\[^"\\nrt]|\x{FFFD}'
RESERVED = [f'"{key}":' for key in RESERVED_APP_METADATA]

MEMBERS = pl.Schema({"record": pl.Int64(), "line": pl.Int64(), "path": pl.String(), "text": pl.String()})
QUOTED = {'\\"': '"', "\\\\": "\\"}  # what the engine escapes in the path of a key


def suspect_values(users: pl.DataFrame) -> pl.DataFrame:
    """One boolean column per doubt that a user's objects may give rise to, one row per user."""
    doubted = users.select(
        *(_is_unsound(name).alias(f"unsound {name}") for name in OPENED),
        pl.col("app_metadata").str.contains_any(RESERVED).alias("reserved app_metadata"),
    )
    return doubted.hstack(repeat_a_name(users.select(METADATA)).rename("repeated {}".format))


def _is_unsound(name: str) -> pl.Expr:
    return may_be_unclean(name).str.contains(UNCLEAN_IN_METADATA if name in METADATA else UNCLEAN)


def keys_of_metadata(users: pl.DataFrame, doubted: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The odd keys of the metadata: those that an object has twice, at any depth, and reserved ones."""
    reserved = texts_of(users, "app_metadata", where=doubted["reserved app_metadata"])
    return pl.concat([*(_repeated(users, doubted, name) for name in METADATA), reserved_keys(reserved, engine=engine)])


def _repeated(users: pl.DataFrame, doubted: pl.DataFrame, name: str) -> pl.DataFrame:
    texts = texts_of(users, name, where=doubted[f"repeated {name}"])
    return keys_there_twice(texts.with_columns(root=pl.lit(name)))


def suspect_texts(users: pl.DataFrame, doubted: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The keys and strings of objects and arrays that may not be sound: record, line, path and text."""
    unsound = ((name, texts_of(users, name, where=doubted[f"unsound {name}"])) for name in OPENED)
    return pl.concat([_members(texts, name, engine=engine) for name, texts in unsound])


def _members(texts: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every key and string of the objects of a field, as MEMBERS."""
    if texts.is_empty():
        return MEMBERS.to_frame()
    members = engine_pass("json_members", texts, engine=engine)
    path = printable(pl.lit(name) + pl.col("place").str.replace_many(QUOTED))
    by_path = members.group_by("record", "line", path=path)
    return by_path.agg(text=pl.col("word").str.join(" "))
