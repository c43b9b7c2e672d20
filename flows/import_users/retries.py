"""Which runs of a deployment go on later, and how: those whose fault will pass, whose worker is gone, or that a person
suspended.

Prefect runs such a run again under its own id, in a new process: a new attempt of its job. A flow's own `retries` would
repeat every failure, and hold a process while they wait.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry

from flows.pipeline.stop import A_SIGNAL, canceled_by, on_signals
from flows.report.artifacts import mask_emails
from flows.report.deadline import call_within
from flows.report.prefect import API_ERRORS, is_suspended
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import Fault
from schemas.job import FaultRecord, fault_record

PASSING = (
    ErrorCode.DATABASE_BUSY,
    ErrorCode.JOB_LOST,
    ErrorCode.JOB_RUNNING,
    ErrorCode.PREFECT_UNAVAILABLE,
    ErrorCode.TOO_MANY_JOBS,
)
OWN_RETRY = "Tried again by itself"
ANSWER_SECONDS = 10.0
GROWTH = 5  # of the delay from one retry to the next


def will_pass(fault: FaultRecord | None) -> bool:
    """Return whether another attempt may succeed without a change of the sources, the options or the machine."""
    stopped = canceled_by(A_SIGNAL)
    return fault is not None and (fault["code"] in PASSING or fault == fault_record(stopped))


def leave_if_run_goes_on(run: FlowRun, fault: Fault | FaultRecord | None, *, settings: Settings) -> None:
    """Raise Prefect's `Pause`, with which the process ends and the run does not, if the run goes on later: it was
    suspended, or its deployment tries it again. An API that is silent is not waited for."""
    found = fault_record(fault) if isinstance(fault, Fault) else fault
    if found is None or run.deployment_id is None:
        return
    with on_signals(lambda: None):
        try:
            state = call_within(ANSWER_SECONDS, partial(_later_state, run, found, settings))
        except (TimeoutError, *API_ERRORS):
            return
    if state is not None:
        raise Pause(state=state)


def schedule_retry(client: SyncPrefectClient, run: FlowRun, *, reason: str, settings: Settings) -> State | None:
    """Schedule another attempt of the run and return the state that it is in; None if it was tried often enough or is
    being cancelled."""
    tried = _count_own_retries(client.read_flow_run_states(run.id))
    if tried >= settings.retries:
        return None
    delay = timedelta(seconds=settings.retry_seconds * GROWTH**tried)
    message = f"{OWN_RETRY} ({tried + 1:,} of {settings.retries:,}): {mask_emails(reason)}"
    state: State[None] = AwaitingRetry(scheduled_time=datetime.now(UTC) + delay, message=message)
    answer = client.set_flow_run_state(run.id, state)
    return state if answer.status is SetStateStatus.ACCEPT else None


def _later_state(run: FlowRun, fault: FaultRecord, settings: Settings) -> State | None:
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run.id).state
        if state is not None and is_suspended(state):
            return state
        if state is None or not state.is_running() or not will_pass(fault):
            return None
        reason = f"{fault['message']} ({fault['code']})"
        return schedule_retry(client, run, reason=reason, settings=settings)


def _count_own_retries(states: Sequence[State]) -> int:
    """Count the retries since the run was created, or since a person retried it."""
    retries = [state.message or "" for state in states if state.name == "AwaitingRetry"]
    by_person = [number for number, message in enumerate(retries, 1) if not message.startswith(OWN_RETRY)]
    return len(retries) - max(by_person, default=0)
