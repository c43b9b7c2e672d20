"""Runs one tool on one file into a database of its own and says what that took."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import measured
from tests.benchmarks.tools import Tool

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = (0, 3)  # 3: done, some rows refused


class ToolFailedError(Exception):
    """A tool ended with an exit code that is none of success."""


@dataclass(frozen=True)
class Taken:
    """What one run took."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int  # of the largest process
    others_share: float  # of the machine's processors that other processes used meanwhile


def run(tool: Tool, file: Path, *, database: Path, mode: str, base: Path | None = None) -> Taken:
    """Run the tool on the file, into a copy of `base` or a new database.

    Raises:
        ToolFailedError: it did not end well; with the end of what it printed.

    """
    shutil.rmtree(database.parent, ignore_errors=True)
    database.parent.mkdir(parents=True)
    if base is not None:
        shutil.copyfile(base, database)
    os.sync()  # what was written before is not to be the tool's time
    command = [sys.executable, measured.__file__, *tool.command(file, database=database, mode=mode)]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}
    )
    taken = json.loads(done.stdout)
    if taken.pop("exit_code") not in GOOD:
        raise ToolFailedError(f"{tool.name}: {done.stderr[-2000:]}")
    return Taken(**taken)
