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


@pytest.mark.parametrize("examples", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_generated_records_get_the_faults_of_the_oracle(examples: int) -> None:
    @settings(GENERATED, max_examples=examples, derandomize=True)
    @given(st.lists(records, min_size=BATCH, max_size=BATCH))
    def compare_batch(batch: list[object]) -> None:
        compare(batch)

    compare_batch()
