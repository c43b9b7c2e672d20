"""The fault ladder: every step of every operation is broken in every way, and nothing may be lost or left behind.

`python -m tests.robustness.ladder [--operation NAME]… [--way NAME]…` climbs all of it and prints how many points held.
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
from tests.robustness.examined import Images, found_in, kept_in, leftovers, violations
from tests.robustness.forked import NOT_REACHED, Forks, Order, forks
from tests.robustness.operations import OPERATIONS, settings_in

Break = Callable[[str, Path, str, int], bool]  # operation, folder, job id, step: whether the step was reached


@dataclass
class Breaker:
    """A listener that raises at the step of a number, and ever after where it is the disk that breaks."""

    step: int
    error: Callable[[], BaseException]
    for_good: bool = False
    reached: int = 0

    def __call__(self, _name: str) -> None:
        self.reached += 1
        if self.reached == self.step or (self.for_good and self.reached > self.step):
            raise self.error()


def _disk_full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def broken_in_process(breaker: Breaker, operation: str, folder: Path, job_id: str) -> bool:
    """Run the operation with the breaker; whether its step was reached."""
    with on_fault_point(breaker), suppress(Exception):  # before a job begins its fault is the caller's
        OPERATIONS[operation].run(settings_in(folder), job_id)
    return breaker.reached >= breaker.step


def raising(operation: str, folder: Path, job_id: str, step: int) -> bool:
    """An exception at the step."""
    return broken_in_process(Breaker(step, lambda: RuntimeError("broken")), operation, folder, job_id)


def full_disk(operation: str, folder: Path, job_id: str, step: int) -> bool:
    """A full disk from the step on."""
    return broken_in_process(Breaker(step, _disk_full, for_good=True), operation, folder, job_id)


def signalled(number: signal.Signals, through: Forks) -> Break:
    """A signal at the step, in a process of its own."""

    def send(operation: str, folder: Path, job_id: str, step: int) -> bool:
        return through.run(Order(operation, str(folder), job_id, step, number)) != NOT_REACHED

    return send


@dataclass(frozen=True)
class Start:
    """A prepared folder to copy for each point, and the users before and after the operation."""

    operation: str
    folder: Path
    images: Images
    kept: tuple[object, ...] | None  # where the operation is no job: what there is after it

    def copied(self, name: str) -> Path:
        """A copy to break."""
        return Path(shutil.copytree(self.folder, self.folder.parent / name))


def started(operation: str, folder: Path) -> Start:
    """Prepare the operation in the folder and run it once, unbroken."""
    begin = folder / "start"
    begin.mkdir(mode=0o700)
    OPERATIONS[operation].prepare(settings_in(begin))
    before = found_in(settings_in(begin)).users
    whole = Path(shutil.copytree(begin, folder / "whole"))
    OPERATIONS[operation].run(settings_in(whole), str(uuid.uuid4()))
    images = Images(before, found_in(settings_in(whole)).users)
    is_job = OPERATIONS[operation].is_job
    assert images.before != images.after or not is_job
    return Start(operation, begin, images, None if is_job else kept_in(settings_in(whole)))


def point(start: Start, break_at: Break, step: int) -> list[str] | None:
    """What is wrong after the operation was broken at the step and then run again; none when there is no such step."""
    folder = start.copied(f"point-{step}")
    settings, job_id = settings_in(folder), str(uuid.uuid4())
    try:
        if not break_at(start.operation, folder, job_id, step):
            return None
        wrong = [*violations(settings, None if start.kept else job_id, start.images, killed=True)]
        OPERATIONS[start.operation].run(settings, str(uuid.uuid4()))
        if found_in(settings).users != start.images.after or start.kept not in (None, kept_in(settings)):
            wrong.append("run again, the operation did not come to its end")
        return [*wrong, *leftovers(settings)]
    finally:
        shutil.rmtree(folder)


def climb(start: Start, break_at: Break) -> Iterator[tuple[int, list[str]]]:
    """Each step of the operation, with what is wrong after it was broken there."""
    for step in count(1):
        wrong = point(start, break_at, step)
        if wrong is None:
            return
        yield step, wrong


def ways(through: Forks) -> Mapping[str, Break]:
    """How a step is broken."""
    return {
        "raise": raising,
        "full disk": full_disk,
        "SIGKILL": signalled(signal.SIGKILL, through),
        "SIGINT": signalled(signal.SIGINT, through),
    }


def main() -> int:
    """Climb what is asked for; 1 when anything is wrong."""
    parse = argparse.ArgumentParser(prog="python -m tests.robustness.ladder", description=__doc__)
    parse.add_argument("--operation", action="append", choices=[*OPERATIONS])
    parse.add_argument("--way", action="append")
    asked = parse.parse_args()
    points = wrong = 0
    with forks() as through:
        for operation in asked.operation or OPERATIONS:
            with tempfile.TemporaryDirectory() as folder:
                start = started(operation, Path(folder))
                for way, break_at in ways(through).items():
                    if asked.way and way not in asked.way:
                        continue
                    steps = 0
                    for step, found in climb(start, break_at):
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
