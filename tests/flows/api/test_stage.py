"""Staging on the command line: files that are added by and by, and imported all at once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows import __main__ as command
from flows.report.command_line import main
from flows.store.database import Store
from flows.store.locks import file_lock
from flows.store.requests.request import START_LOCK
from flows.store.requests.staging import find_operation, folder_of, staged_files
from tests.flows.api.faces import requested, serving_without_starting, wait_for
from tests.flows.api.test_rocketchat import ANNA, BEN, call, sign_in, status
from tests.flows.api.test_rocketchat import add as add_by_http
from tests.flows.importing import read_users

ROOT = Path(__file__).resolve().parents[3]
Stage = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def stage(store: Store, capsys: pytest.CaptureFixture[str]) -> Stage:
    """Run `user-import stage`: the exit code, the document and standard error."""

    def run(*arguments: object) -> tuple[int, Any, str]:
        code = main(command.app, ["stage", *map(str, arguments), "--json", "--database", str(store.path)])
        output = capsys.readouterr()
        return code, json.loads(output.out), output.err

    return run


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        yield sign_in(client)


def write(path: Path, *emails: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in ("email", *emails)), "utf-8")
    return path


def emails(store: Store) -> list[str]:
    return sorted(str(user["email"]) for user in read_users(store.settings))


def in_process(store: Store, *arguments: object) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "flows", "stage", *map(str, arguments), "--database", str(store.path)]
    return subprocess.Popen(words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_files_that_are_added_by_and_by_are_imported_at_once(stage: Stage, store: Store, tmp_path: Path) -> None:
    assert stage("status")[1] == {"connection": "default", "state": "none", "job_id": None, "files": 0, "bytes": 0}
    code, first, _ = stage("add", write(tmp_path / "a.csv", "a@example.com"))
    assert (code, first["state"], first["files"]) == (0, "ready", 1)
    ndjson = tmp_path / "b.ndjson"
    ndjson.write_text('{"email": "b@example.com"}\n{"email": "no address"}\n', "utf-8")
    _, second, _ = stage("add", write(tmp_path / "c.csv", "c@example.com"), ndjson)
    assert (second["job_id"], second["files"]) == (first["job_id"], 3)
    assert stage("status")[1] == second
    code, summary, _ = stage("run")
    assert (code, summary["job_id"], summary["status"]) == (3, first["job_id"], "completed_with_errors")
    assert (summary["total"], summary["inserted"], summary["failed"]) == (4, 3, 1)
    assert emails(store) == ["a@example.com", "b@example.com", "c@example.com"]
    assert stage("status")[1]["state"] == "completed_with_errors"


def test_a_second_run_has_nothing_to_import(stage: Stage, store: Store, tmp_path: Path) -> None:
    stage("add", write(tmp_path / "a.csv", "a@example.com"))
    assert stage("run")[0] == 0
    code, document, _ = stage("run")
    assert code == 2
    assert document["fault"]["message"].startswith("nothing is staged")
    assert emails(store) == ["a@example.com"]
    second = stage("add", write(tmp_path / "b.csv", "b@example.com"))[1]
    assert (second["state"], second["files"]) == ("ready", 1)


def test_nothing_runs_without_files(stage: Stage, waiting: TestClient) -> None:
    assert stage("run")[0] == 2
    call(waiting, "import.new")
    assert stage("run")[0] == 2
    assert status(waiting)["state"] == "new"


def test_options_of_an_import_are_those_of_the_run(stage: Stage, tmp_path: Path) -> None:
    stage("add", write(tmp_path / "a.csv", "a@example.com"))
    stage("run")
    path = tmp_path / "b.csv"
    path.write_text("email,name\na@example.com,Ada\n", "utf-8")
    stage("add", path)
    code, summary, _ = stage("run", "--mode", "upsert", "--external-id", "crm-7")
    assert (code, summary["updated"], summary["external_id"]) == (0, 1, "crm-7")
    assert stage("run", "--max-error-rate", "2")[0] == 2


def test_a_dry_run_leaves_the_users_staged(stage: Stage, store: Store, tmp_path: Path) -> None:
    before = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    code, summary, _ = stage("run", "--dry-run")
    assert (code, summary["dry_run"], summary["inserted"]) == (0, True, 1)
    assert summary["job_id"] != before["job_id"]
    assert read_users(store.settings) == []
    assert stage("status")[1] == before
    assert stage("run")[1]["inserted"] == 1


def test_a_run_that_cannot_begin_leaves_the_users_staged(
    stage: Stage, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    monkeypatch.setenv("IMPORT_WAIT_SECONDS", "0")
    hold = f"import duckdb; held = duckdb.connect({str(store.path)!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        code, document, _ = stage("run")
        process.communicate(b"\n")
    assert (code, document["fault"]["code"]) == (1, "DATABASE_BUSY")
    assert stage("status")[1] == before
    monkeypatch.delenv("IMPORT_WAIT_SECONDS")
    assert stage("run")[1]["inserted"] == 1
    assert emails(store) == ["a@example.com"]


def test_a_run_that_fails_imports_nothing_and_leaves_nothing_staged(stage: Stage, store: Store, tmp_path: Path) -> None:
    staged = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    code, summary, _ = stage("run", "--mapping", tmp_path / "none.toml")
    assert (code, summary["job_id"], summary["fault"]["code"]) == (1, staged["job_id"], "FILE_NOT_FOUND")
    assert read_users(store.settings) == []
    assert stage("status")[1]["state"] == "failed"


def test_users_of_connections_are_staged_apart(stage: Stage, store: Store, tmp_path: Path) -> None:
    default = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    crm = stage("add", write(tmp_path / "b.csv", "b@example.com"), "--connection", "crm")[1]
    assert default["job_id"] != crm["job_id"]
    assert stage("clear", "--connection", "crm")[0] == 0
    assert stage("status", "--connection", "crm")[1]["state"] == "none"
    assert requested(store.settings) == [default["job_id"]]
    assert stage("clear", "--connection", "crm")[0] == 2


def test_two_adds_at_once_add_up(store: Store, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.csv", f"{n}@example.com") for n in range(4)]

    def add(path: Path) -> int:
        process = in_process(store, "add", path)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return process.returncode

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(add, files)] == [0] * 4
    operation = find_operation(store.settings, connection="default")
    assert operation is not None
    assert requested(store.settings) == [operation.job_id]
    staged = staged_files(store.settings, operation.job_id)
    assert sorted(path.name for path in staged) == [path.name for path in files]
    assert {path.stat().st_mode & 0o777 for path in staged} == {0o600}


def test_what_a_killed_add_has_copied_does_not_count(stage: Stage, store: Store, tmp_path: Path) -> None:
    stage("add", write(tmp_path / "a.csv", "a@example.com"))
    before = stage("status")[1]
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    process = in_process(store, "add", pipe)
    sources = folder_of(store.settings, before["job_id"]).path / "sources"
    with pipe.open("wb") as writer:
        writer.write(b"email\nb@example.com\n" * 200_000)
        writer.flush()
        deadline = time.monotonic() + 30
        while not any(sources.glob(".00*/*")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert stage("status")[1] == before
    stage("add", write(tmp_path / "c.csv", "c@example.com"))
    assert stage("run")[1]["total"] == 2
    assert emails(store) == ["a@example.com", "c@example.com"]


@pytest.mark.parametrize("wrong", ["none.csv", ".", ""])
def test_a_file_that_cannot_be_read_stages_none(stage: Stage, store: Store, tmp_path: Path, wrong: str) -> None:
    code, document, _ = stage("add", write(tmp_path / "a.csv", "a@example.com"), tmp_path / wrong if wrong else "")
    assert code in (1, 2)
    assert document["fault"]["message"]
    assert requested(store.settings) == []


def test_the_database_is_not_staged(stage: Stage, store: Store) -> None:
    assert stage("add", store.path)[0] == 1
    assert requested(store.settings) == []


def test_what_is_staged_over_http_can_be_run_here(stage: Stage, waiting: TestClient, store: Store) -> None:
    operation_id = call(waiting, "import.new")["operation"]["_id"]
    add_by_http(waiting, ANNA)
    add_by_http(waiting, BEN)
    assert stage("status")[1]["state"] == "ready"
    code, summary, _ = stage("run")
    assert (code, summary["job_id"], summary["inserted"]) == (0, operation_id, 2)
    assert {user["user_id"] for user in read_users(store.settings)} == {"a1", "b2"}
    done = status(waiting)
    assert (done["state"], done["operation"]["count"]["completed"]) == ("done", 2)
    assert waiting.post("/api/v1/import.run").status_code == 400


def test_files_of_any_format_join_what_is_staged_over_http(
    stage: Stage, waiting: TestClient, store: Store, tmp_path: Path
) -> None:
    call(waiting, "import.new")
    add_by_http(waiting, ANNA)
    stage("add", write(tmp_path / "a.csv", "a@example.com"))
    code, summary, _ = stage("run", "--profile", "auto")
    assert (code, summary["inserted"]) == (0, 2)
    assert emails(store) == ["a@example.com", "anna@example.com"]


def test_what_is_staged_here_can_be_run_over_http(
    stage: Stage, waiting: TestClient, store: Store, tmp_path: Path
) -> None:
    staged = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    found = status(waiting)
    assert (found["state"], found["operation"]["_id"]) == ("ready", staged["job_id"])
    add_by_http(waiting, ANNA)
    call(waiting, "import.run")
    assert stage("run")[0] == 2
    assert staged["job_id"] in requested(store.settings)


def test_a_run_here_is_not_started_by_a_server_too(stage: Stage, store: Store, tmp_path: Path) -> None:
    staged = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    folder = folder_of(store.settings, staged["job_id"])
    with file_lock(folder.path / START_LOCK):  # as another `stage run` holds it
        process = in_process(store, "run")
        time.sleep(1.5)
        assert process.poll() is None
        assert read_users(store.settings) == []
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert emails(store) == ["a@example.com"]


def test_what_is_added_while_a_run_waits_is_imported_too(stage: Stage, store: Store, tmp_path: Path) -> None:
    staged = stage("add", write(tmp_path / "a.csv", "a@example.com"))[1]
    folder = folder_of(store.settings, staged["job_id"])
    with file_lock(folder.path / START_LOCK):
        process = in_process(store, "run")
        wait_for(lambda: True if is_waiting_for(process, folder.path / START_LOCK) else None)
        assert stage("add", write(tmp_path / "b.csv", "b@example.com"))[1]["files"] == 2
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert emails(store) == ["a@example.com", "b@example.com"]


def is_waiting_for(process: "subprocess.Popen[str]", lock: Path) -> bool:
    """Return whether a process has the file of a lock open."""
    with suppress(FileNotFoundError):  # closed meanwhile
        return lock in [path.readlink() for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    return False
