"""Run a command and print its time and memory.

`python measured.py COMMAND…` prints one JSON document on stdout; the command's own output goes to stderr. This is a
process of its own because the peak memory of a child starts at that of its parent; it imports only the standard
library, to be small.
"""

import json
import os
import sys
import time
from pathlib import Path

BUSY = (0, 1, 2, 5, 6)  # columns user, nice, system, irq and softirq in the first line of /proc/stat


def main() -> None:
    """Run the command of the arguments and print its measurement."""
    began, busy = time.perf_counter(), busy_seconds()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - a command of the registry
    _, status, used = os.wait4(child, 0)
    wall, own = time.perf_counter() - began, used.ru_utime + used.ru_stime
    print(
        json.dumps(
            {
                "exit_code": os.waitstatus_to_exitcode(status),
                "wall_seconds": wall,
                "cpu_seconds": own,
                "others_share": max(busy_seconds() - busy - own, 0) / wall / (os.cpu_count() or 1),
                "peak_bytes": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            }
        )
    )


def busy_seconds() -> float:
    """Return the seconds for which the processors of the machine have been busy; 0 where `/proc/stat` is missing."""
    try:
        counts = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    return sum(int(counts[column]) for column in BUSY) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
