"""A job run as a flow: what a real server shows of it, and how it is cancelled there."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelling, Running

from flows.import_users.flow import import_users, run_locally
from flows.pipeline.job import Observer
from flows.report import prefect as prefect_report
from flows.report.prefect import drain
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.locks import slot
from schemas.job import JobStatus, JobSummary
from schemas.options import JobOptions
from tests.flows.report.receivers import WEBHOOK_SECRET, http_receiver

SECRET = "$2b$10$" + "Zq9SecretMarker" * 3 + "Zq9Secre"  # 53 characters after the cost
ROWS = (
    {"email": "ann.marker@example.com", "given_name": "Ann", "password_hash": SECRET},
    {"email": "bob.marker@example.com", "user_metadata": {"note": SECRET}},
    {"email": "no address", "password_hash": SECRET[:-1]},
    {"email": "ANN.marker@example.com"},
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "users.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def run(*sources: Path, settings: Settings) -> JobSummary:
    options = JobOptions(sources=tuple(map(str, sources)), external_id="crm-7")
    return run_locally(options, settings=settings, observer=Observer())


def artifacts_of(client: SyncPrefectClient, run_id: str) -> dict[str, Artifact]:
    chosen = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run_id)]))
    found = client.read_artifacts(artifact_filter=chosen)
    return {artifact.key: artifact for artifact in found if artifact.key}  # the results of flows have no key


def states_of(client: SyncPrefectClient, run_id: str) -> list[str]:
    return [f"{state.type.value} {state.name}" for state in client.read_flow_run_states(UUID(run_id))]


def task_runs_of(client: SyncPrefectClient, run_id: str) -> list[tuple[str, str]]:
    """Return name and state of each task run; they are recorded from events, a moment later."""
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run_id)]))
    found: Sequence[tuple[str, str]] = []
    for _ in range(50):
        runs = client.read_task_runs(flow_run_filter=chosen)
        found = sorted((run.name, str(run.state_name)) for run in runs)
        if len(found) == 3 and all(state == "Completed" for _, state in found):
            break
        time.sleep(0.1)
    return [*found]


def test_run_has_its_summary_in_every_place_and_no_secret_in_any(
    client: SyncPrefectClient, source: Path, settings: Settings, prefect_home: Path
) -> None:
    summary = run(source, settings=settings)
    shown = client.read_flow_run(UUID(summary.job_id))
    assert shown.name == "import users.ndjson"
    assert shown.state is not None
    assert (shown.state.type.value, shown.state.name) == ("COMPLETED", "Completed")
    assert (shown.tags, shown.run_count) == (["with-errors"], 1)
    assert shown.state.message == summary.sentence == "2 inserted, 0 updated, 0 unchanged, 2 failed of 4"
    assert shown.state.result(raise_on_failure=False) == json.loads(json.dumps(summary.to_dict()))
    counts = {"total": 4, "inserted": 2, "updated": 0, "unchanged": 0, "failed": 2, "phase": "done"}
    counts["job_id"] = summary.job_id
    assert {f"import.{name}": count for name, count in counts.items()}.items() <= shown.labels.items()
    assert states_of(client, summary.job_id) == [
        "PENDING Pending",
        "RUNNING Running",
        "COMPLETED Completed",
    ]
    assert task_runs_of(client, summary.job_id) == [
        ("load", "Completed"),
        ("merge", "Completed"),
        ("plan", "Completed"),
    ]
    assert_no_personal_data(prefect_home)


def assert_no_personal_data(home: Path) -> None:
    """Assert that no file of Prefect contains a part of a hash or an address of the source."""
    for path in (path for path in home.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert b"SecretMarker" not in content, path
        assert b".marker@example.com" not in content.lower(), path


def logs_of(client: SyncPrefectClient, run_id: str) -> list[str]:
    drain()
    chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run_id)]))
    return [log.message for log in client.read_logs(chosen)]


def test_run_has_four_artifacts_and_a_log(client: SyncPrefectClient, source: Path, settings: Settings) -> None:
    summary = run(source, settings=settings)
    artifacts = artifacts_of(client, summary.job_id)
    assert artifacts.keys() == {"import-summary", "import-errors", "import-plan", "import-progress"}
    assert "data:image/svg+xml;base64," in str(artifacts["import-summary"].data)
    assert f"flows.jobs undo {summary.job_id} --database {settings.database}" in str(artifacts["import-summary"].data)
    table = json.loads(str(artifacts["import-errors"].data))
    assert [(row["file"], row["record"], row["code"]) for row in table] == [
        ("users.ndjson", 3, "FORMAT"),
        ("users.ndjson", 3, "PATTERN"),
        ("users.ndjson", 4, "DUPLICATED_USER"),
    ]
    plan = json.loads(str(artifacts["import-plan"].data))
    assert [row["outcome"] for row in plan] == ["insert", "insert", "refused", "refused"]
    assert float(str(artifacts["import-progress"].data)) == 100.0
    assert artifacts["import-progress"].description == f"done 100 %: {summary.sentence}"
    logs = logs_of(client, summary.job_id)
    own = [f"job {summary.job_id}: users.ndjson into connection default, mode insert"]
    own += ["loading", "planning 4 rows", "merging"]
    assert [line for line in logs if line in own] == own
    assert any(line.startswith("completed with errors in ") for line in logs)


def test_a_job_that_fails_says_how_far_it_was_and_logs_no_stray_line(
    client: SyncPrefectClient, tmp_path: Path, settings: Settings
) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text('[{"email": "ann@example.com"},')
    summary = run(cut, settings=settings)
    progress = str(artifacts_of(client, summary.job_id)["import-progress"].description)
    assert progress.startswith("failed while loading")
    assert progress.endswith("(FILE_SYNTAX)")
    logs = logs_of(client, summary.job_id)
    assert any(line.startswith("Task run failed") for line in logs)
    assert [line for line in logs if "NoneType" in line] == []


@pytest.mark.slow
def test_run_without_refused_rows_is_completed(client: SyncPrefectClient, tmp_path: Path, settings: Settings) -> None:
    clean = tmp_path / "clean.ndjson"
    clean.write_text('{"email": "ann@example.com"}\n{"email": "bob@example.com"}\n')
    summary = run(clean, settings=settings)
    shown = client.read_flow_run(UUID(summary.job_id))
    assert shown.state is not None
    assert (shown.state.type.value, shown.state.name) == ("COMPLETED", "Completed")
    assert shown.tags == []
    assert artifacts_of(client, summary.job_id).keys() == {"import-summary", "import-plan", "import-progress"}


@pytest.mark.slow
def test_a_name_that_is_not_utf8_is_shown_with_escapes(
    client: SyncPrefectClient, source: Path, settings: Settings
) -> None:
    path = source.rename(source.with_name(os.fsdecode(b"us\xe9rs.ndjson")))
    summary = run(path, settings=settings)
    assert summary.inserted == 2
    shown = client.read_flow_run(UUID(summary.job_id))
    assert shown.name == r"import us\udce9rs.ndjson"
    assert shown.parameters["sources"] == [*summary.sources] == [str(path).replace("\udce9", r"\udce9")]
    assert r"us\\udce9rs" in str(artifacts_of(client, summary.job_id)["import-summary"].data)


@pytest.mark.usefixtures("client")
def test_a_variable_that_cannot_be_used_fails_a_run_of_a_worker_with_its_name(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORT_BATCH_ROWS", "0")
    state = asyncio.run(import_users(sources=[str(source)], return_state=True))
    assert state.type.value == "FAILED"
    assert str(state.message).startswith("IMPORT_BATCH_ROWS is '0'; it must be a whole number from 1 to ")


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(("name", "value"), [("connection", "a\nb"), ("connection", ""), ("external_id", "n" * 300)])
def test_a_text_of_the_form_that_cannot_be_used_fails_the_run(source: Path, name: str, value: str) -> None:
    run_of_form = import_users(sources=[str(source)], return_state=True, **{name: value})
    state = asyncio.run(run_of_form)
    assert state.type.value == "FAILED"
    assert name.replace("_", "-") in str(state.message)


def test_missing_file_fails_the_run_with_its_code(client: SyncPrefectClient, settings: Settings) -> None:
    summary = run(Path("/nowhere/users.json"), settings=settings)
    assert summary.status is JobStatus.FAILED
    shown = client.read_flow_run(UUID(summary.job_id))
    assert shown.state is not None
    assert (shown.state.type.value, shown.state.name) == ("FAILED", "Failed")
    assert str(shown.state.message).endswith("(FILE_NOT_FOUND)")
    assert shown.labels["import.fault"] == "FILE_NOT_FOUND"


@pytest.mark.slow
def test_third_job_of_a_connection_is_refused(client: SyncPrefectClient, source: Path, settings: Settings) -> None:
    with slot(settings, connection="default"), slot(settings, connection="default"):
        summary = run(source, settings=settings)
    shown = client.read_flow_run(UUID(summary.job_id))
    assert shown.state is not None
    assert shown.state.type.value == "FAILED"
    assert str(shown.state.message).endswith("(TOO_MANY_JOBS)")
    assert run(source, settings=settings).inserted == 2


@pytest.mark.slow
def test_run_sends_the_configured_webhook_once(
    client: SyncPrefectClient, source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_receiver() as received:
        monkeypatch.setenv("IMPORT_WEBHOOK_URL", received.url)
        monkeypatch.setenv("IMPORT_WEBHOOK_SECRET", WEBHOOK_SECRET)
        monkeypatch.setenv("IMPORT_WEBHOOK_ALLOW_PRIVATE", "1")
        first = run(source, settings=settings)
        again = run(source, settings=settings)
    assert again == first
    (repeat,) = (
        run
        for run in client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=3)
        if run.state and str(run.state.message).startswith(f"already imported by job {first.job_id}: 2 inserted")
    )
    assert "import.inserted" not in repeat.labels
    assert repeat.tags == []
    (request,) = received.requests
    assert json.loads(request.body)["data"]["job_id"] == first.job_id
    assert b".marker@" not in request.body
    assert client.read_flow_run(UUID(first.job_id)).labels["import.inserted"] == 2


def start_run(client: SyncPrefectClient, settings: Settings) -> tuple[UUID, JobFolder]:
    """Return a run in the state Running, and the folder of its job, which was locked once."""
    run_id = client.create_flow_run(import_users, parameters={"sources": ["x"]}).id
    client.set_flow_run_state(run_id, Running(), force=True)
    folder = JobFolder(settings.jobs_folder / str(run_id))
    folder.create()
    with folder.locked():
        pass
    return run_id, folder


@pytest.mark.slow
def test_next_run_marks_a_run_as_crashed_whose_process_was_killed(
    client: SyncPrefectClient, source: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefect_report, "LOCK_AGE", timedelta(0))
    killed, _ = start_run(client, settings)
    alive, folder = start_run(client, settings)
    with folder.locked():
        run(source, settings=settings)
    states = [client.read_flow_run(run_id).state for run_id in (killed, alive)]
    assert [state.name for state in states if state] == ["Crashed", "Running"]


def running(client: SyncPrefectClient, settings: Settings) -> FlowRun:
    """Wait until the only job is loading, and return its run."""
    while True:
        for folder in settings.jobs_folder.glob("*-*"):
            if JobFolder(folder).read_status():
                return client.read_flow_run(UUID(folder.name))
        time.sleep(0.05)


@pytest.mark.slow
def test_cancellation_in_prefect_ends_the_job_with_nothing_merged(
    client: SyncPrefectClient, tmp_path: Path, settings: Settings
) -> None:
    many = tmp_path / "many.ndjson"
    emails = pl.select(pl.format("user{}@example.com", pl.int_range(2_000_000)).alias("email"))
    emails.write_ndjson(many)
    canceled_at: list[float] = []

    def cancel() -> None:
        run_id = running(client, settings).id
        canceled_at.append(time.monotonic())
        client.set_flow_run_state(run_id, Cancelling())

    thread = threading.Thread(target=cancel)
    thread.start()
    summary = run(many, settings=replace(settings, wait_seconds=5))
    ended = time.monotonic()
    thread.join()
    assert summary.status is JobStatus.CANCELED
    assert ended - canceled_at[0] < 60
    shown = client.read_flow_run(UUID(summary.job_id))
    assert shown.state is not None
    assert (shown.state.type.value, shown.state.name) == ("CANCELLED", "Cancelled")
    progress = artifacts_of(client, summary.job_id)["import-progress"]
    assert str(progress.description).startswith("canceled while loading")
    assert float(str(progress.data)) < 100
    with Store(settings).reading() as connection:
        assert connection.execute("select count(*) from users").fetchall() == [(0,)]
