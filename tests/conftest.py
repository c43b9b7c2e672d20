"""Fixtures that every part of the tests uses: a private folder's settings, a real database, an invented user."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flows.settings import Settings
from flows.store.database import Store, scratch

os.environ.pop("PYTHONUNBUFFERED", None)  # few users have it, and it hides what a full buffer does at the end


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a database of the test's own; a busy one is not waited for."""
    return Settings(database=tmp_path / "users.duckdb", wait_seconds=0.2)


@pytest.fixture
def store(settings: Settings) -> Store:
    """A migrated, empty database."""
    store = Store(settings)
    store.prepare()
    return store


@pytest.fixture
def engine(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory."""
    with scratch(settings) as connection:
        yield connection


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the folders of slow tests, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: not {"with_server", "robustness", "properties"} & {*item.path.parts})
