"""What every reader yields. Reading says what is there; it never judges a user."""

from dataclasses import dataclass

import polars as pl

from schemas.frames import Layout


@dataclass(frozen=True)
class Batch:
    """A bounded run of records of one source.

    `rows` and `refused` have the columns of `schemas.frames.RECORDS`, `errors` those of `ERRORS`. Every record of the
    batch is in exactly one of `rows` (to be validated) and `refused` (cannot be read; at least one row in `errors`).
    """

    rows: pl.DataFrame
    refused: pl.DataFrame
    errors: pl.DataFrame
    seen: int  # records counted by the splitter, apart from the frames above
    position: int  # bytes of the source consumed so far
    layout: Layout
