"""What loads the sources of a job: what is asked for, else as many processes as the machine has if that pays."""

from typing import TYPE_CHECKING

from flows.readers.limits import MIB
from flows.settings import Settings
from flows.store.resources import available_processors

if TYPE_CHECKING:
    from flows.pipeline.slices.dask import Dask
    from flows.pipeline.slices.runners import Processes

AUTO_BYTES = 256 * MIB  # of the sources, from which on it pays to start processes
AUTO_PROCESSORS = 3  # two are used by one process as well as by two


def choose_runner(settings: Settings, *, source_bytes: int) -> "Processes | Dask | None":
    """Return what loads the slices of sources of that size; None for this process."""
    if settings.task_runner.startswith("dask"):
        from flows.pipeline.slices.dask import Dask  # noqa: PLC0415 - few jobs need it

        return Dask(settings.task_runner.partition("=")[2])
    count = count_processes(settings, source_bytes=source_bytes)
    if not count:
        return None
    from flows.pipeline.slices.runners import Processes  # noqa: PLC0415 - most jobs need one process

    return Processes(count)


def count_processes(settings: Settings, *, source_bytes: int) -> int:
    """Return the number of worker processes for sources of that size; 0 for none."""
    kind, _, count = settings.task_runner.partition(":")
    if kind == "processes":
        return int(count)
    processors = available_processors()
    pays = processors >= AUTO_PROCESSORS and source_bytes >= AUTO_BYTES
    return processors if kind == "auto" and pays else 0
