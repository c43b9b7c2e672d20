"""The queries of a plan: duplicates, conflicts, updates and the outcome of every staged record.

They read `staged` (rows that passed the rules) and `users`. Running them and keeping their results belongs in
`flows.pipeline.plan`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from schemas.job import KEYS, MergePolicy, Mode, RowOutcome
from transforms.statements import Value, run, statement
from transforms.stored_warnings import MOST_STORED


@dataclass(frozen=True)
class Query:
    """A query of this package, by the name of its file, with its parameters."""

    name: str
    values: Mapping[str, Value]


def plan_queries(*, mode: Mode, policy: MergePolicy, connection_id: str) -> tuple[Query, ...]:
    """Return the queries of a plan in order; each needs the results of those before it, as tables of their names,
    and the macros.

    The results that matter are `refusals`, `updates`, `differences` and `plan`, which has one row per staged record.
    """
    conflicts = "conflicts_of_insert" if mode is Mode.INSERT else "conflicts_of_update"
    values = {
        "connection": connection_id,
        "mode": mode.value,
        "match_on": KEYS if mode is Mode.INSERT else policy.match_on,  # an insert refuses a match by any key
        "policies": policy.policies,
        "conflicts": conflicts,
        "most_stored": MOST_STORED,
    }
    names = ("duplicates", "matches", "targets", conflicts, "refusals", "updates", "differences")
    return tuple(Query(name, values) for name in (*names, "plan"))


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary macros that the queries of a plan, a merge and a diff use."""
    connection.execute(statement("temporary_macros"))


def count_outcomes(connection: duckdb.DuckDBPyConnection) -> Mapping[RowOutcome, int]:
    """Return how many staged records have each outcome; every outcome has an entry."""
    counted = {str(outcome): int(str(records)) for outcome, records in run(connection, "outcome_counts")}
    return {outcome: counted.get(outcome.value, 0) for outcome in RowOutcome}
