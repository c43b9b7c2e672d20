"""Named steps of a job at which tests count, wait or raise; without a listener they do nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]
_listeners: list[Listener] = []


def fault_point(name: str) -> None:
    """Call the listeners before the step of that name."""
    for listener in _listeners:
        listener(name)


@contextmanager
def on_fault_point(listener: Listener) -> Iterator[None]:
    """Call the listener before every step of this process within the block; it may raise."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
