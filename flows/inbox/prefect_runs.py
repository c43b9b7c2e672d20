"""The Prefect runs of an inbox: end those whose process is gone, and show on the page of a run what it did.

The ids of runs are noted in the lock file of the folder: whoever holds the lock knows that the earlier ones are over.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.states import Crashed

from flows.inbox.folder import LOCK_NAME, Inbox
from flows.inbox.importing import InboxResult
from flows.report.artifacts import WITH_ERRORS
from flows.report.deadline import call_within
from flows.report.prefect import API_ERRORS, PROCESS_GONE, FlowRunClient
from flows.store.job_folder import JOB_ID
from flows.store.private_files import open_regular
from schemas.job import JobStatus

Answer = TypeVar("Answer")
API_SECONDS = 5.0


def end_lost_runs(inbox: Inbox, run_id: UUID) -> None:
    """Set the noted runs to Crashed that have not ended, with the runs of their files, and note this run.
    Call it with the folder locked: their process is gone. Those that Prefect could not be told of stay noted."""
    number = open_regular(inbox.path / LOCK_NAME, os.O_RDWR)
    with os.fdopen(number, "r+", encoding="utf-8", errors="replace") as file:
        noted = [UUID(line) for line in file.read().split() if JOB_ID.fullmatch(line)]
        left = [noted_id for noted_id in noted if not _ask(False, partial(_end_run, run_id=noted_id, own=run_id))]
        file.seek(0)
        file.truncate()
        file.writelines(f"{noted_id}\n" for noted_id in {*left, run_id})


def is_canceling(run_id: UUID) -> bool:
    """Return whether a person cancels the run in Prefect; false if Prefect does not answer."""

    def read(client: SyncPrefectClient) -> bool:
        state = client.read_flow_run(run_id).state
        return state is not None and (state.is_cancelling() or state.is_cancelled())

    return _ask(False, read)


def show_result(run_id: UUID, result: InboxResult) -> None:
    """Add the counts as labels, the tag of a run with errors, and tables of the files and of what waits."""

    def write(client: SyncPrefectClient) -> None:
        labels = {f"import.{name}": count for name, count in result.rows.items()}
        client.update_flow_run_labels(run_id, {**labels, "import.status": result.status.value})
        if result.status is JobStatus.COMPLETED_WITH_ERRORS:
            client.update_flow_run(run_id, tags=sorted({*client.read_flow_run(run_id).tags, WITH_ERRORS}))
        for name, rows in (("files", result.files), ("waiting", result.waiting)):
            if rows:
                FlowRunClient(client, run_id).create_table(
                    f"inbox-{name}", result.document[name], f"{len(rows):,} {name}"
                )

    _ask(None, write)


def _end_run(client: SyncPrefectClient, run_id: UUID, *, own: UUID) -> bool:
    """Set a run and those of its files to Crashed, where they have not ended; true once Prefect has answered."""
    alive = {"type": {"any_": ["RUNNING", "CANCELLING"]}}
    of_files = FlowRunFilter.model_validate({"parent_flow_run_id": {"any_": [run_id]}, "state": alive})
    of_itself = FlowRunFilter.model_validate({"id": {"any_": [run_id]}, "state": alive})
    for runs in (of_files, of_itself):
        for run in client.read_flow_runs(flow_run_filter=runs):
            if run.id != own:
                client.set_flow_run_state(run.id, Crashed(message=PROCESS_GONE), force=True)
    return True


def _ask(otherwise: Answer, call: Callable[[SyncPrefectClient], Answer]) -> Answer:
    """Return what a call to Prefect returns, or the other value if Prefect does not answer in time."""

    def connect() -> Answer:
        with get_client(sync_client=True) as client:
            return call(client)

    with suppress(TimeoutError, *API_ERRORS):
        return call_within(API_SECONDS, connect)
    return otherwise
