"""All warnings of a job are counted; of each code and field the first are stored."""

from pathlib import Path

import pytest

from flows.readers.limits import ReadLimits
from flows.settings import Settings
from schemas.job import Mode
from tests.flows.importing import import_records, query_rows
from transforms.stored_warnings import MOST_STORED

STORED = "select code, path, count(*), max(record) from import_errors group by all order by path"


@pytest.mark.parametrize("batch_rows", [300, 50_000])
def test_the_first_warnings_of_each_field_are_stored(tmp_path: Path, batch_rows: int) -> None:
    settings = Settings(database=tmp_path / "users.duckdb", limits=ReadLimits(batch_rows=batch_rows))
    rows = MOST_STORED + 500
    records = [{"email": f"u{n}@example.com", "colour": 1, **({"shape": 2} if n < 7 else {})} for n in range(rows)]
    summary = import_records(settings, records, Mode.INSERT, unknown_fields="ignore")
    assert (summary.inserted, summary.warnings) == (rows, rows + 7)
    assert query_rows(settings, STORED) == [
        ("UNKNOWN_FIELD", "colour", MOST_STORED, MOST_STORED),
        ("UNKNOWN_FIELD", "shape", 7, 7),
    ]
