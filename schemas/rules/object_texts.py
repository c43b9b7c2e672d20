"""The rule of texts inside objects and arrays, at any depth: keys and strings of metadata, hashes and factors.

The frame has one row per suspect text: its `path` and the `text`. The rules of a user's own fields are in
`schemas.rules.user`.
"""

# ruff: noqa: N805 (Pandera turns checks into class methods)

import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.formats.text import is_clean_in_metadata, is_clean_text


class ObjectText(pa.DataFrameModel):
    """A key with its string value, or a string item, of an object or array of the record."""

    path: str
    text: str

    @pa.check("path", error=ErrorCode.INVALID_TEXT, description="contains a control character or undecodable text")
    def text_is_clean(cls, data: pa.PolarsData) -> pl.LazyFrame:
        text, in_metadata = pl.col("text"), pl.col(data.key).str.contains(r"^(?:app|user)_metadata\b")
        return data.lazyframe.select(is_clean_text(text) | (in_metadata & is_clean_in_metadata(text)))
