"""Two ways of judging records agree, the product's and the oracle's; `python -m tests.oracle` does it for longer."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.oracle.comparison import BATCH, compare
from tests.oracle.records import records


@settings(
    max_examples=10,
    derandomize=True,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(st.lists(records, min_size=BATCH, max_size=BATCH))
def test_every_code_and_path_is_what_the_oracle_says(batch: list[object]) -> None:
    compare(batch)
