"""A night in small: forty files through the inbox, with a server and a worker that are stopped and killed meanwhile.

Alone, with what happens: `python -m pytest -n 0 -m slow -s tests/flows/with_server/test_night.py`.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State

from tests.flows.with_server.worker import Child, Site, find_processes, site, wait_until
from tests.robustness.night.accounting import find_violations
from tests.robustness.night.files import NightFile, as_csv, make_files, users_of
from tests.robustness.processes import hold_database

pytestmark = pytest.mark.slow
SETTLE_SECONDS = 2
LIMIT = 1800.0  # seconds that a run of the inbox lasts at most: the machine may be busy with other tests
BY_THEMSELVES = (  # files that nothing is done to while they are imported
    "format-", "bom", "semicolons", "header", "partly", "wholly", "broken", "empty", "utf16", "cut", "encrypted",
    "damaged.", "before-again", "replaced-before", "appended", "future", "l\udce4tin", "unfinished",
)  # fmt: skip


@dataclass
class Operator:
    """What happens in the night: files are put into the inbox, and its deployment runs."""

    here: Site
    inbox: Path
    files: dict[str, NightFile]
    worker: Child
    started: float

    def say(self, text: str) -> None:
        """Print what happens, and when."""
        print(f"{time.monotonic() - self.started:6.1f} s  {text}", flush=True)

    def put(self, name: str) -> Path:
        """Put a file into the inbox, complete and old enough to be imported."""
        path = self.files[name].write(self.inbox)
        os.utime(path, (time.time() - 60,) * 2)
        return path

    def start(self) -> UUID:
        """Start a run of the inbox, as its schedule does."""
        return self.here.run("inbox", inbox=str(self.inbox), settle_seconds=SETTLE_SECONDS)

    def end(self, run: UUID) -> State[object]:
        """Wait for the end of a run."""
        state = self.here.wait_for_end(run, limit=LIMIT)
        self.say(f"inbox: {state.name}: {state.message}")
        return state

    def tick(self) -> State[object]:
        """Run the inbox once."""
        return self.end(self.start())

    def tick_until_filed(self, *names: str, most: int = 8) -> None:
        """Run the inbox as often as its schedule would until the files have left it."""
        for _ in range(most):
            if not any((self.inbox / name).exists() for name in names):
                return
            self.tick()
        raise AssertionError(f"{names} are still in the inbox after {most} runs")

    @contextmanager
    def importing(self, name: str, *, at: str) -> Iterator[UUID]:
        """Import a file, and hold its job at a step for the block."""
        self.put(name)
        with self.here.holding(at) as wait_for_job:
            run = self.start()
            wait_for_job()
            self.say(f"{name} is held at {at!r}")
            yield run

    def running_job(self) -> str:
        """Return the id of the job that runs."""
        (job,) = (path.parent.name for path in (self.here.folder / "jobs").glob("*/lock") if is_held(path))
        return job

    def replace_content(self, name: str, content: bytes, users: frozenset[str]) -> None:
        """Send another version of a file under the same name."""
        self.files[name] = replace(self.files[name], content=content, users=users)


def is_held(lock: Path) -> bool:
    inode = str(lock.stat().st_ino)
    return any(f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines())


def find_decoder(hooks: str) -> int | None:
    """Return the process of this test's worker that decodes Parquet, if there is one."""
    for pid in find_processes(f"HOLD_FOLDER={hooks}"):
        with suppress(OSError):
            if b"decoder_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None


@contextmanager
def writing(path: Path, rows: list[bytes]) -> Iterator[Callable[[], None]]:
    """Write to a file a little at a time, as an upload does; the call has the upload end."""
    is_ending = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            for row in rows[:-1]:
                file.write(row[:3])
                time.sleep(0.2)
                file.write(row[3:])
            while not is_ending.wait(0.5):
                os.utime(path)
            file.write(rows[-1])

    upload = threading.Thread(target=write)
    upload.start()

    def finish() -> None:
        is_ending.set()
        upload.join()

    try:
        yield finish
    finally:
        finish()


def test_night_in_small_accounts_for_every_file_job_and_row(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    files = make_files()
    with site(tmp_path / "site") as here, here.worker() as worker:
        night = Operator(here, inbox, files, worker, time.monotonic())
        night.put("before.csv")
        assert night.tick().is_completed()
        with writing(inbox / "writing.csv", files["writing.csv"].content.splitlines(keepends=True)) as finish_upload:
            import_what_needs_nothing(night)
            change_files(night)
            cancel_and_purge(night)
            kill_and_restart(night)
            finish_upload()
        time.sleep(SETTLE_SECONDS)
        night.tick_until_filed("writing.csv")
        assert_night_is_accounted_for(night)


def import_what_needs_nothing(night: Operator) -> None:
    """Import most files while an analyst reads, and one that was replaced before and one that bears a later date."""
    for name in night.files:
        if name.startswith(BY_THEMSELVES):
            night.put(name)
    users = users_of("second version")
    night.replace_content("replaced-before.csv", as_csv(users), frozenset(user["email"] for user in users))
    night.put("replaced-before.csv")
    later = time.time() + 86_400
    os.utime(night.inbox / "future.csv", (later, later))
    with hold_database(night.here.settings):
        night.say("an analyst reads")
        run = night.start()
        wait_until(lambda: [*(night.here.folder / "jobs").glob("*/accepted-*")], "no job has loaded")
        time.sleep(5)
    night.say("the analyst has gone")
    night.end(run)
    time.sleep(SETTLE_SECONDS)  # for the file with a date in the future
    night.tick_until_filed(*(name for name in night.files if name.startswith(BY_THEMSELVES) and ".part" not in name))
    assert (night.inbox / "writing.csv").exists()


def change_files(night: Operator) -> None:
    """Replace a file and withdraw one while they are imported, and append to one that was filed."""
    first = night.files["replaced-during.csv"]
    with night.importing(first.name, at="enter ready") as run:
        users = users_of("version after")
        emails = frozenset(user["email"] for user in users)
        night.replace_content(first.name, as_csv(users), first.users | emails)
        night.put(first.name)
    night.end(run)
    assert (night.inbox / first.name).read_bytes() == night.files[first.name].content
    night.tick_until_filed(first.name)
    with night.importing("withdrawn.csv", at="enter importing") as run:
        (night.inbox / "withdrawn.csv").unlink()
    night.end(run)
    filed = night.inbox / "done" / "appended.csv"
    (added,) = users_of("added", 1)
    line = as_csv([added]).splitlines(keepends=True)[1]
    with filed.open("ab") as file:
        file.write(line)
    before = night.files["appended.csv"]
    night.replace_content("appended.csv", before.content + line, before.users | {added["email"]})


def cancel_and_purge(night: Operator) -> None:
    """Cancel a job as a person does, have a decoder crash, and purge what is past retention: everything."""
    with night.importing("canceled.csv", at="enter ready") as run:
        canceled = night.here.command("flows.jobs", "cancel", night.running_job())
        assert canceled.returncode == 0, canceled.stderr
    night.end(run)
    night.put("decoder-killed.parquet")
    run = night.start()
    decoder = wait_until(partial(find_decoder, night.here.environment["HOLD_FOLDER"]), "no decoder runs", poll=0.01)
    os.kill(decoder, signal.SIGSEGV)
    night.end(run)
    purge = night.here.run("purge", days=0)
    assert night.here.wait_for_end(purge, limit=LIMIT).is_completed()
    night.say("purged")


def kill_and_restart(night: Operator) -> None:
    """Kill the worker with all its runs, end it in order, and restart the server, each while a file is imported."""
    with night.importing("killed.ndjson", at="commit"):
        night.worker.kill()
    night.say("kill -9 of the worker")
    night.worker.start()
    night.tick_until_filed("killed.ndjson")
    with night.importing("terminated.csv", at="report progress"):
        night.worker.send(signal.SIGTERM)
        time.sleep(1)
    night.worker.wait()
    night.worker.kill()
    night.say("kill -TERM of the worker")
    night.worker.start()
    night.tick_until_filed("terminated.csv")
    with night.importing("restarted.json", at="enter importing") as run:
        night.here.server.stop()
        night.here.server.start()
    night.say("the server has been restarted")
    night.end(run)
    night.tick_until_filed("restarted.json")


def assert_night_is_accounted_for(night: Operator) -> None:
    """Assert that `jobs night` names the one file that changed, is content once that is imported again, and that the
    accounting finds nothing."""
    document = look(night, expected=1)
    assert [(problem["kind"], "appended.csv" in problem["message"]) for problem in document["problems"]] == [
        ("changed", True)
    ]
    (night.inbox / "done" / "appended.csv").rename(night.inbox / "appended.csv")  # as its hint says
    time.sleep(SETTLE_SECONDS + 1)
    night.tick_until_filed("appended.csv")
    document = look(night, expected=0)
    night.say(document["sentence"])
    files = [*night.files.values()]
    assert find_violations(files, inbox=night.inbox, database=night.here.settings.database) == []
    places = {file["name"]: file["place"] for file in document["files"]}
    names = {"inbox": "waiting", "nowhere": "withdrawn"}
    for file in files:
        assert places[file.name.encode("utf-8", "backslashreplace").decode()] == names.get(file.place, file.place)
    assert document["counts"]["rows"]["inserted"] == sum(len(file.users) for file in files if file.place != "canceled")
    states = {str(run.id): run.state_name for run in night.here.runs() if not (run.state and run.state.is_final())}
    assert states == {}


def look(night: Operator, *, expected: int) -> dict[str, Any]:
    """Return what `jobs night` says, with that exit code."""
    found = night.here.command("flows.jobs", "night", "--json", "--inbox", str(night.inbox))
    assert found.returncode == expected, found.stdout + found.stderr
    return dict(json.loads(found.stdout))
