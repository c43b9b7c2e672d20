"""Read accounts at other providers: one object for each item of an array."""

from collections.abc import Sequence

import duckdb
import polars as pl

from schemas.fields import JsonType
from schemas.mapping.language import Rule
from transforms.json.encoding import encode_member, encode_object
from transforms.mapping.rules import Words, join_items, read_field
from transforms.mapping.values_at import column_at, read_values


def write_identities(
    found: pl.DataFrame, rules: Sequence[Rule], words: Words, *, engine: duckdb.DuckDBPyConnection
) -> pl.Series:
    """Return the JSON arrays of identities of records whose values at paths are columns of `found`."""
    arrays = [_read_each(found, rule, words, engine=engine).alias(str(place)) for place, rule in enumerate(rules)]
    joined = join_items([pl.col(array.name) for array in arrays])
    return pl.DataFrame(arrays).select(joined.alias("identities")).to_series()


def _read_each(found: pl.DataFrame, rule: Rule, words: Words, *, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    if not rule.each:
        return found.select(read_field((rule,), JsonType.ARRAY, words)).to_series()
    path = rule.at[0] if rule.at[0].is_many else rule.at[0].items
    rows = found.select(row=pl.int_range(pl.len()), text=column_at(path)).explode("text", empty_as_null=True)
    items = rows.filter(pl.col("text").str.starts_with("{")).with_row_index("record").cast({"record": pl.Int64})
    paths = [path for part in rule.each.values() for path in part.at]
    read = read_values(items, paths, used=(), engine=engine)
    members = (
        encode_member(name, read_field((part,), JsonType.STRING, words)).alias(name) for name, part in rule.each.items()
    )
    objects = read.select("row", encode_object(members).alias("object")).filter(pl.col("object") != "{}")
    arrays = objects.group_by("row", maintain_order=True).agg(pl.col("object").str.join(","))
    joined = found.select(row=pl.int_range(pl.len())).join(arrays, on="row", how="left", maintain_order="left")
    return joined.select(pl.concat_str(pl.lit("["), "object", pl.lit("]"))).to_series()
