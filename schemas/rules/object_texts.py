"""What texts inside objects and arrays must be, at any depth: keys and string values of metadata, hashes and factors.

The frame has one row per place that looked doubtful: `path`, and `text`, what stands there. The texts of a user's own
fields are judged in `schemas.rules.user`.
"""

# ruff: noqa: N805 (Pandera makes class methods of checks)

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.codes import ErrorCode
from schemas.rules.formats import is_clean_text, is_sound_in_metadata


class ObjectText(pa.DataFrameModel):
    """A key with its string value, or a string item, of an object or array of the record."""

    path: str
    text: str

    @pa.check("path", error=ErrorCode.INVALID_TEXT, description="holds a control character or undecodable text")
    def text_is_sound(cls, data: PolarsData) -> pl.LazyFrame:
        text, in_metadata = pl.col("text"), pl.col(data.key).str.contains(r"^(?:app|user)_metadata\b")
        return data.lazyframe.select(is_clean_text(text) | (in_metadata & is_sound_in_metadata(text)))
