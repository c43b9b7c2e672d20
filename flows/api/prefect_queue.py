"""Requested jobs as runs of the deployment `import-users/import-users`, where `PREFECT_API_URL` and it are there."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from flows.import_users.arguments import to_form
from flows.jobs.queued import ENDED, call_prefect, fault_of
from flows.store.job_folder import JobFolder
from flows.store.requests.queue import end_request
from flows.store.requests.request import JobRequest

DEPLOYMENT = "import-users/import-users"
CHECK_SECONDS = 5.0
SILENT_SECONDS = 60.0  # an API that did not take a run is left alone for that long


@dataclass
class PrefectQueue:
    """The queue of Prefect, as far as it answers."""

    _silent_until: float = 0.0
    _checked: dict[str, float] = field(default_factory=dict)

    def submit(self, request: JobRequest, folder: JobFolder, *, database: Path) -> str | None:
        """Return the id of the run that Prefect has taken for the job, the same for the same job; None if it takes
        none, so that the job needs a process of its own."""
        if request.kind != "import" or not os.environ.get("PREFECT_API_URL") or time.monotonic() < self._silent_until:
            return None
        with suppress(Exception):  # whatever it answers, the job runs without it
            deployment = call_prefect("GET", f"deployments/name/{DEPLOYMENT}")["id"]
            form = {**to_form(request.to_options(folder)), "database": str(database), "job_id": request.job_id}
            body = {"parameters": form, "idempotency_key": request.job_id}
            return str(call_prefect("POST", f"deployments/{deployment}/create_flow_run", body)["id"])
        self._silent_until = time.monotonic() + SILENT_SECONDS
        return None

    def check(self, folder: JobFolder, request: JobRequest) -> None:
        """End the job if its run has ended before the job began."""
        run_id = request.flow_run_id
        if run_id is None or time.monotonic() < self._checked.get(run_id, 0.0) + CHECK_SECONDS:
            return
        self._checked[run_id] = time.monotonic()
        with suppress(Exception):
            state = str(call_prefect("GET", f"flow_runs/{run_id}")["state_type"])
            if fault := fault_of(state):
                end_request(folder, ENDED[state], fault)
