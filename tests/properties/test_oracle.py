"""The product and the oracle find the same faults; `python -m tests.oracle` compares more records."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import FIELD_NAMES
from tests.oracle.arbitrary import arbitrary_records, written
from tests.oracle.comparison import BATCH, compare
from tests.oracle.records import GENERATED, records


@pytest.mark.parametrize("seed", range(2))
def test_records_of_any_shape_get_the_faults_of_the_oracle(seed: int) -> None:
    anything = arbitrary_records(1000, seed=seed, fields=FIELD_NAMES)
    compare(anything, texts=written(anything))


@settings(GENERATED, max_examples=10, derandomize=True)
@given(st.lists(records, min_size=BATCH, max_size=BATCH))
def test_generated_records_get_the_faults_of_the_oracle(batch: list[object]) -> None:
    compare(batch)
