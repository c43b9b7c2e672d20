"""The input and the output that all readers share, and reading ahead of the consumer."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TypeVar

import duckdb
import polars as pl

from flows.readers.limits import ReadLimits
from flows.readers.sources import Source
from schemas.frames import ERRORS, RECORDS, Layout
from schemas.hashing import Hashing
from schemas.mapping.signs import Sample
from schemas.profiles import Profile
from transforms.fields.values import FieldValues

Item = TypeVar("Item")
AS_JSON = Layout()


@dataclass
class Skipped:
    """What a reader has passed over so far because it is not a record."""

    blank_lines: int = 0
    above_header: range = range(0)  # the lines that other programs write there


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The input of a reader: one source and how to read it."""

    source: Source
    profile: Profile
    sheet: str  # of a workbook; empty for the first
    ignores_unknown: bool  # of columns with one field, only the first counts
    limits: ReadLimits
    first_record: int  # the number of the source's first record in the job
    engine: duckdb.DuckDBPyConnection  # in memory; used by this reader only
    skipped: Skipped
    hashing: Hashing
    recognise: Callable[[Sample], Profile] | None  # for a reader that takes the sample itself; None: as `profile` says
    waiting: Callable[[], None]  # called while the reader waits for another process; may raise to stop


@dataclass(frozen=True)
class Batch:
    """Consecutive records of one source, bounded in number and size.

    Every record of the batch that may be a user is in exactly one of `values` (to be validated) and `refused`
    (unreadable; at least one row in `errors`).
    """

    seen: int  # records counted by the splitter, independently of the frames
    position: int  # stored bytes of the source read so far
    others: int = 0  # records that are not users, as the profile says
    values: FieldValues = field(default_factory=FieldValues)
    write_texts: Callable[[pl.Series], pl.DataFrame] = lambda _: RECORDS.to_frame()  # of the records of these numbers
    text_bytes: int = 0  # of the records in `values`, about
    refused: pl.DataFrame = field(default_factory=RECORDS.to_frame)  # a text is null where it was too large to be kept
    errors: pl.DataFrame = field(default_factory=ERRORS.to_frame)
    layout: Layout = AS_JSON
    profile: Profile | None = None  # that the reader has recognised


def with_profile(reading: Reading, sample: Callable[[], Sample]) -> Reading:
    """Return how to read the source, by the profile that its sample shows if that is to be recognised."""
    return reading if reading.recognise is None else replace(reading, profile=reading.recognise(sample()))


def read_ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield the items while a thread makes the next one; its exception follows the item before it."""
    with closing(items), ThreadPoolExecutor(1, "read-ahead") as reader:
        pending = reader.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = reader.submit(next, items, None)
            yield item
