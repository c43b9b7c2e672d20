"""Run the commands that the product names in tests, as printed: each that is about a real job, once per place in the
code and process of the tests."""

import io
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.connections import app as connections
from flows.describe.cli import app as describe
from flows.import_users.cli import app as import_users
from flows.jobs.cli import app as jobs
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JOB_ID
from schemas.faults import ExitCode, Fault
from transforms.statements import run

APPS = {
    "flows.connections": connections,
    "flows.describe": describe,
    "flows.import_users": import_users,
    "flows.jobs": jobs,
}
DIRECT = {"flows.import_users": ["--direct"]}
NOT_WORKING = ("INTERNAL", "JOB_NOT_FOUND", "there is no database")
_ran: set[str] = set()  # places in the code


@contextmanager
def running_printed_commands(folder: Path) -> Iterator[None]:
    """Run what was named within the block after it, in the folder, where a file that a command names is written."""
    named: dict[str, Sequence[str]] = {}
    join = shlex.join

    def record(words: Sequence[str]) -> str:
        caller = sys._getframe(2)  # of `format_command`
        named[f"{caller.f_code.co_filename}:{caller.f_lineno}"] = words
        return join(words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.settings.shlex", SimpleNamespace(join=record))
        yield
    for place in named.keys() - _ran:
        if _is_about_something(named[place]):
            _ran.add(place)
            _run(named[place], folder)


def _run(words: Sequence[str], folder: Path) -> None:
    module, arguments = words[2], [*words[3:], *DIRECT.get(words[2], [])]
    output = io.StringIO()
    folder.mkdir(exist_ok=True)
    with chdir(folder), redirect_stdout(output), redirect_stderr(output):
        code = main(APPS[module], arguments)
    said = output.getvalue()
    assert code != ExitCode.USAGE or "there is already" in said, (words, said)  # what the test did as it was told
    assert not any(text in said for text in NOT_WORKING), (words, said)


def _is_about_something(words: Sequence[str]) -> bool:
    """Return whether the database of a command, its jobs and its files exist: a test of sentences invents them."""
    store = Store(Settings(database=Path(words[-1]), wait_seconds=1.0))
    job_ids = [word for word in words if JOB_ID.fullmatch(word)]
    if words[2] == "flows.import_users" and not Path(words[3]).exists():
        return False
    try:
        store.require_database()
        with store.reading() as connection:
            return len(run(connection, "known_jobs", job_ids=job_ids)) == len(job_ids)
    except Fault:
        return False
