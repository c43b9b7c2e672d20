"""Read password hashes and plain-text passwords by a mapping. How hashes are rewritten is in `transforms.hashes`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from schemas.codes import ErrorCode
from schemas.hashing import Hashing
from schemas.mapping.language import Password, Rule
from transforms.fields.values import WARNINGS
from transforms.hashes.passwords import hash_passwords
from transforms.hashes.rewrite import rewrite_hashes
from transforms.json.encoding import encode_string
from transforms.json.values import decode_string
from transforms.mapping.leftovers import warn
from transforms.mapping.rules import Words, json_at, read_field, text_at
from transforms.rules.validate import HASH_LEFT_OUT

HASHES = ("password_hash", "custom_password_hash")
PROBLEMS = {
    "unknown": f"is written in a way that is not recognised; {HASH_LEFT_OUT}",
    "unsupported": f"is of a kind that cannot be verified here; {HASH_LEFT_OUT}",
    "parameters": f"needs the parameters of its project, which --hash-parameters gives; {HASH_LEFT_OUT}",
}
NOT_READ = f"is none of the passwords that the mapping reads; {HASH_LEFT_OUT}"
PLAIN = f"was a plain-text password, which is never stored; {HASH_LEFT_OUT}"


@dataclass(frozen=True)
class Passwords:
    """The hashes of records as columns of JSON texts, and warnings of those that are left out."""

    columns: Sequence[pl.Series]
    warnings: pl.DataFrame


def read_passwords(found: pl.DataFrame, passwords: Sequence[Password], words: Words, hashing: Hashing) -> Passwords:
    """Return the hashes of records whose values at paths are columns of `found`; the first that a record has counts."""
    if not passwords:
        return Passwords((), WARNINGS.to_frame())
    words = replace(words, null="absent")  # a hash is made of several values
    is_open = pl.Series([True] * found.height, dtype=pl.Boolean)
    read = list[Passwords]()
    for password in passwords:
        read.append(_read(found, password, words, hashing, is_open=is_open))
        is_open &= read[-1].columns[0].is_null() & read[-1].columns[1].is_null()
    columns = [_first([each.columns[place] for each in read]) for place in range(len(HASHES))]
    has_value = pl.any_horizontal(_text(_value_of(password), words).is_not_null() for password in passwords)
    not_read = warn(found.filter(has_value), path=pl.lit(HASHES[1]), message=NOT_READ, code=ErrorCode.PASSWORD_LEFT_OUT)
    warnings = pl.concat([*(each.warnings for each in read), not_read])
    warnings = warnings.unique("record", keep="first", maintain_order=True)
    without = found.filter(is_open)["record"]
    return Passwords(columns, warnings.filter(pl.col("record").is_in(without.implode())))


def _value_of(password: Password) -> Rule:
    return password.plain or password.parts["value"]


def _first(columns: Sequence[pl.Series]) -> pl.Series:
    named = [column.alias(str(place)) for place, column in enumerate(columns)]
    return pl.DataFrame(named).select(pl.coalesce(pl.all()).alias(columns[0].name)).to_series()


def _read(found: pl.DataFrame, password: Password, words: Words, hashing: Hashing, *, is_open: pl.Series) -> Passwords:
    """Return the hashes of one kind of password, of the records without another (`is_open`)."""
    holds = [pl.lit(is_open)]
    for path, is_wanted in ((password.when, True), (password.unless, False)):
        if path is not None:
            holds.append(json_at(path, words).is_not_null() == pl.lit(is_wanted))
    value = _text(_value_of(password), words)
    given = found.select(pl.when(pl.all_horizontal(holds)).then(value).alias("value")).to_series()
    if password.plain:
        return _read_plain(found, given, hashing)
    parts = found.select(_text(rule, words).alias(name) for name, rule in password.parts.items()).with_columns(given)
    return _rewrite(found, parts, scheme=str(password.scheme), hashing=hashing)


def _rewrite(found: pl.DataFrame, parts: pl.DataFrame, *, scheme: str, hashing: Hashing) -> Passwords:
    rewritten = rewrite_hashes(parts, scheme=scheme, parameters=hashing.parameters)
    columns = rewritten.select(encode_string(pl.col("password_hash")).alias("password_hash"), "custom_password_hash")
    rows = found.select("record", "line").hstack(rewritten.select("problem"))
    warnings = [
        warn(rows.filter(problem=problem), path=pl.lit(HASHES[1]), message=message, code=ErrorCode.PASSWORD_LEFT_OUT)
        for problem, message in PROBLEMS.items()
    ]
    return Passwords(columns.get_columns(), pl.concat(warnings))


def _text(rule: Rule, words: Words) -> pl.Expr:
    """Return the text of a part of a hash: a string decoded, anything else as its JSON text."""
    if not rule.at:
        return pl.lit(str(rule.value))
    if not rule.model_fields_set <= {"at", "default"}:
        value = read_field((rule,), None, words)
        return pl.when(value.str.starts_with('"')).then(decode_string(value)).otherwise(value)
    text = text_at(rule.at[0], words)
    return text if rule.default is None else text.fill_null(str(rule.default))


def _read_plain(found: pl.DataFrame, texts: pl.Series, hashing: Hashing) -> Passwords:
    nothing = pl.Series(HASHES[0], [None] * texts.len(), dtype=pl.String)
    if hashing.hashes_plain:
        return Passwords((nothing, hash_passwords(texts).alias(HASHES[1])), WARNINGS.to_frame())
    rows = found.select("record", "line").filter(texts.is_not_null())
    warnings = warn(rows, path=pl.lit(HASHES[0]), message=PLAIN, code=ErrorCode.PASSWORD_LEFT_OUT)
    return Passwords((nothing, nothing.alias(HASHES[1])), warnings)
