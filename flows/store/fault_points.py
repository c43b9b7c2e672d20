"""The steps of a job by name, so that a test can count them and break the job at each; nobody else listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]
_listeners: list[Listener] = []


def fault_point(name: str) -> None:
    """Tell the listeners that the step is about to be taken."""
    for listener in _listeners:
        listener(name)


@contextmanager
def on_fault_point(listener: Listener) -> Iterator[None]:
    """Within the block the listener hears of every step of this process; it may raise."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
