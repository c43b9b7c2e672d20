"""Fixtures for the tests of the readers."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flows.settings import Settings
from flows.store.database import scratch
from tests.flows.readers.outcomes import Reader


@pytest.fixture(scope="session")
def reading_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the kind of DuckDB that jobs read with."""
    with scratch(Settings()) as connection:
        yield connection


@pytest.fixture
def reader(tmp_path: Path, reading_engine: duckdb.DuckDBPyConnection) -> Reader:
    """Return a reader of bytes as files in the test's own folder."""
    return Reader(tmp_path, reading_engine)
