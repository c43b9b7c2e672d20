"""The reader that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flows.settings import Settings
from flows.store.database import scratch
from tests.flows.readers.outcomes import Reader


@pytest.fixture(scope="session")
def reading_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """The kind of DuckDB that jobs read with."""
    with scratch(Settings()) as connection:
        yield connection


@pytest.fixture
def reader(tmp_path: Path, reading_engine: duckdb.DuckDBPyConnection) -> Reader:
    """Reads bytes as files of the test's own folder."""
    return Reader(tmp_path, reading_engine)
