"""What becomes of every staged row: duplicates, conflicts, updates and outcomes, as temporary tables of a connection.

The connection has `staged` (rows that passed the rules) and `users`. What is done with the plan is in
`flows.pipeline.merge`.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import duckdb

from schemas.job import KEYS, MergePolicy, Mode, RowOutcome
from transforms.statements import Value, materialise, run


class Keep(Protocol):
    """Leaves the result of a query of this package as a table or view of its name."""

    def __call__(self, connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> None:
        """Run the query `name` and keep its result."""


def plan(
    connection: duckdb.DuckDBPyConnection,
    *,
    mode: Mode,
    policy: MergePolicy,
    connection_id: str,
    step: Callable[[str], None],
    keep: Keep = materialise,
) -> None:
    """Leave the tables `refusals`, `updates`, `differences` and `plan`: one row per staged record, one outcome each.

    `step` is called with the name of each statement before it runs; it may raise to stop. `keep` may keep `updates` and
    `plan`, which are as many as the rows, elsewhere than in memory.
    """
    values = _values(mode=mode, policy=policy, connection_id=connection_id)
    conflicts = "conflicts_of_insert" if mode is Mode.INSERT else "conflicts_of_update"
    for name in ("duplicates", "matches", "targets", "repeats", conflicts):
        step(name)
        keep(connection, name, **values)
    connection.execute(f"create or replace temp table refusals as from repeats union all by name from {conflicts}")
    for name in ("merged_metadata", "updates", "differences", "plan"):
        step(name)
        keep(connection, name, **values)


def _values(*, mode: Mode, policy: MergePolicy, connection_id: str) -> Mapping[str, Value]:
    """What the statements are told; an insert refuses a match by any key."""
    return {
        "connection": connection_id,
        "mode": mode.value,
        "match_on": KEYS if mode is Mode.INSERT else policy.match_on,
        "fill_only": policy.fill_only,
        "metadata": policy.metadata,
    }


def count_outcomes(connection: duckdb.DuckDBPyConnection) -> Mapping[RowOutcome, int]:
    """How many staged records have each outcome; every outcome has an entry."""
    counted = {str(outcome): int(str(records)) for outcome, records in run(connection, "outcome_counts")}
    return {outcome: counted.get(outcome.value, 0) for outcome in RowOutcome}
