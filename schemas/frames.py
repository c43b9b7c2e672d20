"""The columns of the frames that packages exchange. The canonical columns of a user are in `schemas.rules.user`."""

from dataclasses import dataclass

import polars as pl

from schemas.codes import ROW_CODES, Severity

ROW_CODE = pl.Enum(ROW_CODES)
SEVERITY = pl.Enum([severity.value for severity in Severity])

RECORDS = pl.Schema(
    {
        "record": pl.Int64(),  # 1 for the first record of the job
        "line": pl.Int64(),  # physical line of the source on which the record begins; null where there are no lines
        "text": pl.String(),  # the record as JSON: as the file has it, or written from cells or columns
    }
)

ERRORS = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "code": ROW_CODE,
        "path": pl.String(),  # dotted from the record; empty for the record itself
        "message": pl.String(),  # a sentence; never a secret value
        "severity": SEVERITY,
    }
)


@dataclass(frozen=True)
class Layout:
    """How a source's JSON text is to be understood, where its format says less than JSON does."""

    textual: bool = False  # every value is a cell's text: booleans are words, objects are JSON in a cell
    null_is_absent: bool = False  # the format has no way to leave a value out
    columns: tuple[str, ...] | None = None  # the header as the file has it, in order
