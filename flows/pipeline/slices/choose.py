"""How many processes load the sources of a job: those that are asked for, else what the machine has if that pays."""

import os

from flows.readers.limits import MIB
from flows.settings import Settings

AUTO_BYTES = 256 * MIB  # of the sources, from which on it pays to start processes
AUTO_PROCESSORS = 3  # two are used by one process as well as by two


def count_workers(settings: Settings, *, source_bytes: int) -> int:
    """Return the number of worker processes for sources of that size; 0 for none."""
    kind, _, count = settings.task_runner.partition(":")
    if kind == "processes":
        return int(count)
    processors = available_processors()
    pays = processors >= AUTO_PROCESSORS and source_bytes >= AUTO_BYTES
    return processors if kind == "auto" and pays else 0


def available_processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))
