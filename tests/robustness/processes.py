"""Other processes: an import, and a holder of the database."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.settings import Settings

ROOT = Path(__file__).parents[2]
HOLDER = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'r'); print(flush=True); input()"


def import_in_process(settings: Settings, source: str, *more: str, **environment: str) -> subprocess.Popen[str]:
    """Start an import in a process of its own, without Prefect unless the environment names a server."""
    direct = [] if "PREFECT_API_URL" in environment else ["--direct"]
    database = ["--database", str(settings.database)]
    command = [sys.executable, "-m", "flows.import_users", source, *database, *direct, "--json", *more]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env={**os.environ, **environment}
    )


@contextmanager
def hold_database(settings: Settings, *, writes: bool = False) -> Iterator[int]:
    """Hold the database open in another process for the block, to read or to write; yield the id of the process."""
    command = [sys.executable, "-c", HOLDER, str(settings.database), "w" if writes else "r"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "\n"
        yield holder.pid
        holder.communicate("\n")


def wait_until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
