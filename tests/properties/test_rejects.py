"""A file of refused records, imported again as it is, has the same faults and the same values, in every format.

A table can say less than JSON: here each of its columns has one type, and in a spreadsheet there are no numbers.
"""

import json
import os
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from schemas.job import JobSummary, Mode
from schemas.profiles import IGNORED_COLUMNS
from tests.flows.importing import import_file
from tests.marks import mostly_slow
from tests.oracle.records import GENERATED

EXAMPLES = int(os.environ.get("REJECTS_EXAMPLES", "2"))
ROWS = 8
Strategy = st.SearchStrategy[str]  # of JSON texts, so that a number is what is written


def objects(values: Strategy) -> Strategy:
    """Draw objects of these values."""
    members = st.dictionaries(st.sampled_from(["a", "b c", "ü"]), values, max_size=3)
    return members.map(lambda found: "{" + ",".join(f"{json.dumps(key)}: {text}" for key, text in found.items()) + "}")


CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffd")
TEXTS = st.text(CHARACTERS | st.sampled_from("'\"=+-@,;\\ "), min_size=1).filter(lambda text: text == text.strip())
STRINGS = TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False))
BOOLEANS = st.sampled_from(["true", "false"])
INTEGERS = st.integers(-(10**25), 10**25).map(str) | st.integers(-(2**63), 2**64).map(str)
FRACTIONS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9).map(str)
DECIMALS = FRACTIONS | st.sampled_from(["-0", "1.50", "0.10000000000000000555", "9007199254740993"])
NUMBERS = INTEGERS | DECIMALS | st.sampled_from(["1e5", "1.0E-7"])
NESTED = st.recursive(
    STRINGS | NUMBERS | BOOLEANS | st.just("null"),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]") | objects(inner),
    max_leaves=6,
)


FIELDS = ("email", "user_id", "name", "blocked", "user_metadata", "shoe_size", "pin/a~b")
OF_ANY_TYPE = {name: STRINGS | NUMBERS | BOOLEANS | objects(NESTED) for name in FIELDS}
OF_ONE_TYPE = {
    "email": STRINGS,
    "user_id": INTEGERS,
    "name": STRINGS,
    "blocked": BOOLEANS,
    "user_metadata": objects(NESTED),
    "shoe_size": DECIMALS,
    "pin/a~b": BOOLEANS,
}
OF_CELLS = OF_ONE_TYPE | dict.fromkeys(("user_id", "shoe_size", "pin/a~b"), STRINGS)


VALUES = {"ndjson": OF_ANY_TYPE, "json": OF_ANY_TYPE, "parquet": OF_ONE_TYPE, "csv": OF_CELLS, "tsv": OF_CELLS}


@pytest.mark.parametrize("target", mostly_slow(VALUES, quick=("ndjson", "parquet", "csv")))
@settings(GENERATED, max_examples=EXAMPLES, derandomize=True)
@given(data=st.data())
def test_refused_records_come_back_as_they_are(target: str, data: st.DataObject) -> None:
    values = VALUES[target]
    others = {name: value for name, value in values.items() if name != "email"}
    record = st.fixed_dictionaries({"email": values["email"]}, optional=others)
    records = data.draw(st.lists(record, min_size=ROWS, max_size=ROWS))
    lines = ("{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in record.items()) + "}" for record in records)
    with tempfile.TemporaryDirectory() as folder:
        own = Settings(database=Path(folder, "users.duckdb"), wait_seconds=0.2)
        source = Path(folder, "users.ndjson")
        source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        job = import_file(own, source, Mode.INSERT)
        path = Path(folder, f"fix.{target}")
        write_rejects(Store(own), job.job_id, path)
        again = import_file(own, path, Mode.INSERT)
        assert (again.failed, again.errors_by_code) == (job.failed, job.errors_by_code)
        assert read_refused(own, again) == read_refused(own, job)


def read_refused(own: Settings, job: JobSummary) -> list[dict[str, object]]:
    """Return the refused records of a job, numbers by their value to the last digit."""
    path = own.database.parent / "refused.ndjson"
    write_rejects(Store(own), job.job_id, path)
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    records = (json.loads(line, parse_int=Decimal, parse_float=Decimal) for line in lines)
    return [{key: value for key, value in record.items() if key not in IGNORED_COLUMNS} for record in records]
