"""A run of a deployment may use the folders of its database and of the inboxes; one of the command line any."""

from pathlib import Path

import pytest

from flows.import_users import run_settings
from flows.import_users.run_settings import settings_of_run

DEPLOYMENT = "PREFECT__RUNTIME__DEPLOYMENT__ID"  # by which Prefect lets tests name it


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the inbox of a deployment; the worker's own database is in another folder."""
    monkeypatch.setenv("IMPORT_DATABASE", str(tmp_path / "own" / "users.duckdb"))
    monkeypatch.delenv("IMPORT_ROOTS", raising=False)
    monkeypatch.setattr(run_settings, "_ask_for_inboxes", lambda: [tmp_path / "inbox"])
    return tmp_path / "inbox"


def test_run_of_a_deployment_has_the_folders_of_its_database_and_inboxes(
    inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEPLOYMENT, "11111111-1111-4111-8111-111111111111")
    assert settings_of_run("").roots == (tmp_path / "own", inbox)
    assert settings_of_run(str(tmp_path / "own" / "other.duckdb")).roots == (tmp_path / "own", inbox)
    with pytest.raises(ValueError, match="is outside of the folders that runs may use"):
        settings_of_run(str(tmp_path / "users.duckdb"))
    monkeypatch.setenv("IMPORT_ROOTS", str(tmp_path))
    assert settings_of_run(str(tmp_path / "users.duckdb")).roots == (tmp_path,)


@pytest.mark.usefixtures("inbox")
def test_run_without_a_deployment_has_no_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEPLOYMENT, raising=False)
    assert settings_of_run(str(tmp_path / "users.duckdb")).roots == ()
