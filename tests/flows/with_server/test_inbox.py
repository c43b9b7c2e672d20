"""The inbox flow with a real server: one run per file, each content imported once, also after a restart."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State, StateType
from prefect.states import Running

from flows.inbox.flow import RunState, import_inbox
from flows.inbox.folder import LOCK_NAME, Inbox
from flows.inbox.prefect_runs import is_canceling
from flows.report.prefect import drain
from flows.settings import Settings
from tests.flows.importing import query_rows
from tests.flows.with_server.conftest import environment as environment_of


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def run_inbox(inbox: Path, settings: Settings, options: Mapping[str, object] | None = None) -> RunState:
    """Return the run's final state."""
    given = {"database": str(settings.database), "settle_seconds": 0, **(options or {})}

    async def run() -> RunState:
        state: Any = await import_inbox(str(inbox), return_state=True, **given)
        return cast(RunState, state)

    return asyncio.run(run())


def message_of(state: RunState) -> tuple[str, str]:
    """Return the name of the state and the first part of its message."""
    return str(state.name), str(state.message).partition(";")[0]


def files_in(inbox: Path) -> list[str]:
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file() and path.name[0] != ".")


def test_file_has_a_run_and_the_run_of_the_inbox_says_what_became_of_it(
    client: SyncPrefectClient, inbox: Path, settings: Settings
) -> None:
    (inbox / "a.ndjson").write_text('{"email": "ann@example.com"}\n{"email": "no address"}\n')
    (inbox / "b.part").write_text("email\n")
    state = run_inbox(inbox, settings)
    counts = "1 partly; 1 inserted, 0 updated, 0 unchanged, 1 failed of 2; 1 waiting, the oldest for "
    assert (state.name, str(state.message).startswith(counts)) == ("Completed", True)
    assert files_in(inbox) == [
        "b.part",
        "partly/a.ndjson",
        "partly/a.ndjson.report.json",
        "partly/a.rejects.ndjson",
    ]
    document: Any = state.result(raise_on_failure=False)
    assert isinstance(document, dict)
    assert (document["status"], document["rows"]["inserted"]) == ("completed_with_errors", 1)
    summary = json.loads((inbox / "partly/a.ndjson.report.json").read_text())["summary"]
    of_file = client.read_flow_run(UUID(summary["job_id"]))
    assert (of_file.name, of_file.state and of_file.state.name) == ("import a.ndjson", "Completed")
    assert state.state_details.flow_run_id is not None
    shown = client.read_flow_run(state.state_details.flow_run_id)
    assert "with-errors" in shown.tags
    assert shown.labels["import.inserted"] == 1
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[shown.id]))
    assert {artifact.key for artifact in client.read_artifacts(artifact_filter=of_run)} >= {
        "inbox-files",
        "inbox-waiting",
    }


def test_runs_of_a_process_that_is_gone_are_ended(client: SyncPrefectClient, inbox: Path, settings: Settings) -> None:
    @flow(name="lost")
    def lost() -> None:
        """Stand for a run of an inbox and for that of a file."""

    parent = client.create_flow_run(lost, state=Running())
    part = client.create_task_run(task(lost.fn), parent.id, "0", state=Running())
    child = client.create_flow_run(lost, state=Running(), parent_task_run_id=part.id)
    other = client.create_flow_run(lost, state=Running())
    (inbox / LOCK_NAME).write_text(f"{parent.id}\n")
    state = run_inbox(inbox, settings)
    assert (state.name, state.message) == ("Completed", "nothing new in the inbox")
    states = [client.read_flow_run(run.id).state for run in (parent, child, other)]
    assert [found and found.name for found in states] == ["Crashed", "Crashed", "Running"]
    assert (inbox / LOCK_NAME).read_text() == f"{state.state_details.flow_run_id}\n"


def test_cancel_of_the_run_is_known(client: SyncPrefectClient) -> None:
    @flow(name="canceled")
    def canceled() -> None:
        """Stand for a run of an inbox."""

    run = client.create_flow_run(canceled, state=Running())
    assert not is_canceling(run.id)
    client.set_flow_run_state(run.id, State(type=StateType.CANCELLING))
    assert is_canceling(run.id)


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_second_run_at_once_is_skipped(inbox: Path, settings: Settings) -> None:
    (inbox / "a.csv").write_text("email\nann@example.com\n")
    with Inbox(inbox).try_lock():
        state = run_inbox(inbox, settings)
    assert (state.name, state.message) == ("Completed", "skipped: another run is at work on the inbox")
    assert files_in(inbox) == ["a.csv"]


@pytest.mark.slow
@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("put", "code", "status"),
    [
        ({"a.csv": "email\nann@example.com\n"}, 0, "completed"),
        ({"a.csv": "email\nann@example.com\nbob\n"}, 3, "completed_with_errors"),
        ({".a.csv": "old"}, 1, "failed"),
    ],
)
def test_exit_code_of_the_command_goes_by_what_became_of_the_files(  # noqa: PLR0917 - fixtures and cases
    inbox: Path, settings: Settings, api_url: str, prefect_home: Path, put: Mapping[str, str], code: int, status: str
) -> None:
    for name, text in put.items():
        (inbox / name).write_text(text)
        os.utime(inbox / name, (1, 1))
    command = [sys.executable, "-m", "flows.inbox", str(inbox), "--json", "--database", str(settings.database)]
    environment = {**environment_of(prefect_home), "PREFECT_API_URL": api_url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (code, status), done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_content_is_imported_again_once_the_users_have_changed(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for place, name in enumerate(("Ada", "Ada Lund", "Ada", "Ada")):
        (folder / f"{place}.csv").write_text(f"email,name\nada@example.com,{name}\n")
    options: dict[str, object] = {"policy": {"nickname": "keep"}}
    assert message_of(run_inbox(folder, settings, options)) == ("Completed", "4 done (1 already imported)")
    assert query_rows(settings, "select name, (select count(*) from import_jobs) from users") == [("Ada", 3)]


@pytest.mark.usefixtures("client")
def test_missing_inbox_fails_the_run_with_its_code(tmp_path: Path, settings: Settings) -> None:
    state = run_inbox(tmp_path / "gone", settings)
    assert state.name == "Failed"
    assert str(state.message).endswith("(FILE_NOT_FOUND)")


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_files_are_imported_with_the_options(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    user = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada", "user_metadata": {"a": 1, "b": 1}}
    (folder / "1.ndjson").write_text(json.dumps(user))
    (folder / "2.ndjson").write_text(
        json.dumps(user | {"name": "A.", "nickname": "ada", "user_metadata": {"b": None, "c": 2}})
        + '\n{"email": "bob@x.example", "user_id": "u-bob", "password_hash": "md5:no"}\n'
    )
    (folder / "3.ndjson").write_text(json.dumps(user | {"email": "other@x.example", "user_id": "u-1"}) + "\n{}\n")
    options: dict[str, object] = {"match_on": ["user_id"], "metadata": "merge", "fill_only": True, "max_errors": 0}
    state = run_inbox(folder, settings, options | {"reset_unsupported_hashes": True})
    assert message_of(state) == ("Completed", "2 done, 1 refused")
    assert query_rows(settings, "select user_id, name, nickname, password_reset_required from users order by 1") == [
        ("u-ada", "Ada", "ada", False),
        ("u-bob", None, None, True),
    ]
    (folder / "4.ndjson").write_text(json.dumps(user | {"family_name": "Love"}))
    assert message_of(run_inbox(folder, settings, {"max_updates_rate": 0.0})) == ("Completed", "1 refused")


@pytest.mark.slow
@pytest.mark.usefixtures("client")
def test_names_of_files_may_have_any_bytes(
    tmp_path: Path, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "us\udce9rs.csv").write_text("email\nann@example.com\n")
    assert message_of(run_inbox(folder, settings)) == ("Completed", "1 done")
    assert files_in(folder) == ["done/us\udce9rs.csv", "done/us\udce9rs.csv.report.json"]
    drain()
    assert "Error logging" not in capfd.readouterr().err
