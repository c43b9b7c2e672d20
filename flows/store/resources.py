"""Check that the limits of the process leave what a command needs, before an engine loads that would abort without it.

Nothing here imports an engine.
"""

import os
import resource

from schemas.codes import ErrorCode
from schemas.faults import JobFault

JOB_BYTES = 2_500_000_000  # of addresses: aborted with 2.0, imported 400,000 rows with 2.3
PREFECT_BYTES = 3_000_000_000
QUERY_BYTES = 1_600_000_000  # for a command that only reads the database
PROCESSOR_BYTES = 150_000_000  # for the threads of each processor beyond two
FILES = 48  # open at once: an import needs 16 of them, and one with Prefect runs with this many


def require_resources(address_bytes: int) -> None:
    """Raise `JobFault` unless `ulimit` allows the process so many bytes of addresses, and files enough."""
    needed = address_bytes + PROCESSOR_BYTES * max(0, (os.cpu_count() or 2) - 2)
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < needed:
        message = f"the process is limited to {limit / 1e9:.1f} GB of address space, and needs {needed / 1e9:.1f} GB"
        hint = f"allow more with `ulimit -v {needed // 1024}` or `ulimit -v unlimited`; nothing was changed"
        raise JobFault(ErrorCode.OUT_OF_MEMORY, message, hint)
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < FILES:
        if most != resource.RLIM_INFINITY and most < FILES:
            message = f"the process is limited to {most} open files, and needs {FILES}"
            raise JobFault(ErrorCode.DATABASE_UNREADABLE, message, f"allow more with `ulimit -n {FILES}`")
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))


def available_processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))
