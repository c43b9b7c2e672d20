"""Clean text: no control characters and no trace of broken encoding. Keys: no white space, nothing invisible."""

from collections.abc import Callable, Sequence

import polars as pl

from schemas.canonical import FieldColumns

# control characters (C0, U+007F, C1), and what decoders put where text could not be decoded
UNCLEAN = r"[\x00-\x1f\x7f-\x{9F}\x{FFFD}]"
UNCLEAN_IN_METADATA = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9F}\x{FFFD}]"  # notes and addresses have line breaks and tabs
)
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
SAMPLE = 1_000  # texts, of which as many are the same as of all
UNSEEN = r"[\s\p{Cf}]"  # white space and what has no shape: U+200B, U+FEFF, U+00AD, bidirectional marks, …


def is_clean_text(text: pl.Expr) -> pl.Expr:
    """Return whether the text is free of control characters and of traces of broken encoding."""
    return ~text.str.contains(UNCLEAN)


def is_clean_in_metadata(text: pl.Expr) -> pl.Expr:
    """Return the same as `is_clean_text`, but allow line breaks and tabs."""
    return ~text.str.contains(UNCLEAN_IN_METADATA)


def has_unseen_character(text: pl.Expr) -> pl.Expr:
    """Return whether the text has white space or an invisible character; of controls, see `is_clean_text`."""
    beyond_ascii = where_beyond_ascii(text).str.contains(UNSEEN)
    return text.str.contains(" ", literal=True) | beyond_ascii.fill_null(value=False)


def check_where(condition: pl.Expr, text: pl.Expr, check: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Return what the check says of the texts for which the condition holds, null of all others.

    Only those are checked. What follows `pl.when` is computed for all rows, unless the condition holds for none.
    """

    def check_some(columns: Sequence[pl.Series]) -> pl.Series:
        holds, texts = columns
        places = holds.arg_true()
        found = texts.gather(places).to_frame().select(check(pl.col(texts.name))).to_series()
        return pl.Series(texts.name, [None], dtype=pl.Boolean).new_from_index(0, len(texts)).scatter(places, found)

    return pl.map_batches([condition, text], check_some, return_dtype=pl.Boolean).alias(text.meta.output_name())


def check_once(texts: pl.Series, check: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Return what the check says of each text; many rows can have the same one, which is then checked once."""
    if texts.head(SAMPLE).n_unique() > SAMPLE // 2:
        return check(texts)
    unique = texts.unique()
    return texts.is_in(unique.filter(check(unique)).implode())


class TextColumns(FieldColumns):
    """A model with columns of text. Rules about the form of a text let unclean text pass: it has a code of its own."""

    @classmethod
    def is_clean(cls, column: str) -> pl.Expr:
        """Return whether the text of a column is clean; override it where few rows can have unclean text."""
        return is_clean_text(pl.col(column))


def where_beyond_ascii(text: pl.Expr) -> pl.Expr:
    """Return the text where it has a character beyond ASCII, otherwise null, which costs next to nothing if all are."""
    return pl.when(text.str.len_bytes() > text.str.len_chars()).then(text)
