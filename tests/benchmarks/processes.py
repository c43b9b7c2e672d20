"""Run one tool on one file, into a database of its own, and measure it."""

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
SUCCESS = (0, 3)  # exit codes; 3: completed, some rows refused


class ToolFailedError(Exception):
    """A tool ended with an exit code other than `SUCCESS`."""


@dataclass(frozen=True)
class Measurement:
    """Time and memory of one run."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int  # of the largest process
    others_share: float  # of the processors' time, used by other processes during the run


def run_tool(tool: Tool, file: Path, *, database: Path, mode: str, base: Path | None = None) -> Measurement:
    """Run the tool on the file, into a copy of `base` or a new database.

    Raises:
        ToolFailedError: the tool failed; with the end of its stderr.

    """
    shutil.rmtree(database.parent, ignore_errors=True)
    database.parent.mkdir(parents=True)
    if base is not None:
        shutil.copyfile(base, database)
    os.sync()  # so that earlier writes do not count as the tool's time
    command = [sys.executable, measured.__file__, *tool.command(file, database=database, mode=mode)]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path, **tool.environment}
    completed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    values = json.loads(completed.stdout)
    if values.pop("exit_code") not in SUCCESS:
        raise ToolFailedError(f"{tool.name}: {completed.stderr[-2000:]}")
    return Measurement(**values)
