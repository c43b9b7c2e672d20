"""Find the records that repeat a key of an earlier one. What counts as the same key is in `sql/shared_keys.sql`."""

from array import array

import polars as pl

SHARED_KEYS = ("email", "username", "user_id", "user")


def find_duplicates(shared_keys: pl.DataFrame) -> pl.DataFrame:
    """Return record, key and the earlier accepted record that has it, one row per key that the record repeats.

    `shared_keys` has the rows of `shared_keys_by_record.sql`. A record repeats only one that is itself accepted: so
    whether it does depends on all before it, and the records that share a key are visited one after the other. The
    existing user that two records match is named only where they share nothing else.
    """
    held_key = pl.col("first_record") * 4 + pl.col("key").cast(pl.Enum(SHARED_KEYS)).to_physical()
    keyed = shared_keys.with_columns(holding=held_key.rank("dense") - 1)
    records = keyed.group_by("record", maintain_order=True).agg(pl.len(), pl.first("is_refused"))
    keys = array("q", keyed["holding"])
    holders = array("q", [0]) * (max(keys, default=-1) + 1)
    found = array("q")
    for record, count, is_refused in zip(records["record"], records["len"], records["is_refused"], strict=True):
        held = keys[len(found) : len(found) + count]
        earlier = array("q", (holders[key] for key in held))
        found.extend(earlier)
        if not is_refused and not any(earlier):
            for key in held:
                holders[key] = record
    repeated = shared_keys.select("record", "key", pl.Series("first_record", found, pl.Int64)).filter(
        pl.col("first_record") > 0
    )
    return repeated.filter((pl.col("key") != "user") | (pl.len().over("record") == 1))
