"""Read password hashes and plain-text passwords by a mapping. How hashes are rewritten is in `transforms.hashes`."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from schemas.codes import ErrorCode
from schemas.hashing import Hashing
from schemas.mapping.language import Password, Rule
from transforms.fields.values import WARNINGS
from transforms.hashes.rewrite import rewrite_hashes
from transforms.json.encoding import encode_string
from transforms.mapping.leftovers import warn
from transforms.mapping.rules import Words, json_at, read_field, text_at
from transforms.rules.validate import HASH_LEFT_OUT

HASHES = ("password_hash", "custom_password_hash")
PROBLEMS = {
    "unknown": f"is written in a way that is not recognised; {HASH_LEFT_OUT}",
    "unsupported": f"is of a kind that cannot be verified here; {HASH_LEFT_OUT}",
    "parameters": f"needs the parameters of its project, which --hash-parameters gives; {HASH_LEFT_OUT}",
}
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
    read = [_read(found, password, words, hashing) for password in passwords]
    columns = [_first([each.columns[place] for each in read]) for place in range(len(HASHES))]
    return Passwords(columns, pl.concat([each.warnings for each in read]))


def _read(found: pl.DataFrame, password: Password, words: Words, hashing: Hashing) -> Passwords:
    rule = password.plain or password.parts["value"]
    given = found.select(_text(rule, words).alias("value")).to_series()
    for path, is_wanted in ((password.when, True), (password.unless, False)):
        if path is not None:
            holds = json_at(path, words).is_not_null() == pl.lit(is_wanted)
            given = found.select(pl.when(holds).then(given).alias("value")).to_series()
    if password.plain:
        return _read_plain(found, given, hashing)
    parts = found.select(_text(rule, words).alias(name) for name, rule in password.parts.items()).with_columns(given)
    return _rewrite(found, parts, scheme=str(password.scheme), hashing=hashing)


def _first(columns: Sequence[pl.Series]) -> pl.Series:
    named = [column.alias(str(place)) for place, column in enumerate(columns)]
    return pl.DataFrame(named).select(pl.coalesce(pl.all()).alias(columns[0].name)).to_series()


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
    if rule.words or rule.pattern:
        value = read_field((rule,), None, words)
        return value.str.json_path_match("$")
    text = text_at(rule.at[0], words)
    return text if rule.default is None else text.fill_null(str(rule.default))


def _read_plain(found: pl.DataFrame, texts: pl.Series, hashing: Hashing) -> Passwords:
    nothing = pl.Series(HASHES[0], [None] * texts.len(), dtype=pl.String)
    if hashing.hashes_plain:
        from transforms.hashes.passwords import hash_passwords

        return Passwords((nothing, hash_passwords(texts).alias(HASHES[1])), WARNINGS.to_frame())
    rows = found.select("record", "line").filter(texts.is_not_null())
    warnings = warn(rows, path=pl.lit(HASHES[0]), message=PLAIN, code=ErrorCode.PASSWORD_LEFT_OUT)
    return Passwords((nothing, nothing.alias(HASHES[1])), warnings)
