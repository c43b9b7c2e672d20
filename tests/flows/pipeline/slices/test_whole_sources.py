"""Sources that cannot be cut are loaded whole, several at once; each record has its number in the whole job."""

import gzip
import io
import json
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from flows.pipeline.slices import gather
from flows.pipeline.slices.gather import _Run, load_slices
from flows.pipeline.staging import checked_batches, stage_batches
from flows.readers.encodings import EncodingFault
from schemas.job import JobStatus
from tests.flows.pipeline.slices.in_this_process import InThisProcess
from tests.flows.pipeline.slices.test_gather import (
    compare,
    outcome,
    run,
    settings_in,
    slices_of,
    write_lines,
    write_table,
)
from tests.flows.pipeline.slices.test_random_cuts import stage

SAMPLES = Path(__file__).parents[4] / "data" / "samples"
NAMES = ("okta-csv.csv", "keycloak.json", "ldif.ldif", "google-workspace.csv")
EXPORTS = [SAMPLES / "profiles" / name for name in NAMES]


def write_csv(path: Path, *, first: int, records: int) -> Path:
    """Write CSV with every kind of row: good, trimmed, duplicated, refused, with cells too many, blank."""
    kinds = (
        "u{}@example.com,Name {},",
        " u{}@example.com,Name {},surplus",
        "no address,Name {1},",
        "u{}@example.com,{},one,too many",
        "",
    )
    lines = (kinds[number % 23 % len(kinds)].format(number // 2, number) for number in range(first, first + records))
    path.write_text("sep=,\nemail,name,nickname\n" + "".join(f"{line}\n" for line in lines))
    return path


def write_sources(folder: Path) -> dict[str, Path]:
    """Write a file of each kind, with faults in each, and users that several of them have."""
    lines = write_lines(folder / "lines.ndjson", records=400, seed=1)
    packed = folder / "packed.ndjson.gz"
    packed.write_bytes(gzip.compress(write_lines(folder / "other.txt", records=300, seed=2).read_bytes()))
    array = folder / "array.json"
    users: list[object] = [{"email": f" u{n}@example.com"} if n % 7 else {"email": n, "x": None} for n in range(200)]
    array.write_text(json.dumps([*users, "no user", {"email": "u1@example.com"}], indent=1))
    return {
        "csv": write_csv(folder / "a.csv", first=0, records=300),
        "ndjson": lines,
        "gz": packed,
        "json": array,
        "other csv": write_csv(folder / "b.csv", first=150, records=300),
        "parquet": write_table(folder / "table.parquet", records=200, seed=3),
        "xlsx": SAMPLES / "faulty.xlsx",
    }


@pytest.mark.parametrize(
    "order",
    [
        ("csv", "ndjson", "gz", "json", "other csv", "parquet"),
        pytest.param(("ndjson", "parquet", "json", "csv", "xlsx", "ndjson", "gz"), marks=pytest.mark.slow),
        pytest.param(("other csv", "csv"), marks=pytest.mark.slow),
        pytest.param(("gz", "parquet", "xlsx", "other csv", "ndjson"), marks=pytest.mark.slow),
        pytest.param(("json", "json", "csv", "parquet", "ndjson", "csv"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_sources_of_all_formats_give_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Sequence[str]
) -> None:
    sources = write_sources(tmp_path)
    compare(tmp_path, monkeypatch, *(sources[name] for name in order), slice_bytes=10_000)


@pytest.mark.slow
def test_exports_of_other_systems_are_recognised_by_each_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = write_lines(tmp_path / "a.ndjson", records=200, seed=1)
    compare(tmp_path, monkeypatch, *EXPORTS, lines, slice_bytes=20_000)


@pytest.mark.slow
def test_exports_of_other_systems_are_recognised_in_each_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 10_000)
    paths = [*EXPORTS, write_lines(tmp_path / "a.ndjson", records=100, seed=1)]
    expected = stage(tmp_path, paths, lambda context: stage_batches(context, checked_batches(context)))
    assert stage(tmp_path, paths, lambda context: load_slices(context, InThisProcess(1))) == expected
    assert expected["profiles"] == ["okta-csv", "keycloak", "ldif", "google-workspace", "auth0"]


def test_warnings_of_several_sources_above_the_limit_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    for place, path in enumerate(paths):
        path.write_text("email\n" + "".join(f" u{n}@example.com\n" for n in range(place * 800, place * 800 + 800)))
    compare(tmp_path, monkeypatch, *paths, slice_bytes=5_000)


@pytest.mark.parametrize("number", range(2))
def test_a_fault_of_one_of_several_sources_is_that_of_the_whole(tmp_path: Path, number: int) -> None:
    paths = [write_csv(tmp_path / "a.csv", first=0, records=50), write_csv(tmp_path / "b.csv", first=50, records=50)]
    paths[number].write_bytes(b"[" + b'{"email": "a@example.com"},' * 5)
    faults = []
    for runner in ("none", "processes:2"):
        settings = settings_in(tmp_path / runner.replace(":", ""), runner)
        summary = run(settings, *paths, format="auto")
        assert summary.status is JobStatus.FAILED
        faults.append(summary.fault)
    assert faults[0] == faults[1]


def test_lines_without_a_record_are_the_fault_that_they_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 100)
    blank, other = tmp_path / "blank.ndjson", write_lines(tmp_path / "a.ndjson", records=50, seed=1)
    blank.write_text("\n" * 1000)
    summary = run(settings_in(tmp_path / "db", "processes:2"), other, blank)
    assert summary.fault is not None
    assert (summary.fault["code"], summary.inserted) == ("FILE_EMPTY", 0)


def test_a_fault_about_an_encoding_comes_from_a_worker_as_it_is() -> None:
    fault = EncodingFault("a.csv", "is not UTF-8", "cp1252")
    kind, values = fault.__reduce__()
    again = kind(*values)
    assert (again.message, again.hint, vars(again)) == (fault.message, fault.hint, vars(fault))


def test_archives_and_standard_input_are_loaded_by_workers_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = write_csv(tmp_path / "a.csv", first=0, records=100)
    with zipfile.ZipFile(tmp_path / "users.zip", "w") as archive:
        archive.write(users, "users.csv")
    found = []
    for runner in ("none", "processes:2"):
        with (tmp_path / "other.csv").open("w+b") as file:
            file.write(b"email\n" + b"".join(b"v%d@example.com\n" % n for n in range(50)))
            file.seek(0)
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
            settings = settings_in(tmp_path / runner.replace(":", ""), runner)
            summary = run(settings, tmp_path / "users.zip", Path("-"))
            found.append(outcome(settings, summary))
    assert found[0] == found[1]


def test_finished_whole_sources_are_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = write_sources(tmp_path)
    paths = [sources[name] for name in ("csv", "json", "ndjson")]
    monkeypatch.setattr(gather, "SLICE_BYTES", 100_000)
    settings = settings_in(tmp_path / "db", "processes:2")
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "gather", lambda _: (_ for _ in ()).throw(KeyError("lost")))
        assert run(settings, *paths).status is JobStatus.FAILED
    before = {path: path.stat().st_mtime_ns for path in slices_of(settings)}
    found: dict[Path, int] = {}
    gathered: Callable[[_Run], object] = _Run.gather

    def look(run: _Run) -> object:
        found.update({path: path.stat().st_mtime_ns for path in slices_of(settings)})
        return gathered(run)

    monkeypatch.setattr(_Run, "gather", look)
    assert run(settings, *paths).fault is None
    assert found == before
    assert len(before) == 3
