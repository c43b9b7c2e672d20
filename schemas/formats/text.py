"""Clean text: no control characters and no trace of broken encoding."""

import polars as pl

from schemas.canonical import FieldColumns

# C0 controls, and what decoders put where text could not be decoded
UNCLEAN = r"[\x00-\x1f\x{FFFD}]"
UNCLEAN_IN_METADATA = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFD}]"  # line breaks and tabs are allowed in notes and addresses


def is_clean_text(text: pl.Expr) -> pl.Expr:
    """Return whether the text is free of control characters and of traces of broken encoding."""
    return ~text.str.contains(UNCLEAN)


def is_clean_in_metadata(text: pl.Expr) -> pl.Expr:
    """Return the same as `is_clean_text`, but allow line breaks and tabs."""
    return ~text.str.contains(UNCLEAN_IN_METADATA)


class TextColumns(FieldColumns):
    """A model with columns of text. Rules about the form of a text let unclean text pass: it has a code of its own."""

    @classmethod
    def is_clean(cls, column: str) -> pl.Expr:
        """Return whether the text of a column is clean; override it where few rows can have unclean text."""
        return is_clean_text(pl.col(column))


def where_beyond_ascii(text: pl.Expr) -> pl.Expr:
    """Return the text where it has a character beyond ASCII, otherwise null, which costs next to nothing if all are."""
    return pl.when(text.str.len_bytes() > text.str.len_chars()).then(text)
