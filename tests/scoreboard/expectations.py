"""A task, and what its trip must be."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.scoreboard.trips import Task, Trip


@dataclass(frozen=True)
class Expected:
    """A task and the judgement of its trip, which says what is wrong, if anything is."""

    task: Task
    judge: Callable[[Trip], str]
    label: str = ""


def any_end(trip: Trip) -> str:
    """Nothing is expected but an end."""
    return "" if trip.status in ("read", "refused") else trip.status
