"""A forgotten user is in no file of an inbox, whatever its format; every other byte is as it was."""

import bz2
import json
import lzma
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pytest

from flows.inbox.archive import Filing, Opened, Outcome, file_away
from flows.inbox.folder import ARCHIVES, Inbox
from flows.inbox.reports import filed_files
from flows.jobs.cli import app as jobs
from flows.jobs.forget import forget
from flows.pipeline.undo import undo
from flows.readers.sources import Source
from flows.report.command_line import main
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.jobs import find_errors
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import ExitCode, JobFault
from schemas.job import Mode
from tests.flows.importing import import_file, import_records, query_rows, read_users
from tests.flows.jobs.test_forget import ADA, MARKER, by_email, contents, find_bytes
from tests.flows.readers.excel.workbooks import write_xlsx
from tests.population import user

ROW = 'ADA@hidden.example,"Zq\nTwo",u-hidden\n\n'
CSV = f'email,name,user_id\nkept@x.example,"Two\nLines",u-1\n{ROW}last@x.example,Last,u-3\n'
USERS = (
    '\n {"email": "kept@x.example", "n": 1.0}',
    '\n {"email": "ada@hidden.example", "name": "Zq"}',
    ' {"email":"last@x.example"}\n',
)
ARRAY = f'{{"about": 1.50, "users": [{",".join(USERS)}] }}\n'
LINES = (
    '{"email": "kept@x.example"}\r\n\r\n{"email": "Ada@hidden.example", "name": "Zq"}\r\n{"email": "last@x.example"}'
)
FILES = {
    "users.csv": (CSV, CSV.replace(ROW, "")),
    "bom.csv": ("\ufeff" + CSV, "\ufeff" + CSV.replace(ROW, "")),
    "users.json": (ARRAY, ARRAY.replace(f",{USERS[1]}", "")),
    "first.json": (
        '[{"email":"ada@hidden.example","name":"Zq"}, {"email":"last@x.example"}]',
        '[{"email":"last@x.example"}]',
    ),
    "users.ndjson": (LINES, LINES.replace('{"email": "Ada@hidden.example", "name": "Zq"}\r\n', "")),
    "only.ndjson": ('{"email": "ada@hidden.example", "name": "Zq"}\n', None),
}


@pytest.fixture
def inbox(settings: Settings) -> Path:
    """Return an inbox that has imported a file, which a job of the default connection has read."""
    folder = settings.database.parent / "in"
    folder.mkdir()
    with Inbox(folder).try_lock():
        pass
    first = folder / "first.ndjson"
    first.write_text(json.dumps(ADA) + "\n" + json.dumps(user(1)) + "\n")
    archive(settings, folder, first)
    return folder


def archive(settings: Settings, inbox: Path, path: Path, outcome: Outcome = "done", **options: Any) -> Path:
    """Import a file of the inbox and file it, as the flow does."""
    summary = import_file(settings, path, Mode.INSERT, **options)
    opened = Opened(Source(path.name, path, 0))
    with closing(opened.file):
        filing = Filing(
            summary,
            [*find_errors(Store(settings), summary.job_id)],
            write_rejects=lambda rejects: write_rejects(Store(settings), summary.job_id, rejects).records,
        )
        _, filed = file_away(Inbox(inbox), path, opened, filing, outcome)
    assert filed is not None
    return filed


@pytest.mark.parametrize("name", FILES)
def test_files_of_the_inbox_lose_the_user_and_keep_every_other_byte(name: str, inbox: Path, settings: Settings) -> None:
    before, after = FILES[name]
    waiting, done = inbox / name, inbox / "done" / name
    for path in (waiting, done):
        path.write_bytes(before.encode())
        path.chmod(0o640)
    found = forget(Store(settings), by_email())
    assert {file.path for file in found.files} >= {waiting, done}
    for path in (waiting, done):
        if after is None:
            assert not path.exists()
        else:
            assert path.read_bytes().decode() == after
            assert path.stat().st_mode & 0o777 == 0o640
    assert json.loads((inbox / "done" / "first.ndjson").read_text())["user_id"] == "u-1"
    assert find_bytes(inbox, MARKER, b"hidden") == []


def test_errors_lose_the_key_and_the_file_that_name_the_user(settings: Settings) -> None:
    path = settings.database.parent / "ada@hidden.example.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in (ADA, {"email": "no address"}, {"email": "x@x.example"})))
    first = import_file(settings, path, Mode.INSERT)
    warned = import_records(settings, [{**ADA, "name": " Zq Hidden"}, {"email": "ada@hidden.example", "x": 1}, user(1)])
    assert len(query_rows(settings, "select 1 from import_errors where key ilike '%hidden%'")) == 2
    assert len(query_rows(settings, "select 1 from import_errors where source like '%hidden%'")) == 1
    shutil.rmtree(settings.jobs_folder / warned.job_id)
    found = forget(Store(settings), by_email())
    assert found.tables["import_errors"] == 3
    named = str(path.with_name("erased.ndjson"))
    left = query_rows(settings, "select job_id, source, key from import_errors")
    assert left == [(first.job_id, named, "no address")]
    path.unlink()
    assert "idden" not in contents(settings)
    assert find_bytes(settings.jobs_folder, MARKER, b"hidden") == []
    assert find_bytes(settings.database.parent, b"hidden.example", b"Zq Hidden") == [
        str(path) for path in settings.database.parent.glob("*.ndjson") if MARKER in path.read_bytes()
    ]


KINDS: Mapping[str, Literal["gzip", "zstd"] | None] = {"a.ndjson.gz": "gzip", "a.ndjson.zst": "zstd", "a.parquet": None}


@pytest.mark.parametrize("name", KINDS)
def test_compressed_files_of_the_inbox_lose_the_user(name: str, inbox: Path, settings: Settings) -> None:
    rows = [
        {"email": "kept@x.example", "n": 2**60},
        {"email": "ada@hidden.example", "n": 1},
        {"email": "last@x.example", "n": 3},
    ]
    path, kind = inbox / name, KINDS[name]
    if kind is None:
        pl.DataFrame(rows).write_parquet(path, row_group_size=1)
    else:
        with pa.CompressedOutputStream(str(path), kind) as stream:
            stream.write("".join(json.dumps(row) + "\n" for row in rows).encode())
    forget(Store(settings), by_email())
    read = pl.read_parquet(path).to_dicts() if kind is None else pl.read_ndjson(path).to_dicts()
    assert read == [rows[0], rows[2]]


@pytest.mark.parametrize("name", ["a.ndjson.bz2", "a.json.xz"])
def test_files_compressed_by_other_means_lose_the_user(name: str, inbox: Path, settings: Settings) -> None:
    opened = bz2.open if name.endswith(".bz2") else lzma.open
    with opened(inbox / name, "wb") as stream:
        stream.write(b'{"email": "kept@x.example"}\n{"email": "ada@hidden.example"}\n')
    forget(Store(settings), by_email())
    with opened(inbox / name, "rb") as stream:
        assert stream.read() == b'{"email": "kept@x.example"}\n'


def test_a_file_that_cannot_be_read_is_named(
    inbox: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = inbox / "broken.json"
    broken.write_text('[{"email": "ada@hidden.example", "name": "Zq"}, {"email"')
    other = inbox / "other.json"
    other.write_text('[{"email": "kept@x.example"}, {"email"')
    command = ["forget", "--email", "ada@hidden.example", "--yes", "--json", "--database", str(settings.database)]
    assert main(jobs, command) == ExitCode.JOB_FAILED
    left = json.loads(capsys.readouterr().out)["left"]
    assert [place["path"] for place in left] == [str(broken)]
    assert "idden" not in contents(settings)
    assert broken.exists()


def test_hidden_files_and_names_of_any_bytes_lose_the_user_and_subfolders_are_named(
    inbox: Path, settings: Settings
) -> None:
    names = (".hidden.ndjson", "users.ndjson.report.json", "caf\udce9.ndjson")
    for name in names:
        (inbox / name).write_text("".join(json.dumps(found) + "\n" for found in ({"email": "zoe@x.example"}, ADA)))
    (inbox / "folder").mkdir()
    found = forget(Store(settings), by_email())
    assert [(inbox / name).read_text() for name in names] == ['{"email": "zoe@x.example"}\n'] * 3
    assert [*found.left] == [inbox / "folder"]


def test_names_of_files_and_reports_lose_the_user(inbox: Path, settings: Settings) -> None:
    path = inbox / "ada@hidden.example.json"
    path.write_text(json.dumps([ADA, user(1), {**user(5), "username": "hidden_name"}, {**user(4), "blocked": "x"}]))
    archive(settings, inbox, path, external_id="ada@hidden.example")
    forget(Store(settings), by_email())
    assert sorted(file.name for file in (inbox / "done").iterdir()) == sorted(
        ["erased.json", "erased.json.report.json", "first.ndjson", "first.ndjson.report.json"]
    )
    assert find_bytes(settings.database.parent, b"hidden") == []
    assert "hidden" not in contents(settings)
    report = json.loads((inbox / "done" / "erased.json.report.json").read_text())
    assert {error["record"] for error in report["errors"]} == {2, 4}


@pytest.mark.parametrize("folder", ARCHIVES)
def test_every_folder_of_an_inbox_loses_the_user_and_its_files_do_not_count_as_changed(
    folder: Outcome, inbox: Path, settings: Settings
) -> None:
    path = inbox / "users.ndjson"
    path.write_text("".join(json.dumps({**one, "blocked": "x"}) + "\n" for one in (ADA, user(3))) + json.dumps(user(4)))
    archive(settings, inbox, path, folder)
    rejects = inbox / folder / "users.rejects.ndjson"
    assert rejects.exists() == (folder in {"partly", "refused"})
    forget(Store(settings), by_email())
    assert find_bytes(inbox, b"idden") == []
    assert len((inbox / folder / "users.ndjson").read_text().splitlines()) == 2
    assert not rejects.exists() or len(rejects.read_text().splitlines()) == 1
    assert [filed.is_changed for filed in filed_files(Inbox(inbox))] == [False, False]


def test_names_of_others_stay_that_are_the_username(inbox: Path, settings: Settings) -> None:
    path = inbox / "hidden_name.json"
    path.write_text(json.dumps([user(7)]))
    job = archive(settings, inbox, path, external_id="hidden_name").name
    assert job == "hidden_name.json"
    forget(Store(settings), by_email())
    names = query_rows(settings, "select external_id, sources from import_jobs where external_id is not null")
    assert names == [("hidden_name", [str(path)])]
    assert {"hidden_name.json", "hidden_name.json.report.json"} <= {file.name for file in (inbox / "done").iterdir()}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "array.ndjson",
            b'[{"email": "kept@x.example"}, {"email": "ada@hidden.example"}]\n{"email": "last@x.example"}\n',
            "names the user and others",
        ),
        ("uploading.json.part", b'[{"email": "ada@hidden.example"}]', "not complete"),
        ("users.xlsx", b"PK\x03\x04\0\0", "is not text"),
        ("sheet.xlsx", write_xlsx(("email",), ("ada@hidden.example",)), "a workbook or an archive, and names the user"),
    ],
)
def test_a_file_whose_records_cannot_be_told_apart_is_named_and_stays(
    name: str, content: bytes, reason: str, inbox: Path, settings: Settings
) -> None:
    (inbox / name).write_bytes(content)
    assert reason in forget(Store(settings), by_email()).left[inbox / name]
    assert (inbox / name).read_bytes() == content


def test_records_of_another_user_with_a_former_username_stay(settings: Settings) -> None:
    """The username was another's until an undo removed that user."""
    earlier = {"email": "kept@x.example", "user_id": "u-kept", "username": "hidden_name"}
    job = import_records(settings, [earlier], Mode.INSERT).job_id
    undo(job, dry_run=False, settings=settings, job_id="undo")
    import_records(settings, [ADA], Mode.INSERT)
    forget(Store(settings), by_email())
    assert len(find_bytes(settings.jobs_folder, b"u-kept")) > 0
    assert find_bytes(settings.jobs_folder, MARKER) == []
    undo("undo", dry_run=False, settings=settings, job_id="undo of undo")
    assert [row["username"] for row in read_users(settings)] == ["hidden_name"]


def test_files_of_another_connection_stay(inbox: Path, settings: Settings) -> None:
    add_connection(Store(settings), ConnectionSettings(connection="crm"))
    path = inbox / "crm.json"
    path.write_text(json.dumps([ADA, user(1)]))
    filed = archive(settings, inbox, path, connection="crm")
    before = filed.read_bytes()
    forget(Store(settings), by_email())
    assert filed.read_bytes() == before
    forget(Store(settings), by_email(), connection_id="crm")
    assert b"hidden" not in filed.read_bytes()


def test_an_inbox_can_be_named(settings: Settings, tmp_path: Path) -> None:
    import_records(settings, [user(1)], Mode.INSERT)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "a.ndjson").write_text(json.dumps(ADA) + "\n" + json.dumps(user(2)) + "\n")
    command = ["forget", "--email", "ada@hidden.example", "--yes", "--database", str(settings.database)]
    assert main(jobs, command) == ExitCode.JOB_FAILED
    assert main(jobs, [*command, "--inbox", str(folder)]) == ExitCode.ALL_ROWS_IN
    assert find_bytes(folder, b"hidden") == []


def test_an_inbox_at_work_stops_the_command(inbox: Path, settings: Settings) -> None:
    before = contents(settings)
    with Inbox(inbox).try_lock(), pytest.raises(JobFault) as caught:
        forget(Store(settings), by_email())
    assert caught.value.code is ErrorCode.JOB_RUNNING
    assert contents(settings) == before
