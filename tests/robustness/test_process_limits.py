"""Whatever `ulimit` leaves and whichever stream is closed: a result in full, or one clear fault and nothing changed."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from flows.settings import Settings
from tests.flows.importing import import_records, read_users
from tests.marks import mostly_slow
from tests.robustness.processes import ROOT

FAULTS = {"OUT_OF_MEMORY", "DATABASE_UNREADABLE", "DISK_FULL"}
KINDS = {"address space": resource.RLIMIT_AS, "open files": resource.RLIMIT_NOFILE, "file size": resource.RLIMIT_FSIZE}
LADDER = [("address space", int(size * 1e9)) for size in (0.1, 0.7, 1.6, 2.6)]
LADDER += [("open files", number) for number in (6, 20, 64)]
LADDER += [("file size", size) for size in (1_000, 100_000)]
QUICK = (("address space", 1_600_000_000), ("open files", 20), ("file size", 100_000))
STREAMS = (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full")


def run_limited(limits: dict[str, int], *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a module under limits that it cannot raise."""

    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(KINDS[name], (value, value))

    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, preexec_fn=limit, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("kind", "value"), mostly_slow(LADDER, quick=QUICK))
def test_every_limit_gives_a_result_or_a_fault(kind: str, value: int, tmp_path: Path) -> None:
    source, settings = tmp_path / "users.ndjson", Settings(database=tmp_path / "u.duckdb")
    source.write_text("".join(f'{{"email": "user{number}@example.com"}}\n' for number in range(500)))
    common = ("--json", "--database", settings.database)
    done = run_limited({kind: value}, "flows.import_users", source, "--direct", "--quiet", *common)
    document = json.loads(done.stdout)
    if done.returncode == 0:
        assert (document["inserted"], len(read_users(settings))) == (500, 500)
    else:
        assert (done.returncode, document["fault"]["code"] in FAULTS, done.stderr) == (1, True, "")
        assert not settings.database.exists() or read_users(settings) == []
    import_records(settings, [{"email": "ann@example.com"}])
    listed = run_limited({kind: value}, "flows.jobs", "list", *common)
    assert listed.stderr == ""
    assert listed.returncode == 0 or json.loads(listed.stdout)["fault"]["code"] in FAULTS


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [("address space", 700_000_000, "OUT_OF_MEMORY"), ("open files", 12, "DATABASE_UNREADABLE")],
)
def test_a_limit_is_named_before_anything_begins(kind: str, value: int, code: str, tmp_path: Path) -> None:
    database = tmp_path / "u.duckdb"
    for more in (["--direct"], []):  # without and with Prefect
        done = run_limited({kind: value}, "flows.import_users", "a.json", "--json", "--database", database, *more)
        fault = json.loads(done.stdout)["fault"]
        assert (done.returncode, fault["code"], done.stderr) == (1, code, "")
        assert kind in fault["message"]
        assert "ulimit" in fault["hint"]
    assert [*tmp_path.iterdir()] == []


def test_a_soft_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    source = tmp_path / "users.ndjson"
    source.write_text('{"email": "ann@example.com"}\n')
    script = 'ulimit -S -n 10; exec "$0" "$@"'
    module = ("-m", "flows.import_users", source, "--direct", "--json", "--database", tmp_path / "u.duckdb")
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, *module], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["inserted"] == 1


@pytest.mark.parametrize("streams", mostly_slow(STREAMS, quick=("<&- >&- 2>&-", ">/dev/full")))
def test_the_exit_code_does_not_depend_on_the_streams(streams: str, tmp_path: Path) -> None:
    source, settings = tmp_path / "users.ndjson", Settings(database=tmp_path / "u.duckdb")
    source.write_text('{"email": "ann@example.com"}\n{"email": "no address"}\n')
    script = f'exec "$0" -m flows.import_users "$@" {streams}'
    arguments = (sys.executable, source, "--direct", "--database", settings.database)
    done = subprocess.run(["bash", "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "Traceback" not in done.stdout + done.stderr
    assert ("the output cannot be written: no space" in done.stderr) is (streams == ">/dev/full")
    assert len(read_users(settings)) == 1


def test_a_list_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "u.duckdb")
    import_records(settings, [{"email": "ann@example.com"}])
    command = f'exec "{sys.executable}" -m flows.jobs list --database {settings.database} >/dev/full'
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "the output cannot be written: no space left on device\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_in_any_encoding_is_complete(encoding: str, tmp_path: Path) -> None:
    source = tmp_path / "jörg-\U0001f600.ndjson"
    source.write_text('{"email": "ann@example.com"}\n{"email": "jörg"}\n', encoding="utf-8")
    command: list[str | Path] = [sys.executable, "-m", "flows.import_users", source, "--direct", "--quiet"]
    for more in (["--json"], []):
        done = subprocess.run(
            [*command, *more, "--database", tmp_path / f"u{len(more)}.duckdb"],
            cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, b"Traceback" in done.stderr) == (3, False)
        if more:
            assert json.loads(done.stdout.decode(encoding))["sources"] == [str(source)]
