"""Commands that run as another user than root, as those of a service that root has worked for."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pytest

from flows.settings import Settings

NOBODY = 65534
AS_NOBODY = ("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
ROOT = Path(__file__).parents[2]


def run_as_nobody(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments as the user nobody."""
    command = [*AS_NOBODY, sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=environment)


def _can_run_as_nobody() -> bool:
    """Return whether this user can become another, who can read the code."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        return False
    return run_as_nobody("-c", "import flows.jobs.cli").returncode == 0


needs_root = pytest.mark.skipif(not _can_run_as_nobody(), reason="only root can run commands as another user")


@contextmanager
def folder_for_all() -> Iterator[Settings]:
    """Yield settings for a database in a folder that every user can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "service")
        folder.mkdir()
        Path(name).chmod(0o755)
        yield Settings(database=folder / "users.duckdb", wait_seconds=2.0)


def give_to_nobody(folder: Path, *, but: Path | None = None) -> None:
    """Give everything in a folder to the user nobody, apart from one folder."""
    for path in chain([folder], folder.rglob("*")):
        if but is None or not path.is_relative_to(but):
            os.chown(path, NOBODY, NOBODY)
