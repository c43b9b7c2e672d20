"""Runs a command and prints what it took: a process between, as a child begins with the peak memory of its parent.

`python measured.py COMMAND…` prints one JSON document on stdout; the command's own output goes to stderr. Standard
library only, so that it is small.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the command line's command to its end."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)
        os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - a command of the registry
    _, status, used = os.wait4(child, 0)
    print(
        json.dumps(
            {
                "exit_code": os.waitstatus_to_exitcode(status),
                "wall_seconds": time.perf_counter() - began,
                "cpu_seconds": used.ru_utime + used.ru_stime,
                "peak_bytes": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
