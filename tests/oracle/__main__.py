"""Compares the product with the oracle on N generated records: `python -m tests.oracle --examples N`."""

import argparse

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import FIELD_NAMES
from tests.oracle.arbitrary import arbitrary_records, written
from tests.oracle.comparison import BATCH, compare
from tests.oracle.records import GENERATED, records


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument(
        "--examples",
        type=int,
        default=10_000,
        help="number of records near the limits, and of records of any shape (default: 10000)",
    )
    examples = parser.parse_args().examples
    tally = {"records": 0, "refused": 0}

    @settings(GENERATED, max_examples=-(-examples // BATCH))
    @given(st.lists(records, min_size=BATCH, max_size=BATCH))
    def every_fault_agrees(batch: list[object]) -> None:
        tally["refused"] += compare(batch)
        tally["records"] += len(batch)

    every_fault_agrees()
    for seed in range(examples // 1000):
        anything = arbitrary_records(1000, seed=seed, fields=FIELD_NAMES)
        tally["refused"] += compare(anything, texts=written(anything))
        tally["records"] += len(anything)
    print(f"{tally['records']} records, {tally['refused']} of them refused: every code and path agrees")


if __name__ == "__main__":
    main()
