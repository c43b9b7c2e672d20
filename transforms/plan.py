"""The queries of a plan: conflicts, duplicates, updates and the outcome of every staged record.

They read `staged` (rows that passed the rules) and `users`. Running them and keeping their results belongs in
`flows.pipeline.plan`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.job import KEYS, MergePolicy, Mode, RowOutcome
from transforms.duplicates import find_duplicates
from transforms.statements import Value, materialise, relation, run, statement
from transforms.stored_warnings import MOST_STORED


@dataclass(frozen=True)
class Query:
    """A query of this package, by the name of its result, with its parameters."""

    name: str  # of the result
    values: Mapping[str, Value]
    statement: str = ""  # of another name than its result, which `derive` makes of its rows
    derive: Callable[[pl.DataFrame], pl.DataFrame] | None = None

    def store(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Run the query and keep its result in memory, under its name."""
        if self.derive is None:
            materialise(connection, self.name, **self.values)
            return
        rows = relation(connection, self.statement, **self.values).pl()
        connection.register(self.name, self.derive(rows).to_arrow())


def plan_queries(*, mode: Mode, policy: MergePolicy, connection_id: str, plan_id: str) -> tuple[Query, ...]:
    """Return the queries of a plan in order; each needs the results of those before it, as tables of their names,
    and the macros.

    The results that matter are `refusals`, `updates`, `differences` and `plan`, which has one row per staged record.
    """
    conflicts = "conflicts_of_insert" if mode is Mode.INSERT else "conflicts_of_update"
    values = {
        "connection": connection_id,
        "plan_id": plan_id,
        "mode": mode.value,
        "match_on": KEYS if mode is Mode.INSERT else policy.match_on,  # an insert refuses a match by any key
        "policies": policy.policies,
        "conflicts": conflicts,
        "most_stored": MOST_STORED,
    }
    before, after = ("matches", "targets", "cleared_fields", conflicts), ("refusals", "updates", "differences", "plan")
    duplicates = Query("duplicates", values, "shared_keys", find_duplicates)
    return (*(Query(name, values) for name in before), duplicates, *(Query(name, values) for name in after))


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary macros that the queries of a plan, a merge and a diff use."""
    connection.execute(statement("temporary_macros"))


def count_outcomes(connection: duckdb.DuckDBPyConnection) -> Mapping[RowOutcome, int]:
    """Return how many staged records have each outcome; every outcome has an entry."""
    counted = {str(outcome): int(str(records)) for outcome, records in run(connection, "outcome_counts")}
    return {outcome: counted.get(outcome.value, 0) for outcome in RowOutcome}
