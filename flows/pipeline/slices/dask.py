"""Load slices on Dask: in a cluster of this machine, or by the scheduler of an address, whose workers see the files.

Dask may run a finished task again: it then answers with the manifest that it has.
"""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, TypeVar

from flows.pipeline.slices.runners import MOST_TRIES, POLL_SECONDS, given_up
from flows.store.resources import available_processors
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault

if TYPE_CHECKING:
    from distributed import Client, Future

Order = TypeVar("Order")
Result = TypeVar("Result")
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Dask:
    """The workers of a Dask scheduler; without an address, as many as this machine has processors."""

    address: str = ""

    def run(
        self,
        task: Callable[[Order], Result],
        orders: Sequence[Order],
        *,
        again: Callable[[Order], Order],
        waiting: Callable[[], None],
    ) -> Generator[Result, None, None]:
        """Yield the result of each order, as they come; `again`, `waiting` and what is raised are those of `Processes`.
        Raise `JobFault` if no scheduler answers, too."""
        with self._connect() as client:
            left, tries = dict(enumerate(orders)), Counter[int]()
            futures = {number: client.submit(task, order, pure=False) for number, order in left.items()}
            try:
                while futures:
                    waiting()
                    sleep(POLL_SECONDS)
                    if client.status == "closed":  # it waited for the scheduler in vain
                        raise self._no_answer("does not answer any more")
                    if client.status != "running":  # what it held is lost, but not the manifests
                        continue
                    for number, future in [*futures.items()]:
                        if not future.done():
                            continue
                        if (result := _result_of(future, tries, number)) is not None:
                            del futures[number]
                            yield result
                        else:
                            left[number] = again(left[number])
                            futures[number] = client.submit(task, left[number], pure=False)
            finally:
                if client.status == "running":
                    client.cancel([*futures.values()])

    def _connect(self) -> "Client":
        try:
            from distributed import Client, LocalCluster  # noqa: PLC0415 - an extra

            if self.address:
                return Client(self.address, timeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
            cluster = LocalCluster(  # type: ignore[no-untyped-call] # Dask types only a part of itself
                n_workers=available_processors(), threads_per_worker=1, dashboard_address=None
            )
            return Client(cluster)  # type: ignore[no-untyped-call]
        except ImportError:
            hint = "install it: pip install 'user-import[dask]'"
            raise JobFault(ErrorCode.RUNNER_UNAVAILABLE, "Dask is not installed", hint) from None
        except OSError:
            raise self._no_answer("does not answer") from None

    def _no_answer(self, what: str) -> JobFault:
        hint = "start it, correct IMPORT_TASK_RUNNER, or set it to none; `jobs resume JOB` takes up what is loaded"
        return JobFault(ErrorCode.RUNNER_UNAVAILABLE, f"the Dask scheduler at {self.address} {what}", hint)


def _result_of(future: "Future[Result]", tries: Counter[int], number: int) -> Result | None:
    """Return the result of a task that has ended; None if it failed and may be tried again."""
    try:
        return future.result()
    except Fault:
        raise
    except Exception as error:
        tries[number] += 1
        if tries[number] >= MOST_TRIES:
            raise given_up(error, is_killed=type(error).__name__ == "KilledWorker") from error
        return None
