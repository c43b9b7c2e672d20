"""Take white space off the texts of users, and find words that stand for an absent value, in value and type columns.

The rules that make a warning or an error of what is found here are in `schemas.rules.given_texts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from schemas.canonical import ESCAPED, json_type, type_column
from schemas.fields import TRIMMED_FIELDS, UserField
from schemas.formats.text import WHITE_SPACE
from schemas.frames import Layout
from schemas.profiles import ABSENT_WORD, Profile
from schemas.rules.given_texts import ABSENT_WORDS, FREE_TEXTS, KEYS

AROUND_TEXTS = f"{WHITE_SPACE}\u200b\ufeff"  # around a key, an invisible character is refused


@dataclass(frozen=True)
class GivenTexts:
    """Users with texts as they are imported, and what was found in the texts: record, line and a column per field."""

    users: pl.DataFrame
    outer_white_space: pl.DataFrame  # the texts that had some, as they were
    absent_words: pl.DataFrame


def clean_texts(users: pl.DataFrame, *, profile: Profile, layout: Layout) -> GivenTexts:
    """Take white space off the texts, and out of cells of keys the words for absent values: they refuse their rows."""
    suspect = users if profile.trims else users.clear()
    outer = _select_texts(suspect, {field.name: _has_outer_white_space(field) for field in TRIMMED_FIELDS})
    trimmed = (_trimmed_columns(f, empty_is_absent=layout.textual) for f in TRIMMED_FIELDS if outer[f.name].count())
    users = users.with_columns(column for columns in trimmed for column in columns)
    looks_absent = {name: pl.col(name).is_in(ABSENT_WORDS) for name in (*KEYS, *FREE_TEXTS)}
    words = _select_texts(users if layout.textual else users.clear(), looks_absent)
    kept = (pl.when(~looks_absent[name]).then(name).alias(name) for name in KEYS if words[name].count())
    return GivenTexts(users.with_columns(kept), outer, words)


def _select_texts(users: pl.DataFrame, where: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Return record, line and the texts for which the expression of their column holds; the others are null."""
    given = [name for name in where if users[name].count()]
    found = users.select(where[name].any().alias(name) for name in given).row(0, named=True) if given else {}
    if not any(found.values()):
        return users.select("record", "line", *where).clear()
    texts = (pl.when(where[name] if found.get(name) else pl.lit(value=False)).then(name).alias(name) for name in where)
    return users.select("record", "line", *texts).filter(pl.any_horizontal(pl.col(*where).is_not_null()))


@cache
def _has_outer_white_space(field: UserField) -> pl.Expr:
    """Return whether there is white space around a text; only a space can be there without an escape in ASCII."""
    text = pl.col(field.name)
    suspect = pl.when(pl.col(ESCAPED) | (text.str.len_bytes() > text.str.len_chars())).then(text)
    has_other = (_trim(field, suspect) != suspect).fill_null(value=False)
    return text.str.starts_with(" ") | text.str.ends_with(" ") | has_other


def _trim(field: UserField, text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars(WHITE_SPACE if field.key else AROUND_TEXTS)


def _trimmed_columns(field: UserField, *, empty_is_absent: bool) -> tuple[pl.Expr, ...]:
    """Return the field's value without white space around it; where nothing is left, also its type as absent."""
    trimmed = _trim(field, pl.col(field.name))
    if not empty_is_absent:
        return (trimmed,)
    is_blank = trimmed.is_in(["", ABSENT_WORD]).fill_null(value=False)
    return (
        pl.when(~is_blank).then(trimmed).alias(field.name),
        pl.when(~is_blank).then(json_type(field.name)).alias(type_column(field.name)),
    )
