"""Read the fields of users from records of another system, as a mapping says.

What becomes of one value is in `transforms.mapping.rules`, of what has no field in `transforms.mapping.leftovers`, of
passwords in `transforms.mapping.passwords`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS
from schemas.hashing import Hashing
from schemas.mapping.language import METADATA, Mapping, Rule, Skip
from schemas.mapping.paths import Path, column_path
from schemas.profiles import IGNORED_COLUMNS
from transforms.canonical_columns import canonical_columns
from transforms.fields.values import USERS, FieldValues, may_be_escaped
from transforms.json.object_keys import find_repeated_keys
from transforms.mapping.identities import write_identities
from transforms.mapping.leftovers import find_left_out, take_rest
from transforms.mapping.passwords import read_passwords
from transforms.mapping.rules import Words, read_field, text_at
from transforms.mapping.values_at import column_at, open_pairs, read_values

NOT_MEMBERS = ("identities", *METADATA)  # which are not made by one expression each


@dataclass(frozen=True)
class Mapped:
    """The fields of the records that are users, and the numbers of those that are none."""

    values: FieldValues
    others: pl.Series


def map_records(
    texts: pl.DataFrame, mapping: Mapping, *, engine: duckdb.DuckDBPyConnection, hashing: Hashing
) -> Mapped:
    """Return the fields of records; `texts` has the columns of RECORDS, every text a strict JSON object."""
    words = Words.of(mapping)
    users, others = _split(texts, mapping, words, engine=engine)
    opened = _open(users, mapping, engine=engine)
    found = read_values(opened, list_paths(mapping), used=list_used(mapping), engine=engine)
    found = found.hstack(users.sort("record").select(may_be_escaped(pl.col("text")).alias(ESCAPED)))
    rest = take_rest(found, mapping, words, engine=engine)
    hashes = read_passwords(found, mapping.password, words, hashing)
    columns = [*_identities(found, mapping, words, engine=engine), *hashes.columns, *rest.columns]
    fields = found.select("record", "line", ESCAPED, *_members(mapping, words)).with_columns(columns)
    absent = (pl.lit(None, pl.String).alias(field.name) for field in FIELDS if field.name not in fields.columns)
    complete = fields.with_columns(absent)
    values = complete.select("record", "line", ESCAPED, *canonical_columns(complete, FIELDS)).select(USERS.names())
    repeated = find_repeated_keys(users.with_columns(root=pl.lit("")))
    warnings = pl.concat([find_left_out(found, mapping, words), rest.warnings, hashes.warnings])
    return Mapped(FieldValues(values, keys=pl.concat([repeated, rest.keys]), warnings=warnings), others)


def list_paths(mapping: Mapping) -> list[Path]:
    """Return the paths of all values that the mapping reads of a user."""
    return [*(path for rule in _rules(mapping) for path in rule.at), *mapping.leave_out]


def list_used(mapping: Mapping) -> list[Path]:
    """Return the paths to what is not part of the rest; whether there is a value does not say what it is."""
    whole = [path for rule in _rules(mapping) if not rule.present for path in rule.at]
    read = [path for path in whole if path.takes_all]
    skipped = [] if mapping.record else [skip.where for skip in mapping.skip if skip.words or skip.only]
    return [*read, *skipped, *mapping.leave_out, *mapping.ignore, *map(column_path, IGNORED_COLUMNS)]


def _rules(mapping: Mapping) -> Iterator[Rule]:
    for table in (mapping.fields, mapping.app_metadata, mapping.user_metadata):
        for rules in table.values():
            yield from rules
    for password in mapping.password:
        yield from password.parts.values()
        yield from (Rule.model_construct(at=(path,)) for path in (password.when, password.unless) if path)
        if password.plain:
            yield password.plain


def _split(
    texts: pl.DataFrame, mapping: Mapping, words: Words, *, engine: duckdb.DuckDBPyConnection
) -> tuple[pl.DataFrame, pl.Series]:
    """Return the records that are users, and the numbers of those that are none."""
    if not mapping.skip or texts.is_empty():
        return texts, pl.Series("record", [], dtype=pl.Int64)
    found = read_values(texts, [skip.where for skip in mapping.skip], used=(), engine=engine)
    is_other = reduce(or_, (_is_other(skip, words) for skip in mapping.skip))
    others = found.filter(is_other)["record"]
    return texts.filter(~pl.col("record").is_in(others.implode())), others


def _is_other(skip: Skip, words: Words) -> pl.Expr:
    text = text_at(skip.where, words)
    if skip.only:
        return ~text.str.to_lowercase().is_in([word.casefold() for word in skip.only]).fill_null(value=False)
    if skip.words:
        return text.str.to_lowercase().is_in([word.casefold() for word in skip.words]).fill_null(value=False)
    return text.is_not_null()


def _open(users: pl.DataFrame, mapping: Mapping, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the users as the objects that are inside the records."""
    if mapping.text_prefix:
        users = users.with_columns(pl.col("text").str.replace_all(f'":"{mapping.text_prefix}', '":"', literal=True))
    if mapping.record is not None and not users.is_empty():
        found = read_values(users, [mapping.record], used=(), engine=engine)
        inside = pl.col(column_at(mapping.record))
        is_object = inside.str.starts_with("{")
        users = found.select("record", "line", pl.when(is_object).then(inside).otherwise(pl.lit("{}")).alias("text"))
    return reduce(partial(open_pairs, engine=engine), mapping.pairs, users)


def _members(mapping: Mapping, words: Words) -> Iterator[pl.Expr]:
    for field in FIELDS:
        if field.name in mapping.fields and field.name not in NOT_MEMBERS:
            yield read_field(mapping.fields[field.name], field, words).alias(field.name)


def _identities(
    found: pl.DataFrame, mapping: Mapping, words: Words, *, engine: duckdb.DuckDBPyConnection
) -> Iterator[pl.Series]:
    if "identities" in mapping.fields:
        yield write_identities(found, mapping.fields["identities"], words, engine=engine)
