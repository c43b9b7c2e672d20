"""Names of any bytes and any length: those of files are shown with escapes, texts that cannot be stored are refused."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.__main__ import app
from flows.report.command_line import main
from flows.settings import Settings
from tests.flows.importing import query_rows, read_users
from tests.marks import mostly_slow

Run = Callable[..., tuple[int, dict[str, object]]]
BYTE = os.fsdecode(b"\xe9")
WRITERS: dict[str, Callable[[Path], object]] = {
    "json": lambda path: path.write_text('[{"email": "ann@example.com"}, {"email": "no"}]'),
    "ndjson": lambda path: path.write_text('{"email": "ann@example.com"}\n{"email": "no"}\n'),
    "csv": lambda path: path.write_text("email\nann@example.com\nno\n"),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(b"email\nann@example.com\nno\n")),
    "parquet": lambda path: pq.write_table(pa.table({"email": ["ann@example.com", "no"]}), path.open("wb")),
}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a database of the test's own: exit code and JSON document."""

    def run(*arguments: object) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        more = [] if "--database" in arguments else ["--database", str(tmp_path / "users.duckdb")]
        code = main(app, [*map(str, arguments), *more, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("ending", mostly_slow(WRITERS, quick=("csv", "parquet")))
def test_a_file_whose_name_is_not_utf8_is_imported_and_its_name_is_stored_with_escapes(
    run: Run, tmp_path: Path, ending: str
) -> None:
    folder = tmp_path / f"folder{BYTE}"
    folder.mkdir()
    path = folder / f"users{BYTE}.{ending}"
    WRITERS[ending](path)
    plan = folder / f"plan{BYTE}.parquet"
    code, summary = run("import", path, "--direct", "--quiet", "--plan", plan)
    assert (code, summary["inserted"], summary["failed"]) == (3, 1, 1)
    shown = str(path).replace(BYTE, r"\udce9")
    assert summary["sources"] == [shown]
    settings = Settings(database=tmp_path / "users.duckdb")
    assert query_rows(settings, "select sources from import_jobs") == [([shown],)]
    assert pq.read_table(plan.open("rb")).num_rows == 2
    before = path.read_bytes()
    for output in (path, folder / f"rejects{BYTE}.csv", folder / f"rejects{BYTE}.parquet"):
        code, document = run("jobs", "rejects", summary["job_id"], "-o", output)
        assert code == (1 if output == path else 0), document
    assert path.read_bytes() == before
    code, summary = run("import", folder, "--direct", "--quiet", "--again")  # with the rejects in it
    assert (code, summary["fault"]) in [(3, None), (1, None)]
    code, document = run("jobs", "rejects", summary["job_id"], "-o", path)
    assert (code, path.read_bytes()) == (1, before)


@pytest.mark.parametrize("text", [BYTE, "a\nb", "a\x00b", "\x7f", "", "n" * 300, "\u2028"])
@pytest.mark.parametrize(
    "command",
    [
        ("import", "a.json", "--direct", "--connection"),
        ("import", "a.json", "--direct", "--external-id"),
        ("jobs", "status"),
        ("jobs", "errors"),
        ("jobs", "cancel"),
        ("jobs", "undo"),
        ("jobs", "diff"),
        ("jobs", "diff", "job", "--user"),
        ("jobs", "rejects", "-o", "a.csv"),
        ("connections", "show"),
        ("connections", "add"),
        ("connections", "set"),
    ],
)
def test_a_text_that_cannot_be_a_name_is_a_usage_error(
    run: Run, tmp_path: Path, command: tuple[str, ...], text: str
) -> None:
    code, document = run(*command, text)
    assert (code, document["fault"]["code"]) == (2, "USAGE")  # type: ignore[index]
    assert not (tmp_path / "users.duckdb").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("import", "", "--direct"),
        ("import", "a.json", "--direct", "--plan", ""),
        ("import", "a.json", "--direct", "--database", ""),
        ("import", "a.json", "--direct", "--profile", BYTE),
        ("import", "a.json", "--direct", "--mode", BYTE),
        ("import", "a.json", "--direct", f"--{BYTE}"),
        ("import", "a.json", "--direct", "--max-errors", "1" + "0" * 30),
        ("import", "a.json", "--direct", "--max-errors", "9" * 5000),
        ("import", "a.json", "--direct", "--max-error-rate", "nan"),
        ("import", "a.json", "--direct", "--max-updates-rate", "1e308"),
        ("jobs", "rejects", "job", "-o", ""),
        ("jobs", "list", "--limit", "99999999999999999999"),
        ("jobs", "list", "--limit", "1" + "0" * 23),
        ("jobs", "list", "--limit", "9" * 5000),
        ("jobs", "list", "--limit", BYTE),
        ("jobs", "purge", "--days", "900000"),
        ("jobs", "purge", "--days", "99999999999"),
        ("jobs", "status", "job", "--as", BYTE),
        ("jobs", BYTE),
        ("connections", "add", "crm", "--username-pattern", ""),
        ("connections", "add", "crm", "--username-pattern", BYTE),
        ("connections", "add", "crm", "--username-max-length", "9" * 30),
        ("connections", "add", "n" * 129),
    ],
)
def test_a_value_that_cannot_be_used_is_a_usage_error(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    code, document = run(*command)
    assert (code, document["fault"]["code"]) == (2, "USAGE")  # type: ignore[index]
    assert len(document["fault"]["message"]) < 400  # type: ignore[index]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("length", [245, 252, 256, 5000])
def test_a_database_whose_name_is_too_long_is_a_fault_that_leaves_nothing(
    run: Run, tmp_path: Path, length: int
) -> None:
    (tmp_path / "a.ndjson").write_text('{"email": "ann@example.com"}\n')
    for command in (("import", tmp_path / "a.ndjson", "--direct"), ("jobs", "list")):
        code, document = run(*command, "--database", tmp_path / ("n" * length))
        assert (code, document["fault"]["code"]) == (1, "DATABASE_UNREADABLE")  # type: ignore[index]
    assert [path.name for path in tmp_path.iterdir()] == ["a.ndjson"]


def test_a_database_whose_name_is_just_short_enough_can_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"email": "ann@example.com"}\n')
    database = tmp_path / ("n" * 240)
    assert run("import", tmp_path / "a.ndjson", "--direct", "--quiet", "--database", database)[0] == 0
    assert len(read_users(Settings(database=database))) == 1


@pytest.mark.parametrize("length", [250, 255, 256, 5000])
def test_a_plan_or_rejects_of_a_long_name_are_whole_or_a_fault(run: Run, tmp_path: Path, length: int) -> None:
    source = tmp_path / "a.ndjson"
    source.write_text('{"email": "ann@example.com"}\n{"email": "no"}\n')
    plan, rejects = (tmp_path / f"{letter * (length - 7)}.ndjson" for letter in "pr")
    code, summary = run("import", source, "--direct", "--quiet", "--plan", plan)
    if length > 255:
        assert (code, summary["fault"]["code"], summary["inserted"]) == (1, "FILE_UNREADABLE", 0)  # type: ignore[index]
        code, summary = run("import", source, "--direct", "--quiet")
    else:
        assert len(plan.read_text().splitlines()) == 2
    assert code == 3
    code, document = run("jobs", "rejects", summary["job_id"], "-o", rejects)
    if length > 255:
        assert (code, document["fault"]["code"]) == (1, "FILE_UNREADABLE")  # type: ignore[index]
    else:
        assert (code, len(rejects.read_text().splitlines())) == (0, 1)
    left = {path.name for path in tmp_path.iterdir()} - {source.name, "users.duckdb", "jobs"}
    assert left == ({plan.name, rejects.name} if length <= 255 else set())


@pytest.mark.parametrize("length", [250, 256, 5000])
def test_a_source_of_a_long_name_is_a_fault(run: Run, length: int) -> None:
    code, summary = run("import", "n" * length, "--direct", "--quiet")
    assert (code, summary["fault"]["code"] in ("FILE_NOT_FOUND", "FILE_UNREADABLE")) == (1, True)  # type: ignore[index]
