"""A signal says who stopped the job: the worker of a cancelled run sends one, too."""

import time
from collections.abc import Callable

import pytest

from flows.import_users import prefect_run
from flows.import_users.prefect_run import stop_by_signal
from flows.pipeline.stop import Stop
from flows.settings import Settings


def fail() -> bool:
    time.sleep(60)
    return True


@pytest.mark.parametrize(("ask", "who"), [(lambda: True, "Prefect"), (lambda: False, "a signal"), (fail, "a signal")])
def test_signal_names_prefect_only_where_it_cancelled_the_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, ask: Callable[[], bool], who: str
) -> None:
    monkeypatch.setattr(prefect_run, "ANSWER_SECONDS", 0.2)
    stop = Stop.for_job(settings, job_id="11111111-1111-4111-8111-111111111111")
    stop_by_signal(stop, ask)
    assert stop.fault is not None
    assert stop.fault.message == f"the job was canceled by {who}"
