"""Good files that are not quite as a reader would like them are imported, and the summary says what was passed over."""

import bz2
import gzip
import io
import json
import lzma
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.jobs import find_errors, get_job_row, options_of
from schemas.job import JobStatus, Mode
from tests.flows.importing import import_file, query_rows, read_users

BLANK_ROWS = {
    "between": 'email,name\na@b.c,A\n,\n , \n"",""\n\nd@b.c,D\n',
    "above": ',,\n"",""\nemail,name\na@b.c,A\nd@b.c,D\n',
    "below, with a BOM and CRLF": "\ufeff\r\nemail,name\r\na@b.c,A\r\nd@b.c,D\r\n,\r\n\r\n",
    "with CR": 'email,name\r,\ra@b.c,A\r" ",\u00a0\rd@b.c,D\r,',
}
COUNTS = {"between": 4, "above": 2, "below, with a BOM and CRLF": 3, "with CR": 3}


def write(settings: Settings, name: str, content: bytes) -> Path:
    path = settings.database.parent / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("place", BLANK_ROWS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_blank_rows_are_counted_and_fail_no_job(place: str, separator: str, settings: Settings) -> None:
    path = write(settings, "users.csv", BLANK_ROWS[place].replace(",", separator).encode())
    summary = import_file(settings, path, on_error="fail")
    assert (summary.status, summary.inserted, summary.total) == (JobStatus.COMPLETED, 2, 2)
    assert summary.blank_lines == COUNTS[place]
    assert query_rows(settings, "select blank_lines from import_jobs") == [(COUNTS[place],)]


def test_blank_lines_of_ndjson_and_of_a_file_without_users_are_counted(settings: Settings) -> None:
    path = write(settings, "users.ndjson", b'\n{"email":"a@b.c"}\r\n \r\n\n')
    assert import_file(settings, path).blank_lines == 3
    summary = import_file(settings, write(settings, "none.csv", b"email,name\n,\n,\n"))
    assert (summary.status, summary.total, summary.blank_lines) == (JobStatus.COMPLETED, 0, 2)


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("version:v1.0\n", 2),
        ("\ufeffversion:v1.0,,\r\n", 2),
        ("#TYPE System.Management.Automation.PSCustomObject\n", 2),
        ('"#TYPE Selected.User"\n', 2),
        ("# exported by ann@example.com\n#\n\n", 4),
    ],
)
def test_lines_above_a_header_are_skipped_with_a_warning(above: str, line: int, settings: Settings) -> None:
    path = write(settings, "users.txt", f"{above}email,name\na@b.c,A\nbad,B\n".encode())
    summary = import_file(settings, path)
    errors = find_errors(Store(settings), summary.job_id)
    assert (summary.inserted, summary.failed, summary.warnings) == (1, 1, 1)
    (warning,) = [error for error in errors if error["severity"] == "warning"]
    assert (warning["code"], warning["line"]) == ("LINE_SKIPPED", 1)
    assert f"the header is in line {line};" in str(warning["message"])
    assert [error["line"] for error in errors if error["code"] == "FORMAT"] == [line + 2]
    assert "example.com" not in str(errors)


@pytest.mark.parametrize("text", ["# no header\na@b.c,A\n", "#,email\n1,a@b.c\n"])
def test_a_line_above_no_header_and_a_header_that_begins_like_one_are_kept(text: str, settings: Settings) -> None:
    summary = import_file(settings, write(settings, "users.csv", text.encode()), unknown_fields="ignore")
    if text.startswith("#,"):
        assert (summary.inserted, summary.warnings) == (1, 1)
    else:
        assert (summary.fault or {}).get("code") == "FILE_FORMAT"
        assert read_users(settings) == []


def test_the_hint_for_another_encoding_is_the_command_that_imports_the_file(settings: Settings) -> None:
    text = "E-Mail;Name;Straße\na@b.c;Zoë;x\nbad;Nuñez\n"
    path = write(settings, "users ü.csv", text.encode("cp1252"))
    failed = import_file(settings, path, unknown_fields="ignore")
    command = (failed.fault or {})["hint"].split("`")[1]
    assert shlex.split(command) == [
        *("python", "-m", "flows.import_users", str(path), "--encoding", "cp1252", "--mode", "upsert"),
        *("--unknown-fields", "ignore", "--again", "--database", str(settings.database)),
    ]
    assert read_users(settings) == []
    summary = import_file(settings, path, unknown_fields="ignore", encoding="cp1252")
    assert [user["name"] for user in read_users(settings)] == ["Zoë"]
    rejects = settings.database.parent / "fix.csv"
    write_rejects(Store(settings), summary.job_id, rejects)
    assert "bad;Nuñez" in rejects.read_text(encoding="utf-8")
    options = options_of(get_job_row(Store(settings), summary.job_id), sources=(str(path),))
    assert options.encoding == "cp1252"


def test_the_same_bytes_in_another_encoding_are_another_import(settings: Settings) -> None:
    path = write(settings, "users.csv", "email,name\na@b.c,Zoë\n".encode("cp1252"))
    first = import_file(settings, path, encoding="cp1252", again=False)
    assert import_file(settings, path, encoding="windows-1252", again=False).job_id == first.job_id
    assert import_file(settings, path, encoding="cp1251", again=False).job_id != first.job_id


def test_a_file_of_several_in_another_encoding_is_imported_alone(settings: Settings) -> None:
    other = write(settings, "a.csv", "email,name\na@b.c,Zoë\n".encode("utf-16"))
    folder = other.parent / "files"
    folder.mkdir()
    other.rename(folder / "a.csv")
    (folder / "b.csv").write_bytes(b"email\nb@b.c\n")
    hint = (import_file(settings, folder).fault or {})["hint"]
    assert f"{folder / 'a.csv'} --encoding utf-16" in hint


USERS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.text("Aé€Łя本😀 ,;|\"'#\\", min_size=1, max_size=6).map(lambda text: f"x{text}x"),
            "blocked": st.booleans(),
        },
    ),
    max_size=4,
)
WRAPPERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data) + bytes(7),
    ".bz2": lambda data: bz2.compress(data[:9]) + bz2.compress(data[9:]),
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "gb18030")
FORMS = ("csv", "tsv", "json", "ndjson", "parquet")


def write_as(form: str, users: list[dict[str, object]]) -> str:
    """Return the users as a text of a format."""
    lines = [json.dumps(user, ensure_ascii=False) for user in users]
    if form == "ndjson":
        return "\n".join(lines) + "\n"
    if form == "json":
        return f"[{','.join(lines)}]"
    frame = pl.DataFrame(users, schema={"email": pl.String, "name": pl.String, "blocked": pl.Boolean})
    return frame.write_csv(separator="\t" if form == "tsv" else ",")


@pytest.mark.slow
@given(
    users=USERS,
    shape=st.tuples(
        st.sampled_from(FORMS),
        st.sampled_from(("", "json", "ndjson", "txt")),
        st.sampled_from(ENCODINGS),
        st.sampled_from(sorted(WRAPPERS)),
    ),
)
@trials(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_users_give_the_same_table_in_every_form(
    users: list[dict[str, object]], shape: tuple[str, str, str, str], settings: Settings
) -> None:
    form, named, encoding, wrapper = shape
    records = [{"email": f"u{number}@b.c", **user} for number, user in enumerate(users)] or [{"email": "a@b.c"}]
    ending = named if named and form in ("json", "ndjson") else form
    if form == "parquet":
        frame = pl.DataFrame(records, schema={"email": pl.String, "name": pl.String, "blocked": pl.Boolean})
        frame.write_parquet(out := io.BytesIO())
        content, encoding, wrapper = out.getvalue(), "utf-8", ""
    else:
        content = write_as(form, records).encode(encoding)
    path = write(settings, f"users.{ending}{wrapper}", WRAPPERS[wrapper](content))
    summary = import_file(settings, path, Mode.UPSERT, encoding=encoding, connection="default")
    assert (summary.status, summary.total, summary.failed, summary.warnings) == (
        JobStatus.COMPLETED, len(records), 0, 0,
    )  # fmt: skip
    stored = {str(user["email"]): user for user in read_users(settings)}
    for record in records:
        found = stored[str(record["email"])]
        assert {name: found[name] for name in record} == record
