"""Read the fields of records that are JSON texts: typed where the proof holds, otherwise value by value."""

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS, UserField
from schemas.profiles import Profile
from transforms.canonical_columns import absent_columns, canonical_columns
from transforms.fields.values import USERS, FieldValues, may_be_escaped
from transforms.json.object_keys import find_keys_of_records, known_key, known_keys
from transforms.json.values import extract_values, unpack_found

SPELLED_LETTERS = [rf"\u00{row}" for row in (3, 4, 5, 6, 7)]  # escapes of ASCII letters, digits and `_`, in a key


def read_json_records(texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile) -> FieldValues:
    """Return the fields of records; `texts` has the columns of RECORDS, every text a strict JSON object."""
    fields = find_fields(texts["text"], profile)
    names, absent = [field.name for field in fields], [field for field in FIELDS if field not in fields]
    paths = [profile.paths[name] for name in names]
    shared = len(known_keys(profile)) < len(profile.paths)  # then the count of values does not show an unknown key
    marked = texts.with_columns(may_be_escaped(pl.col("text")).alias(ESCAPED))
    read = extract_values(marked, paths, engine=engine, every=shared)
    read = read if read["record"].is_sorted() else read.sort("record")
    found = read.select("record", "line", ESCAPED, *unpack_found(names))
    columns = (*canonical_columns(found, fields), *absent_columns(absent))
    users = found.select("record", "line", ESCAPED, *columns).select(USERS.names())
    return FieldValues(users, keys=find_keys_of_records(read, profile=profile))


def find_fields(texts: pl.Series, profile: Profile) -> list[UserField]:
    """Return the fields that records of the profile can have, of the wider record only those whose key is in a text:
    to look for ten more values takes time, and few files have them."""
    found = {field.name: known_key(profile, field.name) for field in FIELDS if field.wider}
    keys = {name: key for name, key in found.items() if key and key.isascii() and key.isidentifier()}
    if texts.str.contains_any([*keys.values(), *SPELLED_LETTERS]).any():
        is_spelled = texts.str.contains_any(SPELLED_LETTERS).any()
        keys = {name: key for name, key in keys.items() if not is_spelled and not _has(texts, key)}
    return [field for field in FIELDS if field.name in profile.paths and field.name not in keys]


def _has(texts: pl.Series, key: str) -> bool:
    return bool(texts.str.contains(f'"{key}"', literal=True).any())
