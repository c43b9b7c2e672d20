"""Check which records are strict JSON objects within the limits: a fast check of all, an exact one of the suspects.

Each format's reader finds where records begin and end; the rules validate what is in the objects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flows.readers.json.strict import Refusal, find_invalid_utf8, find_refusal, refuse_oversized
from flows.readers.limits import ReadLimits
from flows.readers.reading import AS_JSON, Batch
from schemas.codes import Severity
from schemas.frames import ERRORS, RECORDS, Layout

SMALLEST_KEY = 4  # bytes of `"":0`

# What DuckDB's lenient parser accepts and the grammar forbids; each can also occur inside a string.
LENIENT = (
    r",[ \t\r\n]*[\]}]",  # a trailing comma
    r"[:\[,][ \t\r\n]*-?(?:[0-9.]+[eE]\+?[0-9]{3}|[0-9][0-9.]{200})",  # a number that may exceed a double
)
NOT_FINITE = r"[:\[,][ \t\r\n]*-?(?:[nN][aA]|[iI][nN])"  # NaN or Infinity
NOT_FINITE_ANYWHERE = r"(?i)nan|inf"  # takes a seventh of the time of NOT_FINITE


@dataclass(frozen=True)
class CheckedRecords:
    """Records to be validated, unreadable records, and the reasons."""

    rows: pl.DataFrame  # RECORDS
    refused: pl.DataFrame  # RECORDS; the text is null where it was too large to be kept
    errors: pl.DataFrame  # ERRORS
    refusals: tuple[tuple[int, Refusal], ...] = ()  # by record number, in order


def check_records(records: pl.DataFrame, *, invalid: pl.Series, limits: ReadLimits) -> CheckedRecords:
    """Separate the records that can be read from those that cannot.

    `records` has record, line and text; where a text can be null, also `data`, the bytes that could not be decoded.
    `invalid` are the record numbers that `find_invalid_json` returned.
    """
    suspects = records.filter(_is_suspect(limits) | pl.col("record").is_in(invalid.implode()))
    if suspects.is_empty():
        return CheckedRecords(records.select(RECORDS.names()), RECORDS.to_frame(), ERRORS.to_frame())
    if "data" not in suspects.columns:
        suspects = suspects.with_columns(pl.col("text").cast(pl.Binary).alias("data"))
    refusal_by_data = {data: find_refusal(data, limits=limits) for data in suspects["data"].unique()}
    refusals = [refusal_by_data[data] for data in suspects["data"]]
    refused = suspects.filter(pl.Series([refusal is not None for refusal in refusals], dtype=pl.Boolean))
    rows = records.join(refused.select("record"), on="record", how="anti", maintain_order="left")
    reasons = [refusal for refusal in refusals if refusal is not None]
    return CheckedRecords(
        rows.select(RECORDS.names()),
        _with_readable_texts(refused, limits=limits),
        make_errors(refused, reasons),
        tuple(zip(refused["record"], reasons, strict=True)),
    )


def refuse_record(
    record: int, line: int | None, *, size: int, position: int, limits: ReadLimits, layout: Layout = AS_JSON
) -> Batch:
    """Return the batch of one record that is too large to be kept."""
    refused = pl.DataFrame({"record": [record], "line": [line], "text": [None]}, schema=RECORDS)
    errors = make_errors(refused, [refuse_oversized(size, limits)])
    return Batch(seen=1, position=position, refused=refused, errors=errors, layout=layout)


def add_record_numbers(records: pl.DataFrame, *, first: int) -> pl.DataFrame:
    """Add `record`, the number of each record in the job."""
    return records.select(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("record"), pl.all())


def add_texts(records: pl.DataFrame) -> pl.DataFrame:
    """Add `text`, which is `data` decoded as UTF-8; null where the bytes are not UTF-8."""
    try:
        return records.with_columns(pl.col("data").cast(pl.String).alias("text"))
    except pl.exceptions.ComputeError:
        texts = [data.decode() if find_invalid_utf8(data) is None else None for data in records["data"]]
        return records.with_columns(pl.Series("text", texts, dtype=pl.String))


def make_errors(records: pl.DataFrame, refusals: Sequence[Refusal]) -> pl.DataFrame:
    """Return one error per record, as ERRORS."""
    return records.select(
        "record",
        "line",
        pl.lit(None, dtype=ERRORS["key"]).alias("key"),
        pl.Series("code", [refusal.code.value for refusal in refusals], dtype=ERRORS["code"]),
        pl.lit("").alias("path"),
        pl.Series("message", [refusal.message for refusal in refusals], dtype=pl.String),
        pl.lit(Severity.ERROR.value, dtype=ERRORS["severity"]).alias("severity"),
    )


def _with_readable_texts(records: pl.DataFrame, *, limits: ReadLimits) -> pl.DataFrame:
    """Return refused records as RECORDS: bytes that are not UTF-8 become escapes, an oversized text becomes null."""
    texts = [
        None if len(data) > limits.record_bytes else data.decode("utf-8", "backslashreplace")
        for data in records["data"]
    ]
    return records.select("record", "line", pl.Series("text", texts, dtype=pl.String))


def unsuspicious_bytes(limits: ReadLimits) -> int:
    """Return the length of a text up to which neither it nor its strings nor the number of its keys is over a limit."""
    return min(limits.record_bytes, limits.value_bytes, SMALLEST_KEY * limits.keys)


def _is_suspect(limits: ReadLimits) -> pl.Expr:
    text = pl.col("text")
    large = text.str.len_bytes() > unsuspicious_bytes(limits)
    maybe_not_finite = pl.when(text.str.contains(NOT_FINITE_ANYWHERE)).then(text)
    brackets = text.str.count_matches("{", literal=True) + text.str.count_matches("[", literal=True)
    return pl.any_horizontal(
        text.is_null(),
        ~text.str.contains(r"^[ \t\r\n]*\{"),
        large,
        brackets > limits.nesting,
        maybe_not_finite.str.contains(NOT_FINITE),
        *(text.str.contains(pattern) for pattern in LENIENT),
    )
