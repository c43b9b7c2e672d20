"""Read the fields of records from typed columns, and prove per record that nothing was lost or converted.

The columns are written as JSON again, in the order of keys that the records have. Where that gives the record's text,
the text has exactly these fields with values of these types: no other key, none twice, no escape. All other records are
to be read value by value, which takes about as long as a proof for other white space or escapes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS, NESTED_FIELDS, Field, JsonType, UserField
from schemas.formats.text import check_once, check_where
from schemas.profiles import Profile
from transforms.canonical_columns import absent_columns, has_own_type, typed_columns
from transforms.engine_tables import in_chunks, registered
from transforms.fields.values import USERS, may_be_escaped, sort_records
from transforms.json.encoding import encode_boolean
from transforms.json.values import find_invalid_json
from transforms.statements import relation

SAMPLE = 100  # records that say whether a proof is worth trying, and in which order their keys are
LEAST_SHARE = 0.02  # of the records for which one has to hold
MOST_ORDERS = 4
TYPES = {JsonType.STRING: "VARCHAR", JsonType.BOOLEAN: "BOOLEAN", JsonType.OBJECT: "JSON", JsonType.ARRAY: "JSON"}
FIELD_TYPES = {field.name: field.type for field in FIELDS}
NEWEST = pl.CompatLevel.newest()  # without a copy

# words, and numbers beyond a double, that DuckDB reads leniently and writes back the same; some strings look so, too
LENIENT = r"[:\[,]-?(?:[nN][aA]|[iI]|[0-9][0-9.]{200}|[0-9.]+[eE]\+?[0-9]{3})"


@dataclass(frozen=True)
class Caps:
    """What a record may have without a closer look."""

    text_bytes: int
    nesting: int  # levels of objects and arrays


def read_proven(
    texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, profile: Profile, caps: Caps
) -> pl.DataFrame:
    """Return `FieldValues.users` of the records for which a proof holds; of none if it would hold for few.

    `texts` has the columns of RECORDS, by record; a text is null where it could not be decoded. A record for which a
    proof holds is a strict JSON object within the caps, without unknown or repeated keys.
    """
    keys = {name: path.removeprefix("$.") for name, path in profile.paths.items()}
    is_flat = all(map(str.isidentifier, keys.values()))
    if not is_flat or len({*map(str.casefold, keys.values())}) < len(keys):  # for a struct, both are one
        return USERS.to_frame()
    small = texts.filter(pl.col("text").str.len_bytes() <= caps.text_bytes)
    found = _find_fields(_sample(small)["text"], keys)
    prover = _Prover({field.name: keys[field.name] for field in found}, engine, caps)
    if small.height > SAMPLE and sum(found.height for found in prover.prove(_sample(small))) < LEAST_SHARE * SAMPLE:
        return USERS.to_frame()
    return sort_records(pl.concat([USERS.to_frame(), *prover.prove(small)]))


def _find_fields(sample: pl.Series, keys: Mapping[str, str]) -> list[UserField]:
    """Return the fields with these keys, of the wider record only those that a text of the sample has.

    For a record with any other field, no proof holds.
    """
    wider = {field.name for field in FIELDS if field.wider and field.name in keys}
    absent = {name for name in wider if not sample.str.contains(f'"{keys[name]}"', literal=True).any()}
    return [field for field in FIELDS if field.name in keys and field.name not in absent]


def _sample(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sample(min(SAMPLE, frame.height), seed=0).sort("record")


@dataclass(frozen=True)
class _Prover:
    keys: Mapping[str, str]  # in the records, by field; of fields that no key is for, no proof knows
    engine: duckdb.DuckDBPyConnection
    caps: Caps

    def prove(self, texts: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield the users for which a proof holds, a frame for each proof."""
        left, tried = self._read_typed(texts), list[Sequence[str]]()
        while left.height and len(tried) < MOST_ORDERS and (order := self._find_order(left)) not in tried:
            tried.append(order)
            for nulls in ((), order):
                is_same = _write(order, left, self.keys, nulls=nulls) == pl.col("text")
                if left.height >= SAMPLE and _sample(left).filter(is_same).height < LEAST_SHARE * SAMPLE:
                    continue
                same = left.select(is_same).to_series()
                columns = chain.from_iterable(self._columns(field, nulls) for field in FIELDS)
                yield left.filter(same).select("record", "line", ESCAPED, *columns)
                left = left.filter(~same)

    def _columns(self, field: Field, nulls: Sequence[str]) -> Sequence[pl.Expr]:
        if field.name not in self.keys:
            return absent_columns([field])
        return typed_columns(field, is_null=field.name in nulls)

    def _read_typed(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Return the texts that may be strict JSON within the caps, with a column for each field."""
        structure = json.dumps({key: TYPES[FIELD_TYPES[name]] for name, key in self.keys.items()})
        try:
            with registered(self.engine, "json_texts", in_chunks(texts.to_arrow(compat_level=NEWEST))):
                read = relation(self.engine, "typed_records", structure=structure).to_arrow_table()
        except (duckdb.InvalidInputException, UnicodeDecodeError):  # one text that is not JSON fails all, and the
            # message, which quotes it, may be cut inside a character
            invalid = find_invalid_json(texts, self.engine)
            rest = texts.filter(~pl.col("record").is_in(invalid.implode()))
            return self._read_typed(rest if invalid.len() else texts.clear())
        typed = pl.DataFrame(read).sort("record")["typed"].struct.unnest()
        named = typed.rename({key: name for name, key in self.keys.items()})
        marked = texts.with_columns(may_be_escaped(pl.col("text")).alias(ESCAPED))
        nested = [field for field in NESTED_FIELDS if field.name in self.keys]
        is_loose = [check_once(named[field.name], partial(self._is_loose, field)) for field in nested]
        return marked.hstack(named).filter(~pl.any_horizontal(*is_loose).fill_null(value=False))

    def _is_loose(self, field: Field, texts: pl.Series) -> pl.Series:
        """Return whether the JSON texts of a field may have another type, not be strict, or be nested too deeply."""
        text = pl.col(texts.name)
        is_long = text.str.len_bytes() > 2 * self.caps.nesting
        deep = check_where(is_long, text, lambda long: long.str.count_matches(r"[{\[]") >= self.caps.nesting)
        loose = ~has_own_type(field) | text.str.contains(LENIENT) | deep.fill_null(value=False)
        return texts.to_frame().select(loose).to_series()

    def _find_order(self, left: pl.DataFrame) -> list[str]:
        """Return the fields in the order of the first record's keys, those that it lacks where others have them."""
        names, order = {key: name for name, key in self.keys.items()}, list[str]()
        for text in _sample(left)["text"]:
            with suppress(ValueError, RecursionError):
                record = json.loads(text)
                found = [names[key] for key in record if key in names] if isinstance(record, dict) else []
                for place, name in enumerate(found):
                    if name not in order:
                        order.insert(order.index(found[place - 1]) + 1 if place else 0, name)
        return order


def _write(order: Sequence[str], typed: pl.DataFrame, keys: Mapping[str, str], *, nulls: Sequence[str]) -> pl.Expr:
    """Return the records as JSON without escapes; a field without a value is left out, or null if it is one of `nulls`.

    All pieces are joined at once, which takes half of the time of joining members.
    """
    pieces: list[pl.Expr] = []
    begins = bool(order) and not typed[order[0]].has_nulls()
    for place, name in enumerate(order):
        key = f'{"{" if begins and not place else ","}"{keys[name]}":'
        quote = '"' if FIELD_TYPES[name] is JsonType.STRING else ""
        value = encode_boolean(pl.col(name)) if FIELD_TYPES[name] is JsonType.BOOLEAN else pl.col(name)
        before, after = pl.lit(key + quote), pl.lit(quote)
        if typed[name].has_nulls():
            has_value = pl.col(name).is_not_null()
            before = pl.when(has_value).then(before).otherwise(pl.lit(f"{key}null" if name in nulls else None))
            after = pl.when(has_value).then(after)
        pieces += (before, value, after)
    members = pl.concat_str([*pieces, pl.lit("}")], ignore_nulls=True)
    return members if begins else pl.concat_str(pl.lit("{"), members.str.strip_prefix(","))
