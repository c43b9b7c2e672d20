"""Simulate how long an import takes with more workers than this machine has, from rates that were measured on it.

`python -m tests.benchmarks.workers` prints a table by users and workers. Cutting, planning and merging are done by one
process; slices go to whichever worker is free first; all of them read from and write to one shared folder.
"""

import argparse
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from math import ceil

SLICE_USERS = 148_000  # of 454 bytes, in 64 MiB
WORKERS = (1, 2, 4, 8, 16, 32, 64)
LEAST_GAIN = 0.1  # of the time, which twice as many workers must save to pay


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Seconds per million users on one core, unless said otherwise; medians of README.md beside this folder."""

    start: float = 1.0  # seconds until a worker is ready
    cut: float = 0.4
    load: float = 9.0
    plan_and_merge: float = 2.6  # by two cores
    gather: float = 0.01
    shared: float = 0.5  # reading and writing in the shared folder: 454 bytes read, 200 staged, at 1.3 GB/s


def simulate(users: int, *, workers: int, rates: Rates) -> float:
    """Return the seconds of an import by so many workers."""
    millions, slices = users / 1e6, max(1, ceil(users / SLICE_USERS))
    each = millions / slices
    free = [rates.start] * workers
    stored = 0.0  # until when the shared folder is busy
    for _ in range(slices):
        begin = heapq.heappop(free)
        stored = max(stored, begin) + rates.shared * each
        heapq.heappush(free, max(stored, begin + rates.load * each))
    return rates.cut * millions + max(free) + (rates.gather + rates.plan_and_merge) * millions


def most_that_pay(users: int, *, rates: Rates) -> int:
    """Return up to how many workers each doubling saves enough."""
    paying = WORKERS[0]
    for fewer, more in pairwise(WORKERS):
        before, after = (simulate(users, workers=count, rates=rates) for count in (fewer, more))
        if after > before * (1 - LEAST_GAIN):
            break
        paying = more
    return paying


def format_table(counts: Sequence[int], *, rates: Rates) -> Iterator[str]:
    """Yield the lines of a table: the seconds by users and workers."""
    yield f"| users | {' | '.join(map(str, WORKERS))} | pays up to |"
    yield f"| ---: |{' ---: |' * (len(WORKERS) + 1)}"
    for users in counts:
        seconds = (f"{simulate(users, workers=workers, rates=rates):,.0f}" for workers in WORKERS)
        yield f"| {users:,} | {' | '.join(seconds)} | {most_that_pay(users, rates=rates)} |"


def main() -> None:
    """Print the table of the users and rates that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.workers", description=__doc__)
    parser.add_argument("--users", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000, 1_000_000_000])
    for rate in fields(Rates):
        name = f"--{rate.name.replace('_', '-')}"
        parser.add_argument(name, type=float, default=rate.default, help="default: %(default)s")
    given = vars(parser.parse_args())
    users = given.pop("users")
    print("\n".join(format_table(users, rates=Rates(**given))))


if __name__ == "__main__":
    main()
