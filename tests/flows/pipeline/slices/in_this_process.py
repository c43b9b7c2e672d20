"""Runners that load slices in the process of the test, one after the other."""

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from flows.pipeline.slices.dask import Dask
from flows.pipeline.slices.runners import Processes

Order = TypeVar("Order")
Result = TypeVar("Result")


class _InThisProcess:
    def run(
        self,
        task: Callable[[Order], Result],
        orders: Sequence[Order],
        *,
        again: Callable[[Order], Order],  # noqa: ARG002 - nothing is tried again
        waiting: Callable[[], None],
    ) -> Generator[Result, None, None]:
        """Yield the result of each order."""
        for order in orders:
            waiting()
            yield task(order)


class InThisProcess(_InThisProcess, Processes):
    """Worker processes that are this one."""


class DaskInThisProcess(_InThisProcess, Dask):
    """Workers of a scheduler that are not on another machine, but in this process, where a store in memory is."""
