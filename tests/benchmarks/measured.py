"""Runs a command and prints what it took: a process between, as a child begins with the peak memory of its parent.

`python measured.py COMMAND…` prints one JSON document on stdout; the command's own output goes to stderr. Standard
library only, so that it is small.
"""

import json
import os
import sys
import time
from pathlib import Path

BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq and softirq in the first line of /proc/stat


def main() -> None:
    """Run the command line's command to its end."""
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
    """How long the machine's processors have worked for anybody; 0 where Linux does not say it."""
    try:
        counts = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    return sum(int(counts[at]) for at in BUSY) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
