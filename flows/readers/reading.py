"""What every reader is given."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import polars as pl

from flows.readers.limits import ReadLimits
from flows.readers.sources import Source
from schemas.frames import Layout
from schemas.profiles import Profile

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of one source."""

    source: Source
    profile: Profile
    limits: ReadLimits
    first_record: int  # the number of the source's first record in the job
    engine: duckdb.DuckDBPyConnection  # in memory; a connection of the reading's own


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


def read_ahead(batches: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """The same batches; what reading the next one raises comes after the one before."""
    with closing(batches), ThreadPoolExecutor(1, "read-ahead") as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch
