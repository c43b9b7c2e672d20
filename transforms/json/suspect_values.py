"""Find keys and texts inside objects that need a closer look: a cheap pass over all users, an exact one over suspects.

What is wrong with a key or a text is up to the rules of `schemas.rules.objects`.
"""

import duckdb
import polars as pl

from schemas.canonical import may_be_unclean
from schemas.formats.text import check_once
from schemas.rules.objects import RESERVED_APP_METADATA
from transforms.json.key_shapes import have_equal_keys
from transforms.json.nested_parts import select_texts
from transforms.json.object_keys import find_repeated_keys, find_reserved_keys
from transforms.json.values import make_printable, query_texts

METADATA = ("app_metadata", "user_metadata")
PARTS = ("custom_password_hash", "mfa_factors", "roles", "groups", "identities")
# DuckDB escapes only control characters, quotes and backslashes; metadata may have line breaks and tabs
UNCLEAN = r'^(?:[^\\]|\\["\\])*\\[^"\\]|[\x7f-\x{9F}\x{FFFD}]'
UNCLEAN_IN_METADATA = r'^(?:[^\\]|\\["\\nrt])*\\[^"\\nrt]|[\x7f-\x{9F}\x{FFFD}]'
RESERVED = [f'"{key}":' for key in RESERVED_APP_METADATA]

MEMBERS = pl.Schema({"record": pl.Int64(), "line": pl.Int64(), "path": pl.String(), "text": pl.String()})
QUOTED = {'\\"': '"', "\\\\": "\\"}  # what DuckDB escapes in the path of a key


def find_suspect_values(users: pl.DataFrame) -> pl.DataFrame:
    """Return one boolean column per kind of suspect value in a user's objects, one row per user."""
    suspects = users.select(
        *(_may_be_unclean(users, name, UNCLEAN_IN_METADATA) for name in METADATA),
        *(_may_be_unclean(users, name, UNCLEAN) for name in PARTS),
        check_once(users["app_metadata"], lambda texts: texts.str.contains_any(RESERVED)).alias(
            "reserved app_metadata"
        ),
    )
    return suspects.hstack(have_equal_keys(users.select(METADATA)).rename("repeated {}".format))


def _may_be_unclean(users: pl.DataFrame, name: str, pattern: str) -> pl.Expr:
    is_unclean = may_be_unclean(name).str.contains(pattern) if users[name].count() else pl.lit(value=False)
    return is_unclean.alias(f"unclean {name}")


def find_keys_of_metadata(
    users: pl.DataFrame, suspects: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection
) -> pl.DataFrame:
    """Return the reserved keys of the metadata, and the repeated ones at any depth."""
    reserved = select_texts(users, "app_metadata", where=suspects["reserved app_metadata"])
    repeating = ((name, select_texts(users, name, where=suspects[f"repeated {name}"])) for name in METADATA)
    repeated = find_repeated_keys(pl.concat([texts.with_columns(root=pl.lit(name)) for name, texts in repeating]))
    return pl.concat([repeated, find_reserved_keys(reserved, engine=engine)])


def find_suspect_texts(
    users: pl.DataFrame, suspects: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection
) -> pl.DataFrame:
    """Return the keys and strings of objects and arrays that may not be clean: columns of MEMBERS."""
    unclean = ((name, select_texts(users, name, where=suspects[f"unclean {name}"])) for name in (*METADATA, *PARTS))
    return pl.concat([_list_members(texts, name, engine=engine) for name, texts in unclean])


def _list_members(texts: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return every key and string of the objects of a field."""
    if texts.is_empty():
        return MEMBERS.to_frame()
    members = query_texts("json_members", texts, engine=engine)
    path = make_printable(pl.lit(name) + pl.col("place").str.replace_many(QUOTED))
    return members.group_by("record", "line", path=path).agg(text=pl.col("word").str.join(" "))
