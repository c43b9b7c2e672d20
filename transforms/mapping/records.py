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
from schemas.job import METADATA
from schemas.mapping.language import Mapping, Rule, Skip
from schemas.mapping.paths import Path, column_path
from schemas.profiles import IGNORED_COLUMNS
from transforms.canonical_columns import canonical_columns
from transforms.fields.values import USERS, FieldValues, may_be_escaped
from transforms.json.object_keys import find_repeated_keys
from transforms.mapping.identities import read_identities
from transforms.mapping.json_in_texts import open_json_texts
from transforms.mapping.leftovers import find_left_out, take_rest
from transforms.mapping.passwords import read_passwords
from transforms.mapping.rules import Words, read_field, text_at
from transforms.mapping.unread import find_unread, list_around, list_inner, list_texts
from transforms.mapping.values_at import REST, column_at, open_pairs, read_values

AROUND = "around"  # name of what records have beside the user
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
    opened, around = _open(users, mapping, engine=engine)
    used = list_used(mapping)
    found = read_values(opened, [*list_paths(mapping), *list_around(mapping, used)], used=used, engine=engine)
    found = found.hstack(users.sort("record").select(may_be_escaped(pl.col("text")).alias(ESCAPED)))
    found, depths = open_json_texts(found, mapping, engine=engine)
    unread = find_unread(found, mapping, words, used=used, engine=engine)
    rest = take_rest(found, mapping, words, unread=unread.plain | around, engine=engine)
    hashes = read_passwords(found, mapping.password, words, hashing)
    identities = read_identities(found, mapping.fields.get("identities", ()), words, engine=engine)
    columns = [*identities.columns, *hashes.columns, *rest.columns]
    repeated = _find_repeated(users)
    fields = found.select("record", "line", ESCAPED, *_members(mapping, words)).with_columns(columns)
    fields = _without_metadata(fields, repeated["record"])
    absent = (pl.lit(None, pl.String).alias(field.name) for field in FIELDS if field.name not in fields.columns)
    complete = fields.with_columns(absent)
    values = complete.select("record", "line", ESCAPED, *canonical_columns(complete, FIELDS)).select(USERS.names())
    left_out = find_left_out(found, mapping, words, secrets=unread.secret)
    warnings = pl.concat([left_out, rest.warnings, hashes.warnings, identities.warnings])
    keys = pl.concat([repeated, rest.keys])
    return Mapped(FieldValues(values, keys=keys, warnings=warnings, depths=depths), others)


def list_paths(mapping: Mapping) -> list[Path]:
    """Return the paths of all values that the mapping reads of a user."""
    paths = (path for rule in _rules(mapping) for path in rule.at)
    items = (path.items for rule in _rules(mapping) if rule.changes_items for path in rule.at if not path.is_many)
    return [*paths, *items, *mapping.leave_out]


def list_used(mapping: Mapping) -> list[Path]:
    """Return the paths to what is not part of the rest; whether there is a value does not say what it is."""
    read = [path for rule in _rules(mapping) if not rule.present for path in rule.at]
    skipped = [] if mapping.record else [skip.where for skip in mapping.skip if len(skip.only) == 1]
    used = [*read, *skipped, *mapping.leave_out, *mapping.ignore, *map(column_path, IGNORED_COLUMNS)]
    shared = list_texts(mapping) & list_inner(used)  # a text, or an object of which more paths take their parts
    return [path for path in used if path.members not in shared or len(path.members) < len(path.steps)]


def _rules(mapping: Mapping) -> Iterator[Rule]:
    for table in (mapping.fields, mapping.app_metadata, mapping.user_metadata):
        for rules in table.values():
            yield from rules
            yield from (part for rule in rules if not rule.at for part in rule.each.values())
    for password in mapping.password:
        yield from password.parts.values()
        yield from (Rule.model_construct(at=(path,), present=True) for path in (password.when, password.unless) if path)
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
    if not skip.only and not skip.words:
        return text_at(skip.where, words).is_not_null()
    meant = [word.lower() for word in skip.only or skip.words]
    if skip.where.is_many:  # one of several values is enough
        item = pl.element().str.strip_chars('"').str.to_lowercase()
        has_word = pl.col(column_at(skip.where)).list.eval(item.is_in(meant)).list.any()
    else:
        has_word = text_at(skip.where, words).str.to_lowercase().is_in(meant)
    return ~has_word.fill_null(value=False) if skip.only else has_word.fill_null(value=False)


def _open(
    users: pl.DataFrame, mapping: Mapping, *, engine: duckdb.DuckDBPyConnection
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Return the users as the objects that are inside the records, and what is around them, by a name for it."""
    if mapping.text_prefix:
        users = users.with_columns(pl.col("text").str.replace_all(f'":"{mapping.text_prefix}', '":"', literal=True))
    if mapping.record is None or users.is_empty():
        return _open_pairs(users, mapping, engine=engine), {}
    certain = [skip.where for skip in mapping.skip if len(skip.only) == 1]
    used = (mapping.record, *certain, *mapping.ignore, *map(column_path, IGNORED_COLUMNS))
    found = read_values(users, [mapping.record], used=used, engine=engine)
    inside = pl.col(column_at(mapping.record))
    is_object, is_absent = inside.str.starts_with("{"), inside.is_null()
    found = found.hstack(users.sort("record").select("text"))
    text = pl.when(is_object).then(inside).when(is_absent).then("text").otherwise(pl.lit("{}"))
    around = {
        AROUND: pl.when(~is_absent).then(pl.col(REST).replace("{}", None)),
        mapping.record.text: pl.when(~is_object).then(inside),
    }
    opened = _open_pairs(found.select("record", "line", text=text), mapping, engine=engine)
    return opened, {name: found.select(value.alias(name)).to_series() for name, value in around.items()}


def _open_pairs(users: pl.DataFrame, mapping: Mapping, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return reduce(partial(open_pairs, engine=engine), mapping.pairs, users)


def _find_repeated(users: pl.DataFrame) -> pl.DataFrame:
    """Return the keys that the records have more than once; other systems' keys are all known."""
    found = find_repeated_keys(users.with_columns(root=pl.lit("")))
    return found.with_columns(pl.col("parent", "path").str.strip_prefix("."), field="key")


def _without_metadata(fields: pl.DataFrame, records: pl.Series) -> pl.DataFrame:
    """Return the fields without the metadata of some records, whose faults would be named twice."""
    is_one = pl.col("record").is_in(records.unique().implode())
    return fields.with_columns(pl.when(~is_one).then(name).alias(name) for name in METADATA if name in fields.columns)


def _members(mapping: Mapping, words: Words) -> Iterator[pl.Expr]:
    for field in FIELDS:
        if field.name in mapping.fields and field.name not in NOT_MEMBERS:
            yield read_field(mapping.fields[field.name], field, words).alias(field.name)
