"""The fault ladder: break every operation at every fault point in every way; nothing may be lost or left behind.

`python -m tests.robustness.ladder [--operation NAME]… [--way NAME]…` prints how many points were tried and violated.
"""

import argparse
import errno
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from flows.store.fault_points import on_fault_point
from tests.robustness.forked import NOT_REACHED, ForkServer, Order, fork_server
from tests.robustness.invariants import Images, leftovers, read_kept, read_state, violations
from tests.robustness.operations import OPERATIONS, settings_in

Break = Callable[[str, Path, str, int], bool]  # operation, folder, job id, step → whether the step was reached


@dataclass
class Breaker:
    """A listener that raises at the step of a number; at every later step, too, if the fault is permanent."""

    step: int
    error: Callable[[], BaseException]
    is_permanent: bool = False
    reached: int = 0

    def __call__(self, _name: str) -> None:
        self.reached += 1
        if self.reached == self.step or (self.is_permanent and self.reached > self.step):
            raise self.error()


def _disk_full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def run_broken(breaker: Breaker, operation: str, folder: Path, job_id: str) -> bool:
    """Run the operation with the breaker and return whether its step was reached."""
    with on_fault_point(breaker), suppress(Exception):  # before a job begins its fault is the caller's
        OPERATIONS[operation].run(settings_in(folder), job_id)
    return breaker.reached >= breaker.step


def raise_at(operation: str, folder: Path, job_id: str, step: int) -> bool:
    """Raise an exception at the step."""
    return run_broken(Breaker(step, lambda: RuntimeError("broken")), operation, folder, job_id)


def fill_disk_at(operation: str, folder: Path, job_id: str, step: int) -> bool:
    """Fail every write to the disk from the step on."""
    return run_broken(Breaker(step, _disk_full, is_permanent=True), operation, folder, job_id)


def signal_at(number: signal.Signals, server: ForkServer) -> Break:
    """Return what sends a signal at the step, in a process of its own."""

    def send(operation: str, folder: Path, job_id: str, step: int) -> bool:
        return server.run(Order(operation, str(folder), job_id, step, number)) != NOT_REACHED

    return send


@dataclass(frozen=True)
class Start:
    """A prepared folder to copy for each step, and the users before and after the operation."""

    operation: str
    folder: Path
    images: Images
    kept: tuple[object, ...] | None  # where the operation is not a job: what it leaves

    def copy_to(self, name: str) -> Path:
        """Return a copy of the folder, to run the operation in."""
        return Path(shutil.copytree(self.folder, self.folder.parent / name))


def prepare(operation: str, folder: Path) -> Start:
    """Prepare the operation in the folder and run it once without a fault."""
    begin = folder / "start"
    begin.mkdir(mode=0o700)
    OPERATIONS[operation].prepare(settings_in(begin))
    before = read_state(settings_in(begin)).users
    whole = Path(shutil.copytree(begin, folder / "whole"))
    OPERATIONS[operation].run(settings_in(whole), str(uuid.uuid4()))
    images = Images(before, read_state(settings_in(whole)).users)
    is_job = OPERATIONS[operation].is_job
    assert images.before != images.after or not is_job
    return Start(operation, begin, images, None if is_job else read_kept(settings_in(whole)))


def break_once(start: Start, break_at: Break, step: int) -> list[str] | None:
    """Return the violations after the operation was broken at the step and run again; None if it has no such step."""
    folder = start.copy_to(f"point-{step}")
    settings, job_id = settings_in(folder), str(uuid.uuid4())
    try:
        if not break_at(start.operation, folder, job_id, step):
            return None
        wrong = [*violations(settings, None if start.kept else job_id, start.images, killed=True)]
        OPERATIONS[start.operation].run(settings, job_id)  # the next attempt of the same job
        wrong += [] if start.kept else violations(settings, job_id, start.images, killed=False)
        OPERATIONS[start.operation].run(settings, str(uuid.uuid4()))
        if read_state(settings).users != start.images.after or start.kept not in (None, read_kept(settings)):
            wrong.append("run again, the operation did not complete")
        return [*wrong, *leftovers(settings)]
    finally:
        shutil.rmtree(folder)


def break_everywhere(start: Start, break_at: Break) -> Iterator[tuple[int, list[str]]]:
    """Yield each step of the operation with the violations after it was broken there."""
    for step in count(1):
        wrong = break_once(start, break_at, step)
        if wrong is None:
            return
        yield step, wrong


def ways(server: ForkServer) -> Mapping[str, Break]:
    """Return the ways to break a step, by name."""
    return {
        "raise": raise_at,
        "full disk": fill_disk_at,
        "SIGKILL": signal_at(signal.SIGKILL, server),
        "SIGINT": signal_at(signal.SIGINT, server),
    }


def main() -> int:
    """Break what the arguments name; return 1 if there is any violation."""
    parse = argparse.ArgumentParser(prog="python -m tests.robustness.ladder", description=__doc__)
    parse.add_argument("--operation", action="append", choices=[*OPERATIONS])
    parse.add_argument("--way", action="append")
    arguments = parse.parse_args()
    points = wrong = 0
    with fork_server() as server:
        for operation in arguments.operation or OPERATIONS:
            with tempfile.TemporaryDirectory() as folder:
                start = prepare(operation, Path(folder))
                for way, break_at in ways(server).items():
                    if arguments.way and way not in arguments.way:
                        continue
                    steps = 0
                    for step, found in break_everywhere(start, break_at):
                        steps += 1
                        wrong += bool(found)
                        for sentence in found:
                            sys.stdout.write(f"  {operation}, {way} at step {step}: {sentence}\n")
                    points += steps
                    sys.stdout.write(f"{operation}, {way}: {steps} steps\n")
                    sys.stdout.flush()
    sys.stdout.write(f"{points} points, {wrong} violations\n")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
