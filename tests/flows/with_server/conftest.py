"""A real Prefect server with a folder of its own, and the settings that connect this process to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_HOME,
    PREFECT_LOCAL_STORAGE_PATH,
    temporary_settings,
)

from flows.import_users import flow, local_server, prefect_run
from flows.inbox import prefect_runs
from flows.report import prefect
from flows.report.prefect import drain


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.prefect)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user with that PREFECT_HOME and without a configured API."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
        "PREFECT_HOME": str(home)
    }


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Share one folder between all processes of the tests, so that only one of them migrates its database."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "prefect-home"


@pytest.fixture(scope="session")
def api_url(prefect_home: Path) -> Iterator[str]:
    """Start a server; that of another process of the tests starts in the same empty folder, as two first runs do."""
    with local_server.choose_api(environment(prefect_home)) as api:
        api.wait_until_ready()
        yield api.url
        drain()  # otherwise Prefect prints in the test results that it cannot send its last log lines


@pytest.fixture
def client(api_url: str, prefect_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncPrefectClient]:
    """Return a client of the server, which also records the flows that a test runs in this process.
    They wait for a slow server as long as it takes."""
    for module, name in (
        (flow, "END_SECONDS"),
        (prefect_run, "REPORT_SECONDS"),
        (prefect_runs, "API_SECONDS"),
        (prefect, "JOIN_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 120.0)
    updates = {
        PREFECT_API_URL: api_url,
        PREFECT_HOME: str(prefect_home),
        PREFECT_LOCAL_STORAGE_PATH: str(prefect_home / "storage"),
        PREFECT_CLIENT_MAX_RETRIES: 4,  # two servers share one database, which can be busy
    }
    with temporary_settings(updates), get_client(sync_client=True) as client:
        yield client
