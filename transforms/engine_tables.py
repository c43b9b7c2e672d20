"""Frames as tables that the engine knows by a name, for as long as a statement needs them."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

CHUNK_ROWS = 4_096  # the engine reads an Arrow table with one thread per chunk


@contextmanager
def registered(engine: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Within the block the engine's connection knows the table by the name."""
    engine.register(name, table)
    try:
        yield
    finally:
        engine.unregister(name)


def in_chunks(table: pa.Table) -> pa.Table:
    """The same rows in pieces small enough for every thread to have its share."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=CHUNK_ROWS), table.schema)
