"""Read the fields of records that are JSON texts: typed where the proof holds, otherwise value by value."""

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELD_NAMES, FIELDS
from schemas.profiles import Profile
from transforms.canonical_columns import canonical_columns
from transforms.fields.values import USERS, FieldValues, may_be_escaped
from transforms.json.object_keys import find_keys_of_records, known_keys
from transforms.json.values import extract_values, unpack_found


def read_json_records(texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile) -> FieldValues:
    """Return the fields of records; `texts` has the columns of RECORDS, every text a strict JSON object."""
    paths = [profile.paths[name] for name in FIELD_NAMES]
    shared = len(known_keys(profile)) < len(FIELDS)  # then the count of values does not show an unknown key
    marked = texts.with_columns(may_be_escaped(pl.col("text")).alias(ESCAPED))
    read = extract_values(marked, paths, engine=engine, every=shared)
    read = read if read["record"].is_sorted() else read.sort("record")
    found = read.select("record", "line", ESCAPED, *unpack_found(FIELD_NAMES))
    users = found.select("record", "line", ESCAPED, *canonical_columns(found, FIELDS)).select(USERS.names())
    return FieldValues(users, keys=find_keys_of_records(read, profile=profile))
