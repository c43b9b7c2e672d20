"""The flows about jobs with a real server: what they do, what their pages show, and what Prefect does not keep."""

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter
from prefect.client.schemas.objects import FlowRun, State

from flows.jobs.from_prefect import find_user, undo_job, write_rejects_of_job
from flows.jobs.purge import purge
from flows.settings import Settings
from tests.flows.importing import import_records, query_rows
from tests.flows.with_server.test_import_users import artifacts_of

RECORDS = [{"email": "ann.places@example.com", "user_id": "u-1"}, {"email": "no address"}]


def run_of(client: SyncPrefectClient, name: str) -> FlowRun:
    """Return the only run of a flow."""
    (run,) = client.read_flow_runs(flow_filter=FlowFilter.model_validate({"name": {"any_": [name]}}))
    return run


def end_of(call: Awaitable[State[Any]]) -> State[Any]:
    """Return the final state of a flow."""

    async def run() -> State[Any]:
        return await call

    return asyncio.run(run())


def message_of(state: State[Any], kind: str = "COMPLETED") -> str:
    assert state.type.value == kind
    return str(state.message)


@pytest.mark.slow
def test_jobs_are_looked_at_and_undone_from_the_pages(client: SyncPrefectClient, settings: Settings) -> None:
    job = import_records(settings, RECORDS, name="7" * 8 + "-1111-4111-8111-111111111111").job_id
    database = str(settings.database)

    state = end_of(write_rejects_of_job(job, database=database, return_state=True))
    path = settings.jobs_folder / job / "rejects.ndjson"
    assert message_of(state).startswith(f"1 refused record written to {path} on ")
    assert json.loads(path.read_text())["email"] == "no address"
    assert path.stat().st_mode & 0o777 == 0o600
    page = str(artifacts_of(client, str(run_of(client, "import-rejects").id))["import-rejects"].data)
    assert f"python -m flows.import_users {path} --mode upsert --database {database}" in page

    state = end_of(find_user("ann.places@example.com", "email", database=database, return_state=True))
    assert message_of(state).startswith("would be erased: ")
    run = run_of(client, "import-forget")
    assert run.parameters["user"] == "***"
    page = str(artifacts_of(client, str(run.id))["import-forget"].data)
    assert "| users | 1 rows |" in page
    assert "ann.places" not in page

    assert message_of(end_of(undo_job(job, database=database, return_state=True))).startswith("dry run, nothing")
    assert query_rows(settings, "select count(*) from users") == [(1,)]
    state = end_of(undo_job(job, database=database, dry_run=False, return_state=True))
    assert message_of(state) == "1 user reverted, 0 kept because of later changes"
    assert query_rows(settings, "select count(*) from users") == [(0,)]

    state = end_of(undo_job("nosuch", database=database, return_state=True))
    assert message_of(state, "FAILED") == "there is no job nosuch (JOB_NOT_FOUND)"
    assert message_of(end_of(purge(database=database, days=0, dry_run=True, return_state=True))).startswith("3 jobs")


@pytest.mark.usefixtures("client")
def test_a_missing_database_is_a_failed_run_with_its_page(client: SyncPrefectClient, tmp_path: Path) -> None:
    state = end_of(find_user("nobody", database=str(tmp_path / "none.duckdb"), return_state=True))
    assert message_of(state, "FAILED").endswith("(DATABASE_UNREADABLE)")
    run_id = UUID(str(state.state_details.flow_run_id))
    assert "# Forget: failed" in str(artifacts_of(client, str(run_id))["import-forget"].data)
