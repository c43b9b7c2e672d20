"""Names of databases, sources, connections and columns are never taken for a pattern, a URL or a statement.

What a job writes is private, and the database is neither read as a source nor overwritten.
"""

import csv
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from flows.import_users.cli import app as import_users
from flows.jobs.cli import app as jobs
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.errors import find_shortage
from flows.store.fault_points import on_fault_point
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs, find_job_named
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import DatabaseFault, ExitCode, FileFault
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import import_file, import_records, query_rows, read_users
from tests.marks import mostly_slow

ADA = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada"}
HOSTILE = (
    "a b",
    "q'uote\"s",
    "gl*b[1]{a,b}",
    "what?",
    "ünï-中-😀",
    "'); drop table users; --",
    "%s %d {0} ${jndi:x} $now",
    "back\\slash",
    "new\nline\tand tab",
    "-rf",
    "sqlite:x",
    ":memory:",
    "x#y%20?z=1",
)
WORST = ("q'uote\"s", "gl*b[1]{a,b}", "sqlite:x")  # that run always: a quote, a pattern, an address


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_what_a_job_writes_is_private_at_every_moment(mask: int, tmp_path: Path) -> None:
    seen: set[str] = set()
    open_to_others: set[str] = set()

    def look(step: str) -> None:
        for path in settings.database.parent.rglob("*"):
            seen.add(path.suffix)
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                open_to_others.add(f"{path} at {step}")

    source = tmp_path / "users.ndjson"
    with umask(mask):
        source.write_text(json.dumps(ADA) + '\n{"email": "no address"}\n')
        settings = Settings(database=tmp_path / "made for it" / "users.duckdb")
        settings.database.parent.mkdir()
        with on_fault_point(look):
            job = import_file(settings, source, name="job")
            undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
            write_rejects(Store(settings), "job", settings.database.parent / "rejects.ndjson")
            look("the end")
        assert os.umask(mask) == mask, "the umask of the process is restored"
    assert {".duckdb", ".wal", ".parquet", ".json", ".ndjson"} <= seen
    assert open_to_others == set()
    assert stat.S_IMODE(settings.jobs_folder.stat().st_mode) == 0o700


def test_no_folder_is_created_for_a_database_except_for_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "nope" / "deep" / "x.duckdb", Path("nope/x.duckdb")):
        with pytest.raises(
            DatabaseFault, match=f"there is no folder {path.absolute().parent} for the database x.duckdb"
        ):
            Store(Settings(database=path)).prepare()
    assert [*tmp_path.iterdir()] == []
    Store(Settings()).prepare()
    assert (tmp_path / "data" / "users.duckdb").is_file()


def test_a_database_that_others_can_read_stays_as_its_owner_made_it(settings: Settings, store: Store) -> None:
    store.path.chmod(0o666)
    import_records(settings, [ADA])
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o666


@pytest.mark.parametrize("name", mostly_slow((name for name in HOSTILE if not {"?", "\\"} & {*name}), quick=WORST))
def test_a_database_may_have_almost_any_name_in_any_folder(name: str, tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / name / name)
    (tmp_path / name).mkdir()
    job = import_records(settings, [ADA, {"email": "no address"}])
    assert (job.status, job.inserted) == (JobStatus.COMPLETED_WITH_ERRORS, 1)
    assert import_records(settings, [{**ADA, "name": "A."}]).updated == 1
    assert write_rejects(Store(settings), job.job_id, tmp_path / "rejects.csv").records == 1
    assert sorted(path.name for path in (tmp_path / name).iterdir() if path.suffix != ".ndjson") == sorted(
        [name, "jobs"]
    )
    assert query_rows(settings, "select name from users") == [("A.",)]


@pytest.mark.parametrize("name", ["what?.duckdb", "what?/users.duckdb", "back\\slash.duckdb"])
def test_database_names_that_duckdb_misreads_are_refused(name: str, tmp_path: Path) -> None:
    """DuckDB would look for the log under another name."""
    settings = Settings(database=tmp_path / name)
    with pytest.raises(DatabaseFault, match="cannot be the path of a DuckDB database"):
        Store(settings).prepare()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["sqlite:x", "md:x", "s3://x/y", ":memory:", "http://127.0.0.1:9/x"])
def test_the_name_of_a_database_is_only_a_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Store(Settings(database=Path(name))).prepare()
    assert (tmp_path / name).is_file()


def test_two_names_of_one_database_are_one_database(settings: Settings, store: Store, tmp_path: Path) -> None:
    """A job that runs under one name is not swept as lost under another."""
    other = Settings(database=tmp_path / "elsewhere" / "link.duckdb")
    other.database.parent.mkdir()
    other.database.symlink_to(store.path)

    def sweep_by_other_name(step: str) -> None:
        if step == "enter ready":
            end_lost_jobs(Store(other))

    with on_fault_point(sweep_by_other_name):
        assert import_records(settings, [ADA], name="job").status is JobStatus.COMPLETED
    assert find_job_named(Store(other), "job").summary.status is JobStatus.COMPLETED
    assert [path.name for path in other.database.parent.iterdir()] == ["link.duckdb"]


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(4000), b"junk" * 5000, b"PAR1PAR1"])
def test_a_file_that_is_not_a_database_is_not_changed(content: bytes, settings: Settings) -> None:
    settings.database.write_bytes(content)
    with pytest.raises(DatabaseFault) as caught:
        import_records(settings, [ADA])
    assert caught.value.code is ErrorCode.DATABASE_UNREADABLE
    assert settings.database.read_bytes() == content


def test_a_log_without_its_database_is_not_destroyed(settings: Settings) -> None:
    settings.database.unlink()
    log = settings.database.with_name("users.duckdb.wal")
    log.write_bytes(b"committed changes")
    with pytest.raises(DatabaseFault, match="holds changes of a database that does not exist"):
        import_records(settings, [ADA])
    assert log.read_bytes() == b"committed changes"
    assert not settings.database.exists()


def test_a_folder_that_cannot_be_written_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseFault, match=r"the folder .*/file/jobs cannot be created or written: not a directory"):
        import_file(Settings(database=tmp_path / "file" / "users.duckdb"), tmp_path / "x")


def code_of(summary: JobSummary) -> str | None:
    return summary.fault["code"] if summary.fault else None


@pytest.mark.parametrize("of", ["file", "link", "hard link"])
def test_the_database_is_refused_as_a_source(of: str, settings: Settings, store: Store, tmp_path: Path) -> None:
    """Closing it would release DuckDB's lock."""
    sources = {"file": store.path, "link": tmp_path / "link", "hard link": tmp_path / "hard link"}
    sources["link"].symlink_to(store.path)
    sources["hard link"].hardlink_to(store.path)
    summary = import_file(settings, sources[of], format="ndjson")
    assert summary.fault is not None
    assert "is the database itself" in summary.fault["message"]


def test_no_output_replaces_the_database_or_a_source(tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "users.csv")
    source = tmp_path / "more.csv"
    source.write_text("email\nada@x.example\nno address\n")
    before = source.read_bytes()
    for plan in (settings.database, source, tmp_path / "jobs" / ".." / "more.csv"):
        summary = import_file(settings, source, plan=str(plan), dry_run=True)
        assert code_of(summary) == ErrorCode.FILE_FORMAT
    job = import_file(settings, source)
    with pytest.raises(FileFault, match="is the database itself"):
        write_rejects(Store(settings), job.job_id, settings.database)
    assert source.read_bytes() == before
    assert len(read_users(settings)) == 1


@pytest.mark.parametrize("name", mostly_slow(HOSTILE, quick=(*WORST, "what?", "back\\slash", "-rf")))
def test_a_source_may_have_any_name(name: str, settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "in" / name
    source.parent.mkdir()
    source.write_text(json.dumps(ADA) + "\n")
    (tmp_path / "in" / "glob1a").write_text("not this one")
    summary = import_file(settings, source, format="ndjson")
    assert (summary.status, summary.inserted, summary.sources) == (JobStatus.COMPLETED, 1, (str(source),))


def test_a_source_may_be_named_by_a_link_or_with_parent_folders(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "users.ndjson").write_text(json.dumps(ADA) + "\n")
    (tmp_path / "link.ndjson").symlink_to(tmp_path / "in" / "users.ndjson")
    assert import_file(settings, tmp_path / "link.ndjson").inserted == 1
    assert import_file(settings, tmp_path / "in" / ".." / "in" / "users.ndjson").unchanged == 1


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "device", "socket", "loop", "locked"])
def test_what_is_not_a_file_is_refused_at_once(kind: str, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "source.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.mkdir()
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read any file")
    summary = import_file(settings, path)
    assert code_of(summary) == ErrorCode.FILE_UNREADABLE
    assert read_users(settings) == []


def test_nothing_is_fetched_from_another_private_address(settings: Settings) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        server.settimeout(0.3)
        port = server.getsockname()[1]
        for scheme in ("http:", "https:", "s3:", "ftp:", ""):
            name = f"{scheme}//127.0.0.2:{port}/users.json"
            assert main(import_users, [name, "--direct", "--quiet", "--database", str(settings.database)]) == 1
        with pytest.raises(TimeoutError):
            server.accept()


def schema_of(settings: Settings) -> list[tuple[object, ...]]:
    query = "select table_name, column_name, data_type from information_schema.columns order by all"
    return query_rows(settings, query)


@pytest.mark.parametrize("name", mostly_slow((name for name in HOSTILE if name.isprintable()), quick=WORST))
def test_connections_and_external_ids_may_have_any_printable_name(name: str, settings: Settings, store: Store) -> None:
    before = schema_of(settings)
    assert code_of(import_records(settings, [ADA], connection=name)) == ErrorCode.CONNECTION_NOT_FOUND
    add_connection(store, ConnectionSettings(connection=name))
    job = import_records(settings, [{**ADA, "user_id": "u-1"}], connection=name, external_id=name)
    assert (job.status, job.connection, job.external_id) == (JobStatus.COMPLETED, name, name)
    undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
    assert schema_of(settings) == before
    assert read_users(settings) == []


COLUMNS = (*HOSTILE, "*", "^.*$", "email;", '"; drop table users; --', "__proto__", "x" * 500, "record", "line", "text")


@pytest.mark.parametrize("form", mostly_slow(["csv", "ndjson", "json", "parquet"], quick=("csv", "ndjson")))
def test_columns_may_have_any_name_and_are_unknown_fields(
    form: str, settings: Settings, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = schema_of(settings)
    path = tmp_path / f"users.{form}"
    row = {"email": "ada@x.example", **dict.fromkeys(COLUMNS, "'); drop table users; --")}
    _write(path, form, row)
    summary = import_file(settings, path, Mode.INSERT)
    assert summary.errors_by_code == {"UNKNOWN_FIELD": len(COLUMNS)}
    assert import_file(settings, path, Mode.INSERT, unknown_fields="ignore").inserted == 1
    assert schema_of(settings) == before
    rejects = tmp_path / f"rejects.{form}"
    arguments = [summary.job_id, "--database", str(settings.database)]
    assert main(jobs, ["rejects", *arguments, "-o", str(rejects)]) == ExitCode.ALL_ROWS_IN
    assert main(jobs, ["errors", *arguments]) == ExitCode.ALL_ROWS_IN
    assert capsys.readouterr().out.count("UNKNOWN_FIELD") == len(COLUMNS)
    assert import_file(settings, rejects, Mode.INSERT).errors_by_code == {"UNKNOWN_FIELD": len(COLUMNS)}
    assert store.path.exists()


def _write(path: Path, form: str, row: dict[str, str]) -> None:
    if form == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([row.keys(), row.values()])
    elif form == "parquet":
        pl.DataFrame([row]).write_parquet(path)
    else:
        path.write_text(json.dumps([row] if form == "json" else row))


def test_values_may_be_any_text(settings: Settings, store: Store) -> None:
    assert store.path.exists()
    before = schema_of(settings)
    users = [
        {"email": f"{number}@x.example", "name": name.replace("\n", " ").replace("\t", " ")}
        for number, name in enumerate(HOSTILE)
    ]
    assert import_records(settings, users).inserted == len(HOSTILE)
    assert sorted(query_rows(settings, "select name from users")) == sorted((user["name"],) for user in users)
    assert schema_of(settings) == before


def test_the_parts_of_any_number_of_batches_stay_apart_and_in_order(settings: Settings) -> None:
    folder = JobFolder(settings.jobs_folder / "job")
    folder.create()
    numbers = [0, 9, 10, 99_998, 99_999, 100_000, 100_001, 999_999, 1_000_000, 10**9]
    for number in reversed(numbers):
        folder.write_last_part("errors", number, pl.DataFrame({"number": [-number]}))
        folder.write_part("errors", number, pl.DataFrame({"number": [number]}))
    assert _numbers_in(folder) == [*numbers, *(-number for number in numbers)]
    folder.remove_last_parts("errors")
    assert _numbers_in(folder) == numbers


def _numbers_in(folder: JobFolder) -> list[int]:
    return [pl.read_parquet(part, glob=False)["number"].item() for part in folder.parts("errors")]


def test_a_job_folder_counts_only_what_it_wrote_itself(settings: Settings, tmp_path: Path) -> None:
    folder = JobFolder(settings.jobs_folder / "job[1]*")
    folder.create()
    folder.write_part("accepted", 1, pl.DataFrame({"a": [1]}))
    assert [path.name for path in folder.parts("accepted")] == ["accepted-000000000001.parquet"]
    folder.remove_merge_files()
    assert folder.parts("accepted") == []
    assert find_shortage(FileNotFoundError(tmp_path)) is None
