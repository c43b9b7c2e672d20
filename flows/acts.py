"""Statements that change the users table, each held to the rows that it was planned to touch."""

from collections.abc import Mapping, Sequence

import duckdb

from flows.running import Job
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from transforms.statements import Value, changed_rows, run

# to find a dictionary for texts takes the engine time that grows faster than they do: 1 ms for one of 10 kB
LONG_BYTES = 4096
WITHOUT_DICTIONARIES = "set disabled_compression_methods = 'dict_fsst'"


def carry_out(
    connection: duckdb.DuckDBPyConnection,
    job: Job,
    acts: Sequence[tuple[str, int]],
    values: Mapping[str, Value],
    *,
    bytes_before: str,
    broken_keys: str,
) -> None:
    """Run the acts, each a statement and the rows that it has to touch, inside the caller's transaction.

    `bytes_before` and `broken_keys` name two queries: how long the objects are, on average, in the rows that the log is
    to keep, and which keys more than one user would hold.

    Raises:
        JobFault: `NOT_CONSERVED`, an act did something else, or a key is not unique any more.

    """
    if not any(rows for _, rows in acts):
        return
    ((mean_bytes,),) = run(connection, bytes_before, package="flows", **values)
    if float(str(mean_bytes or 0)) > LONG_BYTES:
        connection.execute(WITHOUT_DICTIONARIES)
    for name, rows in acts:
        job.step(name)
        if rows and changed_rows(run(connection, name, package="flows", **values)) != rows:
            raise mismatch(f"{name} did not touch the {rows} rows that it had to")
    job.step(broken_keys)
    broken = run(connection, broken_keys, package="flows", **values)
    if broken:
        raise mismatch(f"{len(broken)} keys would be held by more than one user")


def mismatch(message: str) -> JobFault:
    """The fault of a transaction that would not do what was planned."""
    return JobFault(ErrorCode.NOT_CONSERVED, message, "nothing was changed; please report this")
