"""Wait for a call no longer than some seconds, whatever it waits for: a name server, a handshake or a byte a second."""

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

Result = TypeVar("Result")
POLL_SECONDS = 0.25


def in_thread(call: Callable[[], Result]) -> "Future[Result]":
    """Begin the call in a thread of its own, which does not keep the process from ending."""
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            outcome.set_exception(error)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    return outcome


def call_within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return what the call returns and raise what it raises; raise `TimeoutError` if that takes longer.
    A call that is too slow is left to its thread."""
    return wait_within(seconds, in_thread(call))


def wait_within(seconds: float, outcome: "Future[Result]") -> Result:
    """Return or raise what a call in a thread does; raise `TimeoutError` if that takes longer."""
    deadline = time.monotonic() + seconds
    while not outcome.done() and (left := deadline - time.monotonic()) > 0:
        wait([outcome], timeout=min(left, POLL_SECONDS))  # in short steps, between which a signal is handled
    return outcome.result(timeout=0)
