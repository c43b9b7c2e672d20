"""Bring records into canonical shape: a value and a JSON type per field, the keys to match by, nested parts opened.

Only the shape: `transforms.rules.validate` checks the values.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELD_NAMES, FIELDS
from schemas.frames import Layout
from schemas.profiles import IGNORED_COLUMNS, Profile
from transforms.canonical_columns import canonical_columns, match_keys
from transforms.cells import convert_to_json, measure_cell_depths, remove_deep_cells
from transforms.given_texts import clean_texts
from transforms.json.hash_values import open_hash_values
from transforms.json.nested_parts import add_item_counts, list_factor_items, open_mfa_factors, open_password_hashes
from transforms.json.object_keys import collect_keys, find_keys_of_columns, find_keys_of_records, known_keys
from transforms.json.suspect_values import find_keys_of_metadata, find_suspect_texts, find_suspect_values
from transforms.json.values import extract_values, json_pointer, unpack_found


@dataclass(frozen=True)
class Canonical:
    """A batch in canonical shape; every frame has `record`, `line` and the columns of its model."""

    users: pl.DataFrame  # one row per record, with email_key and username_key
    outer_white_space: pl.DataFrame  # one row per record that has a text with white space around it, now taken off
    absent_words: pl.DataFrame  # one row per record that has a cell with a word for an absent value
    password_hashes: pl.DataFrame  # one row per record that has a `custom_password_hash`
    hash_values: pl.DataFrame  # one row per hash of one that may be wrong
    mfa_factors: pl.DataFrame  # one row per item of `mfa_factors`
    object_keys: pl.DataFrame  # one row per suspect key of an object
    object_texts: pl.DataFrame  # one row per suspect text in an object or array
    object_depths: pl.DataFrame  # one row per cell with an object or array that looks deep


def normalise(rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile, layout: Layout) -> Canonical:
    """Return the batch in canonical shape; `rows` has the columns of RECORDS, every text a strict JSON object."""
    others = _get_other_columns(layout, profile)
    read = _read_fields(rows, engine=engine, profile=profile, others=others)
    cells = read.select("record", "line", ESCAPED, *unpack_found([*FIELD_NAMES, *others]))
    depths = measure_cell_depths(cells, layout=layout)
    cells = remove_deep_cells(cells, depths)
    texts = convert_to_json(cells, layout=layout, profile=profile, engine=engine)
    users = texts.select("record", "line", ESCAPED, *canonical_columns(texts, FIELDS))
    given = clean_texts(users, profile=profile, layout=layout)
    users = given.users.with_columns(match_keys())
    items = list_factor_items(users, engine=engine)
    hashes, factors = open_password_hashes(users, engine=engine), open_mfa_factors(items, engine=engine)
    own_keys = find_keys_of_columns(texts, others) if layout.columns else find_keys_of_records(read, profile=profile)
    suspects = find_suspect_values(users)
    metadata_keys = find_keys_of_metadata(users, suspects, engine=engine)
    return Canonical(
        users=add_item_counts(users, items),
        outer_white_space=given.outer_white_space,
        absent_words=given.absent_words,
        password_hashes=hashes.frame,
        hash_values=open_hash_values(hashes.frame),
        mfa_factors=factors.frame,
        object_keys=collect_keys(own_keys, hashes.keys, factors.keys, metadata_keys),
        object_texts=find_suspect_texts(users, suspects, engine=engine),
        object_depths=depths,
    )


def _get_other_columns(layout: Layout, profile: Profile) -> Mapping[str, str]:
    """Return a table's columns that are not fields, by a name of their own here: a header may have any name."""
    known = (*known_keys(profile), *IGNORED_COLUMNS)
    return {f"other {i}": name for i, name in enumerate(layout.columns or ()) if name not in known}


def _read_fields(
    rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile, others: Mapping[str, str]
) -> pl.DataFrame:
    """Return the JSON texts of all fields and other columns as `found`, in the order of the records."""
    paths = [profile.paths[name] for name in FIELD_NAMES]
    pointers = [json_pointer(name) for name in others.values()]
    shared = len(known_keys(profile)) < len(FIELDS)  # then the count of values does not show an unknown key
    marked = rows.with_columns(_may_be_escaped(pl.col("text")).alias(ESCAPED))
    read = extract_values(marked, [*paths, *pointers], engine=engine, every=shared)
    return read if read["record"].is_sorted() else read.sort("record")


def _may_be_escaped(text: pl.Expr) -> pl.Expr:
    """Return whether the JSON has an escape, U+007F, U+FFFD or a byte that all of U+0080 to U+009F begin with."""
    return text.str.contains(r"\\|\x7f|\x{FFFD}") | text.cast(pl.Binary).bin.contains(b"\xc2")
