"""Plan every staged row: duplicates, conflicts, updates and outcomes, as temporary tables of a connection.

The connection has `staged` (rows that passed the rules) and `users`. The plan is applied in `flows.pipeline.merge`.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import duckdb

from schemas.job import KEYS, MergePolicy, Mode, RowOutcome
from transforms.statements import Value, materialise, run


class Keep(Protocol):
    """Store the result of a query of this package as a table or view of the query's name."""

    def __call__(self, connection: duckdb.DuckDBPyConnection, name: str, /, **values: Value) -> None:
        """Run the query `name` and store its result."""


def plan(
    connection: duckdb.DuckDBPyConnection,
    *,
    mode: Mode,
    policy: MergePolicy,
    connection_id: str,
    step: Callable[[str], None],
    keep: Keep = materialise,
) -> None:
    """Create the tables `refusals`, `updates`, `differences` and `plan`; `plan` has one row per staged record.

    Call `step` with the name of each statement before it runs; it may raise to stop. `keep` may store `updates` and
    `plan`, which have as many rows as the job, elsewhere than in memory.
    """
    values = _get_values(mode=mode, policy=policy, connection_id=connection_id)
    conflicts = "conflicts_of_insert" if mode is Mode.INSERT else "conflicts_of_update"
    for name in ("duplicates", "matches", "targets", "repeats", conflicts):
        step(name)
        keep(connection, name, **values)
    connection.execute(f"create or replace temp table refusals as from repeats union all by name from {conflicts}")
    for name in ("merged_metadata", "updates", "differences", "plan"):
        step(name)
        keep(connection, name, **values)


def _get_values(*, mode: Mode, policy: MergePolicy, connection_id: str) -> Mapping[str, Value]:
    """Return the parameters of the statements; an insert refuses a match by any key."""
    return {
        "connection": connection_id,
        "mode": mode.value,
        "match_on": KEYS if mode is Mode.INSERT else policy.match_on,
        "fill_only": policy.fill_only,
        "metadata": policy.metadata,
    }


def count_outcomes(connection: duckdb.DuckDBPyConnection) -> Mapping[RowOutcome, int]:
    """Return the number of staged records per outcome; every outcome has an entry."""
    counts = {str(outcome): int(str(records)) for outcome, records in run(connection, "outcome_counts")}
    return {outcome: counts.get(outcome.value, 0) for outcome in RowOutcome}
