"""What becomes of every staged row: duplicates, conflicts, updates and outcomes, as temporary tables of a connection.

The connection has `staged` (rows that passed the rules) and `users`. What is done with the plan is in `flows.merge`.
"""

from collections.abc import Callable, Mapping

import duckdb

from schemas.job import Mode, RowOutcome
from transforms.statements import materialise, run

PACKAGE = "transforms"


def plan(connection: duckdb.DuckDBPyConnection, *, mode: Mode, connection_id: str, step: Callable[[str], None]) -> None:
    """Leave the tables `refusals`, `updates`, `differences` and `plan`: one row per staged record, one outcome each.

    `step` is called with the name of each statement before it runs; it may raise to stop.
    """
    conflicts = "conflicts_of_insert" if mode is Mode.INSERT else "conflicts_of_update"
    for name in ("duplicates", "matches", "targets", "repeats", conflicts):
        step(name)
        materialise(connection, name, package=PACKAGE, connection=connection_id, mode=mode.value)
    connection.execute(f"create or replace temp table refusals as from repeats union all by name from {conflicts}")
    for name in ("updates", "differences", "plan"):
        step(name)
        materialise(connection, name, package=PACKAGE, connection=connection_id, mode=mode.value)


def outcome_counts(connection: duckdb.DuckDBPyConnection) -> Mapping[RowOutcome, int]:
    """How many staged records have each outcome; every outcome has an entry."""
    counted = {
        str(outcome): int(str(records)) for outcome, records in run(connection, "outcome_counts", package=PACKAGE)
    }
    return {outcome: counted.get(outcome.value, 0) for outcome in RowOutcome}
