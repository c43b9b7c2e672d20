"""Fixtures that every part of the tests uses: a private folder's settings, a real database, an invented user."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from flows.settings import Settings
from flows.store.database import Store, scratch
from tests.printed_commands import running_printed_commands

os.environ.pop("PYTHONUNBUFFERED", None)  # few users have it, and it hides what a full buffer does at the end


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database to copy: to migrate one takes a tenth of a second, which most tests would spend."""
    path = tmp_path_factory.mktemp("migrated") / "users.duckdb"
    Store(Settings(database=path)).prepare()
    return path


@pytest.fixture(autouse=True)
def printed_commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each command that the test has the product name works as printed."""
    with running_printed_commands(tmp_path_factory.getbasetemp() / "printed"):
        yield


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    """Settings of a migrated, empty database of the test's own; a busy one is not waited for."""
    return Settings(database=Path(shutil.copy(migrated, tmp_path)), wait_seconds=0.2)


@pytest.fixture
def store(settings: Settings) -> Store:
    """A migrated, empty database with its folder of jobs."""
    store = Store(settings)
    store.prepare()
    return store


@pytest.fixture
def engine(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory."""
    with scratch(settings) as connection:
        yield connection


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are processors: many tests wait for servers and commands that they start."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the folders of slow tests, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: not {"with_server", "robustness", "properties"} & {*item.path.parts})
