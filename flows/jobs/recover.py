"""The flow `import-recover`: on a schedule, try the runs of imports again whose worker is gone, and end those that a
person cancelled meanwhile.

Prefect itself ends a run only while the worker lives: a run whose worker was killed stays Running, Pending or
Cancelling for ever. Whether its process lives is known from the lock of the job's folder, so this flow runs where the
jobs run. How a run is tried again is in `flows.import_users.retries`.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from prefect import flow, get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Completed, Crashed, Failed
from pydantic import Field

from flows.import_users.retries import schedule_retry, will_pass
from flows.import_users.run_settings import settings_of_run
from flows.report.artifacts import mask_emails
from flows.report.notices import end_of, notify
from flows.report.prefect import FLOW_NAME, PROCESS_GONE, final_state, job_of
from flows.report.targets import NoticeSettings
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs
from flows.store.jobs import find_job
from schemas.codes import ErrorCode
from schemas.faults import DatabaseFault, JobFault
from schemas.job import DONE, JobSummary

OPEN = ("RUNNING", "PENDING", "CANCELLING", "CRASHED")
CRASHED_SINCE = timedelta(days=1)  # an older crash is a person's concern


@flow(
    name="import-recover",
    description="Try runs of imports again whose worker was killed or stopped, and end those that were cancelled.",
    persist_result=False,
)
async def recover(database: str = "", silent_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60) -> State[None]:
    """Try runs again whose worker is gone.

    Args:
        database: The DuckDB file that the runs import into; empty for the worker's own (IMPORT_DATABASE).
        silent_seconds: How long a run may take to begin its job or to report its end before it counts as lost.

    """
    try:
        settings = settings_of_run(database)
        notices = NoticeSettings.from_environment(os.environ)
        outcomes = recover_runs(settings, notices, silent_seconds=silent_seconds)
    except ValueError as error:  # a variable of the worker
        return Failed(message=str(error))
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    return Completed(message=counts or "no run has lost its worker")


def recover_runs(settings: Settings, notices: NoticeSettings, *, silent_seconds: float) -> Counter[str]:
    """Set the state of every run whose process is gone, and return how many are in each state now."""
    outcomes: Counter[str] = Counter()
    waits = 3 * settings.wait_seconds  # that a job may wait for the database before it has its folder
    before = datetime.now(UTC) - timedelta(seconds=silent_seconds + waits)
    with get_client(sync_client=True) as client:
        for run in _open_runs(client, before=before):
            own = replace(settings, database=Path(str(run.parameters.get("database") or settings.database)))
            try:
                state = _go_on(client, run, before=before, settings=own, notices=notices)
            except DatabaseFault as fault:  # the next time will show
                get_run_logger().warning("%s: %s", run.name, mask_emails(fault.message))
                continue
            if state is not None:
                get_run_logger().info("%s: %s", run.name, state.name)
                outcomes[str(state.name)] += 1
    return outcomes


def _open_runs(client: SyncPrefectClient, *, before: datetime) -> Iterator[FlowRun]:
    """Yield the runs of deployments that have been in a state that a lost worker leaves for long enough."""
    imports = FlowFilter.model_validate({"name": {"any_": [FLOW_NAME]}})
    states = {"state": {"type": {"any_": [*OPEN]}}, "deployment_id": {"is_null_": False}}
    runs = client.read_flow_runs(
        flow_filter=imports,
        flow_run_filter=FlowRunFilter.model_validate(states),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=200,
    )
    for run in runs:
        since = run.state.timestamp if run.state else before
        if run.state is not None and run.state.is_crashed():
            is_lost = since > datetime.now(UTC) - CRASHED_SINCE
        else:
            is_lost = since < before
        if is_lost:
            yield run


def _go_on(
    client: SyncPrefectClient, run: FlowRun, *, before: datetime, settings: Settings, notices: NoticeSettings
) -> State | None:
    """Set the state of a run whose process is gone, and return it; None where it stays as it is, for example because
    its job has ended after `before`: its process may still report that."""
    if JobFolder(settings.jobs_folder / job_of(run)).is_running:
        return None
    summary, state = _find_end(run, settings, notices), run.state
    if summary and _is_reporting(summary, before=before) and not (state and state.is_crashed()):
        return None
    if state is not None and state.is_cancelling():
        return _set(client, run, Cancelled(message=PROCESS_GONE))
    if summary is None or summary.status in DONE or will_pass(summary.fault):
        if retry := schedule_retry(client, run, reason=PROCESS_GONE, settings=settings):
            return retry
        summary = summary if summary and summary.status in DONE else None
    end = final_state(summary) if summary else Crashed(message=PROCESS_GONE)
    return None if state is not None and state.is_crashed() and end.is_crashed() else _set(client, run, end)


def _is_reporting(summary: JobSummary, *, before: datetime) -> bool:
    is_lost = summary.fault is not None and summary.fault["code"] == ErrorCode.JOB_LOST
    return not is_lost and datetime.fromisoformat(summary.finished_at or summary.created_at) > before


def _set(client: SyncPrefectClient, run: FlowRun, state: State) -> State:
    client.set_flow_run_state(run.id, state, force=True)
    return state


def _find_end(run: FlowRun, settings: Settings, notices: NoticeSettings) -> JobSummary | None:
    """Return the job as it ended, after the notices of all that are found to be lost; None if it did not begin."""
    store = Store(settings)
    if not store.path.exists():
        return None
    for lost in end_lost_jobs(store):
        for failure in notify(end_of(lost, database=store.path), notices):
            get_run_logger().warning(failure)
    try:
        return find_job(store, job_of(run))
    except JobFault:
        return None
