"""A signal at any moment of the start of a command cancels it: exit code 130, without a traceback."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests.robustness.processes import ROOT

# runs a module and sends itself a signal at the first import of another one
AT_IMPORT = """
import os, runpy, sys
number, module, *sys.argv[:] = sys.argv[1:]
class Sender:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), int(number))
sys.meta_path.insert(0, Sender())
sys.argv.insert(0, "-m")
import flows
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", ["flows.report.command_line", "cyclopts", "flows.store.resources", "_duckdb", "polars"])
@pytest.mark.parametrize("module", ["flows.import_users", "flows.jobs"])
def test_a_signal_during_an_import_is_a_cancel(module: str, at: str, number: signal.Signals, tmp_path: Path) -> None:
    duckdb.connect(tmp_path / "u.duckdb").close()
    arguments = ["a.json", "--direct"] if module == "flows.import_users" else ["list"]
    command = [sys.executable, "-c", AT_IMPORT, str(int(number)), at, module, *arguments]
    command += ["--database", str(tmp_path / "u.duckdb")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr in ("", "CANCELED: the command was canceled\nrun it again\n")


def test_a_signal_that_duckdb_turns_into_another_error_is_a_cancel() -> None:
    script = """
import signal, sys
from flows import connections
from flows.report import command_line
def read(*_):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted") from None
command_line._call = read
sys.exit(command_line.main(connections.app, ["list"]))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "CANCELED: the command was canceled\nrun it again\n")


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    script = 'trap "" INT TERM; exec "$0" -m flows.jobs --help'
    with subprocess.Popen(["bash", "-c", script, sys.executable], cwd=ROOT, stdout=subprocess.PIPE) as process:
        for _ in range(10):
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
