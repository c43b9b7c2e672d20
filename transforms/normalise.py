"""Gives records their canonical shape: per field a value and its JSON type, the keys to match by, nested parts opened.

Shape only: what a value must be is judged in `transforms.rules.validate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS
from schemas.frames import Layout
from schemas.profiles import IGNORED_COLUMNS, Profile
from transforms.canonical_columns import canonical_columns, match_keys
from transforms.cells import NESTED_FIELDS, as_json
from transforms.json.depths import cell_depths, without_deep_cells
from transforms.json.nested_parts import items_of_factors, mfa_factors, password_hashes, with_item_counts
from transforms.json.object_keys import keys_of_columns, keys_of_records, known_keys, once_each
from transforms.json.suspect_values import keys_of_metadata, suspect_texts, suspect_values
from transforms.json.values import has_escape, values_at


@dataclass(frozen=True)
class Canonical:
    """A batch in canonical shape; every frame knows `record` and `line` and has the columns of its model."""

    users: pl.DataFrame  # one row per record, with email_key and username_key
    password_hashes: pl.DataFrame  # one row per record that has a `custom_password_hash`
    mfa_factors: pl.DataFrame  # one row per item of `mfa_factors`
    object_keys: pl.DataFrame  # one row per odd key of an object
    object_texts: pl.DataFrame  # one row per doubtful text in an object or array
    object_depths: pl.DataFrame  # one row per cell with an object or array that looked deep


def normalise(rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile, layout: Layout) -> Canonical:
    """The batch in canonical shape; `rows` has the columns of RECORDS, every text a strict JSON object."""
    others = _other_columns(layout, profile)
    read = _read(rows, engine=engine, profile=profile, others=others)
    raw = _found(read, others)
    depths = cell_depths(raw, NESTED_FIELDS, layout=layout)
    found = as_json(without_deep_cells(raw, depths, NESTED_FIELDS), layout=layout, profile=profile, engine=engine)
    users = found.select("record", "line", ESCAPED, *canonical_columns(found, FIELDS)).with_columns(match_keys())
    items = items_of_factors(users, engine=engine)
    hashes, factors = password_hashes(users, engine=engine), mfa_factors(items, engine=engine)
    own = keys_of_columns(found, others) if layout.columns else keys_of_records(read, profile=profile)
    doubted = suspect_values(users)
    keys = pl.concat([own, hashes.keys, factors.keys, keys_of_metadata(users, doubted, engine=engine)])
    return Canonical(
        users=with_item_counts(users, items),
        password_hashes=hashes.frame,
        mfa_factors=factors.frame,
        object_keys=once_each(keys),
        object_texts=suspect_texts(users, doubted, engine=engine),
        object_depths=depths,
    )


def _other_columns(layout: Layout, profile: Profile) -> Mapping[str, str]:
    """The columns of a table that feed no field, by the name they have here: headers may be called anything."""
    known = (*known_keys(profile), *IGNORED_COLUMNS)
    return {f"other {i}": name for i, name in enumerate(layout.columns or ()) if name not in known}


def _read(
    rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile, others: Mapping[str, str]
) -> pl.DataFrame:
    """The JSON texts of all fields and other columns, in the order of the records."""
    paths = [profile.paths[field.name] for field in FIELDS]
    pointers = ["/" + name.replace("~", "~0").replace("/", "~1") for name in others.values()]
    shared = len(known_keys(profile)) < len(FIELDS)  # then the count of values does not tell that a key is odd
    marked = rows.with_columns(
        (has_escape(pl.col("text")) | pl.col("text").str.contains("\ufffd", literal=True)).alias(ESCAPED)
    )
    read = values_at(marked, [*paths, *pointers], engine=engine, every=shared)
    return read if read["record"].is_sorted() else read.sort("record")


def _found(read: pl.DataFrame, others: Mapping[str, str]) -> pl.DataFrame:
    names = [*(field.name for field in FIELDS), *others]
    return read.select(
        "record", "line", ESCAPED, *(pl.col("found").list.get(i).alias(name) for i, name in enumerate(names))
    )
