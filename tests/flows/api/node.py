"""Scripts for Node.js with the published client of a system, installed for one test."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SECONDS = 180

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"
)


def run_script(name: str, folder: Path, *, package: str, environment: Mapping[str, str]) -> Any:
    """Install a package, run a script of this folder with it, and return the JSON that it prints."""
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", package]
    subprocess.run(install, cwd=folder, check=True, timeout=SECONDS)
    script = shutil.copy(Path(__file__).with_name(name), folder)
    command = ["node", script]
    ran = subprocess.run(
        command, cwd=folder, env=dict(environment), check=False, capture_output=True, text=True, timeout=SECONDS
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
