"""The queries of a plan: conflicts, duplicates, updates and the outcome of every staged record.

They read `staged` (rows that passed the rules) and `users`. Running them and keeping their results belongs in
`flows.pipeline.plan`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import duckdb
import polars as pl

from schemas.job import KEYS, MergePolicy, Mode, RowOutcome
from transforms.duplicates import SHARED_KEYS, find_duplicates
from transforms.statements import Value, append, materialise, relation, run, statement
from transforms.stored_warnings import MOST_STORED

KEY_BYTES = 40  # of memory per row while one of its keys is compared with those of the others


@dataclass(frozen=True)
class Query:
    """A query of this package, by the name of its result, with its parameters."""

    name: str  # of the result
    values: Mapping[str, Value]
    statement: str = ""  # of another name than its result, which `derive` makes of its rows
    derive: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    parts: Sequence[Mapping[str, Value]] = ({},)  # of the result, each by the parameters that it adds

    def store(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Run the query and keep its result in memory, under its name."""
        if self.derive is None:
            for number, more in enumerate(self.parts):
                (append if number else materialise)(connection, self.name, **self.values, **more)
            return
        rows = relation(connection, self.statement, **self.values).pl()
        connection.register(self.name, self.derive(rows).to_arrow())


def plan_queries(
    *, mode: Mode, policy: MergePolicy, connection_id: str, plan_id: str, partitions: int = 1
) -> tuple[Query, ...]:
    """Return the queries of a plan in order; each needs the results of those before it, as tables of their names,
    and the macros.

    The results that matter are `refusals`, `updates`, `differences` and `plan`, which has one row per staged record.
    Those that need the most memory are found in `partitions`, which does not change them.
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
        "partitions": partitions,
    }
    parts = [{"partition": number} for number in range(partitions)]
    return (
        Query("matches", values),
        Query("targets", values, parts=parts),
        Query("cleared_fields", values),
        Query(conflicts, values),
        Query("shared_keys", values, parts=[{"key": key, **part} for key in SHARED_KEYS for part in parts]),
        Query("duplicates", values, "shared_keys_by_record", find_duplicates),
        *(Query(name, values) for name in ("refusals", "updates", "differences", "plan")),
    )


def count_partitions(rows: int, *, memory_bytes: float) -> int:
    """Return into how many partitions the keys of that many staged rows are divided, so that each fits in memory."""
    return max(1, ceil(rows * KEY_BYTES / memory_bytes))


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary macros that the queries of a plan, a merge and a diff use."""
    connection.execute(statement("temporary_macros"))


def count_outcomes(connection: duckdb.DuckDBPyConnection) -> Mapping[RowOutcome, int]:
    """Return how many staged records have each outcome; every outcome has an entry."""
    counted = {str(outcome): int(str(records)) for outcome, records in run(connection, "outcome_counts")}
    return {outcome: counted.get(outcome.value, 0) for outcome in RowOutcome}
