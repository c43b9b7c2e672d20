"""Read accounts at other providers: one object for each item of an array, or one for the record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from schemas.fields import Field, JsonType
from schemas.mapping.language import Rule
from transforms.fields.values import WARNINGS
from transforms.json.encoding import encode_member, encode_object
from transforms.mapping.leftovers import warn
from transforms.mapping.rules import Words, join_items, keep_null, read_field
from transforms.mapping.values_at import column_at, read_values

REQUIRED = ("provider", "user_id")
INCOMPLETE = "has an account without a provider or an id, which is left out"
IDENTITIES = Field("identities", JsonType.ARRAY)


@dataclass(frozen=True)
class Identities:
    """The identities of records as a column of JSON texts, if a rule gives any, and warnings of those left out."""

    columns: Sequence[pl.Series]
    warnings: pl.DataFrame


def read_identities(
    found: pl.DataFrame, rules: Sequence[Rule], words: Words, *, engine: duckdb.DuckDBPyConnection
) -> Identities:
    """Return the identities of records whose values at paths are columns of `found`."""
    if not rules:
        return Identities((), WARNINGS.to_frame())
    without_nulls = replace(words, null="absent")
    read = [_read_each(found, rule, without_nulls, engine=engine) for rule in rules]
    columns = [each.columns[0].alias(str(place)) for place, each in enumerate(read)]
    joined = join_items([pl.col(column.name) for column in columns])
    identities = found.with_columns(columns).select(keep_null(joined, rules, words).alias(IDENTITIES.name)).to_series()
    return Identities((identities,), pl.concat([each.warnings for each in read]))


def _read_each(found: pl.DataFrame, rule: Rule, words: Words, *, engine: duckdb.DuckDBPyConnection) -> Identities:
    if not rule.each:
        column = found.select(read_field((rule,), IDENTITIES, words)).to_series()
        return Identities((column,), WARNINGS.to_frame())
    read = _read_items(found, rule, engine=engine) if rule.at else found.with_columns(row=pl.int_range(pl.len()))
    members = (
        encode_member(name, read_field((part,), Field(name, JsonType.STRING), words)).alias(name)
        for name, part in rule.each.items()
    )
    is_complete = pl.all_horizontal(pl.col(*REQUIRED).is_not_null())
    accounts = read.select("row", *members).with_columns(is_complete.alias("is_complete"))
    if not rule.at:  # a record without any of it has no such account
        accounts = accounts.filter(pl.any_horizontal(pl.col(_members_of_record(rule)).is_not_null()))
    objects = accounts.filter("is_complete").select("row", object=encode_object(pl.col(name) for name in rule.each))
    arrays = objects.group_by("row", maintain_order=True).agg(pl.col("object").str.join(","))
    joined = found.select(row=pl.int_range(pl.len())).join(arrays, on="row", how="left", maintain_order="left")
    column = joined.select(pl.concat_str(pl.lit("["), "object", pl.lit("]"))).to_series()
    incomplete = found[accounts.filter(~pl.col("is_complete"))["row"].unique().sort()]
    return Identities((column,), warn(incomplete, path=pl.lit(IDENTITIES.name), message=INCOMPLETE))


def _read_items(found: pl.DataFrame, rule: Rule, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the values at the paths of the members in every item, with the `row` that has the item."""
    path = rule.at[0] if rule.at[0].is_many else rule.at[0].items
    rows = found.select(row=pl.int_range(pl.len()), text=column_at(path)).explode("text", empty_as_null=True)
    items = rows.filter(pl.col("text").str.starts_with("{")).with_row_index("record").cast({"record": pl.Int64})
    paths = [path for part in rule.each.values() for path in part.at]
    return read_values(items, paths, used=(), engine=engine)


def _members_of_record(rule: Rule) -> list[str]:
    return [name for name, part in rule.each.items() if part.at]
