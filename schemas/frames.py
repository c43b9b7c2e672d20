"""The columns of the frames that rooms hand to each other. The canonical columns of a user are in `schemas.user`."""

import polars as pl

from schemas.codes import ROW_CODES, Severity

ROW_CODE = pl.Enum(ROW_CODES)
SEVERITY = pl.Enum([severity.value for severity in Severity])

RECORDS = pl.Schema(
    {
        "record": pl.Int64,  # 1 for the first record of the job
        "line": pl.Int64,  # physical line of the source on which the record begins; null where there are no lines
        "text": pl.String,  # the record as JSON: as the file has it, or written from cells or columns
    }
)

ERRORS = pl.Schema(
    {
        "record": pl.Int64,
        "line": pl.Int64,
        "code": ROW_CODE,
        "path": pl.String,  # dotted from the record; empty for the record itself
        "message": pl.String,  # a sentence; never a secret value
        "severity": SEVERITY,
    }
)
