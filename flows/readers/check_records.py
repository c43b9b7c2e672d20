"""Which records of a batch are strict JSON objects within the limits: a quick look at all, an exact one at suspects.

What is in the objects is judged by the rules; where records begin and end is found by each format's reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from flows.readers.json.strict import Refusal, invalid_utf8, refusal, too_large
from flows.readers.limits import ReadLimits
from flows.readers.reading import Batch
from schemas.codes import Severity
from schemas.frames import ERRORS, RECORDS, Layout
from transforms.engine_tables import in_chunks, registered
from transforms.statements import statement

SMALLEST_KEY = 4  # bytes of `"":0`

# What the engine's reading lets pass and the grammar does not; each may also stand inside a text.
LENIENT = (
    r",[ \t\r\n]*[\]}]",  # a trailing comma
    r"[0-9][eE]\+?[0-9]{3}",  # a number beyond all numbers
)
NOT_FINITE = r"[:\[,][ \t\r\n]*-?(?:[nN][aA]|[iI][nN])"  # NaN or Infinity
NOT_FINITE_ANYWHERE = r"(?i)nan|inf"  # takes a seventh of the time of the exact one


@dataclass(frozen=True)
class CheckedRecords:
    """Records apart: those to be validated, those that cannot be read, and why not."""

    rows: pl.DataFrame  # RECORDS
    refused: pl.DataFrame  # RECORDS; the text is null where it was too large to be kept
    errors: pl.DataFrame  # ERRORS
    refusals: tuple[tuple[int, Refusal], ...] = ()  # by record number, in order

    def batch(self, *, seen: int, position: int, layout: Layout) -> Batch:
        """The records as a batch."""
        return Batch(self.rows, self.refused, self.errors, seen, position, layout)


def check_records(records: pl.DataFrame, *, broken: pl.Series, limits: ReadLimits) -> CheckedRecords:
    """The records apart.

    `records` has record, line and text; where a text can be null, also the bytes it was to be made of as `data`.
    `broken` are the numbers of those that `invalid_json` found.
    """
    suspects = records.filter(_is_suspect(limits) | pl.col("record").is_in(broken.implode()))
    if suspects.is_empty():
        return CheckedRecords(
            records.select(RECORDS.names()), pl.DataFrame(schema=RECORDS), pl.DataFrame(schema=ERRORS)
        )
    if "data" not in suspects.columns:
        suspects = suspects.with_columns(pl.col("text").cast(pl.Binary).alias("data"))
    found_for = {data: refusal(data, limits=limits) for data in suspects["data"].unique()}
    refusals = [found_for[data] for data in suspects["data"]]
    refused = suspects.filter(pl.Series([found is not None for found in refusals], dtype=pl.Boolean))
    rows = records.join(refused.select("record"), on="record", how="anti", maintain_order="left")
    reasons = [found for found in refusals if found is not None]
    return CheckedRecords(
        rows.select(RECORDS.names()),
        _as_records(refused, limits=limits),
        error_rows(refused, reasons),
        tuple(zip(refused["record"], reasons, strict=True)),
    )


def oversized_record(*, record: int, line: int | None, size: int, limits: ReadLimits) -> CheckedRecords:
    """The one record that was too large to be kept."""
    text = pl.Series("text", [None], dtype=pl.String)
    refused = pl.DataFrame({"record": [record], "line": [line], "text": text}, schema=RECORDS)
    return CheckedRecords(pl.DataFrame(schema=RECORDS), refused, error_rows(refused, [too_large(size, limits)]))


def number(records: pl.DataFrame, *, first: int) -> pl.DataFrame:
    """The records with their numbers in the job."""
    return records.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("record"), pl.all())


def with_texts(records: pl.DataFrame) -> pl.DataFrame:
    """The records with their `data` as `text`, null where the bytes are not UTF-8."""
    try:
        return records.with_columns(pl.col("data").cast(pl.String).alias("text"))
    except pl.exceptions.ComputeError:
        texts = [None if invalid_utf8(data) is not None else data.decode() for data in records["data"]]
        return records.with_columns(pl.Series("text", texts, dtype=pl.String))


def error_rows(records: pl.DataFrame, refusals: Sequence[Refusal]) -> pl.DataFrame:
    """One error per record, as ERRORS."""
    return records.select(
        "record",
        "line",
        pl.Series("code", [found.code.value for found in refusals], dtype=ERRORS["code"]),
        pl.lit("").alias("path"),
        pl.Series("message", [found.message for found in refusals], dtype=pl.String),
        pl.lit(Severity.ERROR.value, dtype=ERRORS["severity"]).alias("severity"),
    )


def _as_records(records: pl.DataFrame, *, limits: ReadLimits) -> pl.DataFrame:
    """Records that cannot be read, as RECORDS: bytes that are not UTF-8 become escapes, a text too large is lost."""
    shown = [
        None if len(data) > limits.record_bytes else data.decode("utf-8", "backslashreplace")
        for data in records["data"]
    ]
    return records.select("record", "line", pl.Series("text", shown, dtype=pl.String))


def _is_suspect(limits: ReadLimits) -> pl.Expr:
    text = pl.col("text")
    large = text.str.len_bytes() > min(limits.record_bytes, limits.value_bytes, SMALLEST_KEY * limits.keys)
    odd_words = pl.when(text.str.contains(NOT_FINITE_ANYWHERE)).then(text)
    openers = text.str.count_matches("{", literal=True) + text.str.count_matches("[", literal=True)
    return pl.any_horizontal(
        text.is_null(),
        ~text.str.contains(r"^[ \t\r\n]*\{"),
        large,
        openers > limits.nesting,
        odd_words.str.contains(NOT_FINITE),
        *(text.str.contains(pattern) for pattern in LENIENT),
    )


def invalid_json(records: pl.DataFrame, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    """The numbers of the records whose `text`, unless it is null, is no JSON by the engine's lenient reading."""
    texts = records.select("record", "text").to_arrow(compat_level=pl.CompatLevel.newest())  # without a copy
    with registered(engine, "record_texts", in_chunks(texts)):
        found = engine.sql(statement("invalid_json")).to_arrow_table()
    return pl.Series("record", found["record"].to_pylist(), dtype=pl.Int64)
