"""A fork server that runs each operation in a process of its own: modules are imported once, each run is a fork.

`python -m tests.robustness.forked` reads one order a line from standard input and prints the exit code of its process,
negative for a signal. No engine has been used when it forks.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

NOT_REACHED = 10  # exit code of a run that ended before it reached the step
ENDED = 11  # exit code of a run that reached the step and ended normally


@dataclass(frozen=True)
class Order:
    """Run the operation in the folder under the job id; send the signal at the step of that number."""

    operation: str
    folder: str
    job_id: str
    step: int
    signal: int


@dataclass(frozen=True)
class ForkServer:
    """The client's end of the fork server."""

    orders: IO[str]
    answers: IO[str]

    def run(self, order: Order) -> int:
        """Return the exit code of the process that ran the order."""
        self.orders.write(json.dumps(asdict(order)) + "\n")
        self.orders.flush()
        return int(self.answers.readline())


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Run a fork server for the block."""
    command = [sys.executable, "-m", "tests.robustness.forked"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield ForkServer(process.stdin, process.stdout)
        process.stdin.close()


def _run(order: Order) -> int:
    from flows.store.fault_points import on_fault_point  # noqa: PLC0415 - everything heavy is imported by `main`
    from tests.robustness.operations import OPERATIONS, settings_in  # noqa: PLC0415

    reached = 0

    def count(_name: str) -> None:
        nonlocal reached
        reached += 1
        if reached == order.step:
            os.kill(os.getpid(), order.signal)

    with on_fault_point(count):
        OPERATIONS[order.operation].run(settings_in(Path(order.folder)), order.job_id)
    return ENDED if reached >= order.step else NOT_REACHED


def _fork(order: Order) -> int:
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = _run(order)
        except KeyboardInterrupt:
            code = 130
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main() -> None:
    """Fork a process for each order."""
    import tests.robustness.operations  # noqa: F401, PLC0415 - imported once, before any fork

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        sys.stdout.write(f"{_fork(Order(**json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
