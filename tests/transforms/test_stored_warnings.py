"""Of each code and field the first warnings of a job are stored, in whatever batches they come; errors always are."""

from collections import Counter

import polars as pl
import pytest

from schemas.frames import ERRORS
from transforms.stored_warnings import MOST_STORED, limit_warnings


def found(records: range, code: str, path: str, severity: str = "warning") -> pl.DataFrame:
    one = {"line": None, "code": code, "path": path, "message": "", "severity": severity}
    return pl.DataFrame([{"record": record, **one} for record in records], schema=ERRORS)


@pytest.mark.parametrize("batch_rows", [1, 700, 5000])
def test_the_first_thousand_of_a_code_and_field_are_stored(batch_rows: int) -> None:
    rows = range(1, 2501)
    errors = pl.concat(
        [
            found(rows, "UNKNOWN_FIELD", "colour"),
            found(rows, "PATTERN", "custom_password_hash.hash.value"),
            found(rows, "HASH_MISMATCH", "custom_password_hash.hash.value"),
            found(rows, "FORMAT", "picture", "error"),
            found(range(2400, 2501), "UNKNOWN_FIELD", "shape"),
        ]
    ).sort("record", maintain_order=True)
    stored: Counter[str] = Counter()
    batches = errors.group_by((pl.col("record") - 1) // batch_rows, maintain_order=True)
    kept = pl.concat([limit_warnings(batch, stored=stored) for _, batch in batches])
    few = errors.filter((pl.col("record") <= MOST_STORED) | pl.col("path").is_in(["shape", "picture"]))
    assert kept.sort("record", "code", "path").equals(few.sort("record", "code", "path"))


def test_two_paths_of_one_field_count_together() -> None:
    rows = range(1, MOST_STORED + 1)
    both = pl.concat([found(rows, "PATTERN", f"mfa_factors[{place}].totp.secret") for place in (0, 1)])
    kept = limit_warnings(both, stored=Counter())
    assert kept.height == MOST_STORED
    assert kept["record"].max() == MOST_STORED // 2
