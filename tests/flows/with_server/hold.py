"""Hold every process of a worker at a fault point, so that a test can kill it there; `worker.site` has them load this.

A test writes the name of the step into the file `step` of the folder `HOLD_FOLDER`; a process that comes to the step
writes its id into `held` and waits until `step` is gone.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from flows.store import fault_points

POLL_SECONDS = 0.05


def hold(name: str) -> None:
    """Wait at the step as long as a test holds it."""
    folder = Path(os.environ["HOLD_FOLDER"])
    with suppress(FileNotFoundError):
        while (folder / "step").read_text() == name:
            (folder / "held").write_text(str(os.getpid()))
            time.sleep(POLL_SECONDS)


if "HOLD_FOLDER" in os.environ:
    fault_points._listeners.append(hold)
