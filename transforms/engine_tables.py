"""Arrow tables that a DuckDB connection can query by name for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

CHUNK_ROWS = 4_096  # DuckDB reads an Arrow table with one thread per chunk


@contextmanager
def registered(engine: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Register the table under the name for the length of the block."""
    engine.register(name, table)
    try:
        yield
    finally:
        engine.unregister(name)


def in_chunks(table: pa.Table) -> pa.Table:
    """Split the table into chunks small enough for every thread to get its share."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=CHUNK_ROWS), table.schema)
