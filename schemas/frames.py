"""The columns of the frames that packages exchange. Those of canonical frames are in `schemas.canonical`."""

from dataclasses import dataclass

import polars as pl

from schemas.codes import ROW_CODES, Severity

ROW_CODE = pl.Enum(ROW_CODES)
SEVERITY = pl.Enum([severity.value for severity in Severity])

RECORDS = pl.Schema(
    {
        "record": pl.Int64(),  # 1 for the first record of the job
        "line": pl.Int64(),  # physical line of the source on which the record begins; null if the format has no lines
        "text": pl.String(),  # the record as JSON: as in the file, or made from cells or columns
    }
)

ERRORS = pl.Schema(
    {
        "record": pl.Int64(),
        "line": pl.Int64(),
        "key": pl.String(),  # the e-mail address of the row, else its user_id or username, as given; null: unreadable
        "code": ROW_CODE,
        "path": pl.String(),  # dotted from the record; empty for the record itself
        "message": pl.String(),  # a sentence; never a secret value
        "severity": SEVERITY,
    }
)


STAGED_ERRORS = pl.Schema({"source": pl.String(), **ERRORS})  # with the file of the record


@dataclass(frozen=True)
class Layout:
    """What the format of a source and its header say of every record."""

    textual: bool = False  # every value is the text of a cell: booleans are words, objects are JSON
    columns: tuple[str, ...] | None = None  # the header as in the file
