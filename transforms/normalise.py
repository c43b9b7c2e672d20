"""Bring the fields of records into canonical shape: nulls read, texts trimmed, keys to match by added, parts opened.

Only the shape: `transforms.rules.validate` checks the values.
"""

from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.connection import RequiredField
from schemas.fields import LIST_FIELDS
from schemas.frames import Layout
from schemas.profiles import Profile
from transforms.canonical_columns import match_keys
from transforms.fields.values import FieldValues
from transforms.given_texts import clean_texts
from transforms.json.hash_values import open_hash_values
from transforms.json.nested_parts import (
    add_item_counts,
    list_factor_items,
    list_suspect_items,
    open_identities,
    open_list_items,
    open_mfa_factors,
    open_password_hashes,
)
from transforms.json.object_keys import collect_keys
from transforms.json.suspect_values import find_keys_of_metadata, find_suspect_texts, find_suspect_values
from transforms.null_values import read_nulls


@dataclass(frozen=True)
class Canonical:
    """A batch in canonical shape; every frame has `record`, `line` and the columns of its model."""

    users: pl.DataFrame  # one row per record, with email_key, username_key and cleared
    outer_white_space: pl.DataFrame  # one row per record that has a text with white space around it, now taken off
    absent_words: pl.DataFrame  # one row per record that has a cell with a word for an absent value
    password_hashes: pl.DataFrame  # one row per record that has a `custom_password_hash`
    hash_values: pl.DataFrame  # one row per hash of one that may be wrong
    mfa_factors: pl.DataFrame  # one row per item of `mfa_factors`
    list_items: pl.DataFrame  # one row per item of a list of texts that may break a rule
    identities: pl.DataFrame  # one row per item of `identities`
    object_keys: pl.DataFrame  # one row per suspect key of an object
    object_texts: pl.DataFrame  # one row per suspect text in an object or array
    object_depths: pl.DataFrame  # one row per cell with an object or array that looks deep
    warnings: pl.DataFrame  # one row per value that is left out


def normalise(
    values: FieldValues,
    *,
    engine: duckdb.DuckDBPyConnection,
    profile: Profile,
    layout: Layout,
    required: RequiredField = "email",
) -> Canonical:
    """Return the batch in canonical shape; `required` is the field that every user of the connection must have."""
    read = read_nulls(values.users, null=profile.null, required=required)
    given = clean_texts(read, profile=profile, layout=layout)
    users = given.users.with_columns(match_keys())
    items = list_factor_items(users, engine=engine)
    lists = {name: list_suspect_items(users, name, engine=engine) for name in LIST_FIELDS}
    hashes, factors = open_password_hashes(users, engine=engine), open_mfa_factors(items, engine=engine)
    identities = open_identities(users, engine=engine)
    suspects = find_suspect_values(users)
    metadata_keys = find_keys_of_metadata(users, suspects, engine=engine)
    return Canonical(
        users=add_item_counts(users, {"mfa_factors": items, **lists}),
        outer_white_space=given.outer_white_space,
        absent_words=given.absent_words,
        password_hashes=hashes.frame,
        hash_values=open_hash_values(hashes.frame, algorithms=profile.algorithms),
        mfa_factors=factors.frame,
        list_items=open_list_items(lists),
        identities=identities.frame,
        object_keys=collect_keys(
            values.keys, hashes.keys, factors.keys, identities.keys, metadata_keys, fields=tuple(profile.paths)
        ),
        object_texts=find_suspect_texts(users, suspects, engine=engine),
        object_depths=values.depths,
        warnings=values.warnings,
    )
