"""Workbooks: cells become the texts that the sheet shows, and go the way of CSV cells."""

import datetime as dt
import importlib.util
import io
import json
import time
import zipfile
from pathlib import Path

import pytest

from flows.readers.decoder import parent
from flows.readers.limits import ReadLimits
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.job import JobStatus
from tests.flows.importing import import_file, query_rows, read_users
from tests.flows.readers.excel.workbooks import ods_number, ods_text, write_ods, write_xlsx
from tests.flows.readers.outcomes import Reader, RowError

ANN = ("ann@example.com", "Ann")


def records(texts: list[str]) -> list[dict[str, object]]:
    return [json.loads(text) for text in texts]


def test_a_sheet_is_read_as_a_csv_of_the_same_cells(reader: Reader) -> None:
    rows = [("E-Mail", "First name", "blocked"), ("ann@example.com", ' "A", nn ', "yes"), ("bo@example.com", "", "0")]
    sheet = reader.read(write_xlsx(*rows), "users.xlsx")
    text = 'E-Mail,First name,blocked\nann@example.com," ""A"", nn ",yes\nbo@example.com,,0\n'
    assert sheet == reader.read(text.encode(), "users.csv")


def test_the_line_of_a_record_is_the_number_of_its_row(reader: Reader) -> None:
    read = reader.read(
        write_xlsx((), ("# exported",), (None, "email"), (), (None, "a@x.example\nb"), (" ",)), "users.xlsx"
    )
    assert [(row.line, row.text) for row in read.rows] == [(5, r'{"email":"a@x.example\nb"}')]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (123, "General", "123"),
        (1.5, "General", "1.5"),
        (0.1 + 0.2, "General", "0.3"),
        (123456789012345, "General", "123456789012345"),
        (123, "00000", "00123"),
        (123, "0.00", "123"),
        (1234, "#,##0", "1234"),
        ("00123", "General", "00123"),
        ("12345678901234567890", "General", "12345678901234567890"),
        ("2024-01-02 03:04:05", "General", "2024-01-02 03:04:05"),
        (dt.datetime(2024, 1, 2), "dd/mm/yyyy", "2024-01-02"),  # noqa: DTZ001 - a workbook knows no zones
        (dt.datetime(2024, 1, 2, 3, 4, 5), "m/d/yy h:mm", "2024-01-02T03:04:05"),  # noqa: DTZ001
        (dt.time(3, 4, 5), "h:mm", "03:04:05"),
        (True, "General", "true"),
    ],
)
def test_a_value_is_read_as_the_sheet_shows_it(value: object, number_format: str, text: str, reader: Reader) -> None:
    content = write_xlsx(("email", "user_id"), ("ann@example.com", value), formats={1: number_format})
    assert records(reader.read(content, "users.xlsx").texts) == [{"email": "ann@example.com", "user_id": text}]


@pytest.mark.parametrize(
    ("value", "number_format", "reason"),
    [
        (12345678901234567890, "General", "more than 15 digits"),
        (1e15, "0", "more than 15 digits"),
        (123456789, "000-00-0000", "in another form"),
        (1.5, "00000", "in another form"),
        (1.25, "[h]:mm", "a duration"),
        ("=NA()", "General", "the error #N/A"),
    ],
)
def test_a_value_that_is_not_what_was_written_refuses_its_row(
    value: object, number_format: str, reason: str, reader: Reader
) -> None:
    rows = [("email", "user_id"), ("ann@example.com", value), ("bo@example.com", "2")]
    content = write_xlsx(*rows, formats={1: number_format})
    content = with_error(content) if value == "=NA()" else content
    read = reader.read(content, "users.xlsx")
    assert (read.errors, [row.record for row in read.rows]) == ([RowError(1, 2, "INVALID_TYPE")], [2])
    assert reason in read.messages[0]


def with_error(content: bytes) -> bytes:
    """Return the workbook with the error that a program has saved with a formula."""
    return edit_sheet(content, b"<f>NA()</f><v>0</v>", b"<f>NA()</f><v>#N/A</v>", (b'<c r="B2"', b'<c r="B2" t="e"'))


def edit_sheet(content: bytes, old: bytes, new: bytes, *more: tuple[bytes, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            data = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                for found, replacement in ((old, new), *more):
                    assert found in data
                    data = data.replace(found, replacement)
            after.writestr(name, data)
    return file.getvalue()


def test_a_formula_is_read_as_its_saved_value_and_refused_without_one(reader: Reader) -> None:
    content = write_xlsx(("email", "user_id"), ("ann@example.com", "=1+1"), ("bo@example.com", "=2+2"))
    content = edit_sheet(content, b"<f>1+1</f><v>0</v>", b"<f>1+1</f><v>2</v>", (b"<f>2+2</f><v>0</v>", b"<f>2+2</f>"))
    read = reader.read(content, "users.xlsx")
    assert records(read.texts) == [{"email": "ann@example.com", "user_id": "2"}]
    assert read.errors == [RowError(2, 3, "INVALID_TYPE")]
    assert "a formula without a saved value" in read.messages[0]


def test_an_ignored_column_refuses_no_row(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "users.xlsx"
    path.write_bytes(write_xlsx(("email", "serial"), ("ann@example.com", 12345678901234567890)))
    assert import_file(settings, path).failed == 1
    assert import_file(settings, path, unknown_fields="ignore").inserted == 1


def test_an_open_document_is_read_as_a_workbook(reader: Reader) -> None:
    duration = '<table:table-cell office:value-type="time" office:time-value="PT30H00M00S"/>'
    date = '<table:table-cell office:value-type="date" office:date-value="2024-01-02"/>'
    blank = '<table:table-cell table:number-columns-repeated="2"/>'
    content = write_ods(
        ods_text("email") + ods_text("user_id"),
        ods_text("a@x.example") + ods_number("123", "00123"),
        f'<table:table-row table:number-rows-repeated="2">{blank}</table:table-row>',
        ods_text("b@x.example") + ods_number("123", "123"),
        ods_text("c@x.example") + ods_number("12345678901234567890", "1.2E19"),
        ods_text("d@x.example") + duration,
        ods_text("e@x.example") + date,
    )
    read = reader.read(content, "users.ods")
    assert [(row.line, json.loads(row.text)["user_id"]) for row in read.rows] == [
        (2, "00123"),
        (5, "123"),
        (8, "2024-01-02"),
    ]
    assert read.errors == [RowError(3, 6, "INVALID_TYPE"), RowError(4, 7, "INVALID_TYPE")]


def test_the_first_sheet_that_is_shown_is_read_or_the_one_that_is_named(reader: Reader) -> None:
    users, more = [("email",), ("a@x.example",)], [("email",), ("b@x.example",)]
    content = write_xlsx(("lists",), sheets={"Users": users, "More": more}, hidden=["Lists"], first="Lists")
    assert records(reader.read(content, "users.xlsx").texts) == [{"email": "a@x.example"}]
    assert records(reader.read(content, "users.xlsx", sheet="More").texts) == [{"email": "b@x.example"}]
    fault = reader.fault(content, "users.xlsx", sheet="more")
    assert (fault.code, fault.message, fault.hint) == (
        ErrorCode.FILE_FORMAT,
        "users.xlsx has no sheet 'more'; its sheets are: Lists, Users, More",
        "name one with --sheet",
    )


def test_rows_that_do_not_fit_the_header_are_refused_alone(reader: Reader) -> None:
    content = write_xlsx(("email", "name"), ("a@x.example", "A", "B"), ("b@x.example", "x" * 300), ("c@x.example",))
    read = reader.read(content, "users.xlsx", limits=ReadLimits(value_bytes=200))
    assert read.errors == [RowError(1, 2, "ROW_TOO_LONG"), RowError(2, 3, "TOO_LARGE")]
    assert read.refused == ['"a@x.example","A","B"', None]
    assert records(read.texts) == [{"email": "c@x.example"}]


def test_no_result_depends_on_the_batches(reader: Reader) -> None:
    rows = [("email", "name"), *((f"user{number}@example.com", "x" * number) for number in range(20)), (), ("z",)]
    whole = reader.read(write_xlsx(*rows), "users.xlsx")
    assert reader.read(write_xlsx(*rows), "users.xlsx", limits=ReadLimits(batch_rows=3, batch_bytes=100)) == whole


def test_a_workbook_without_rows_is_empty(reader: Reader) -> None:
    assert reader.fault(write_xlsx(), "users.xlsx").code is ErrorCode.FILE_EMPTY


def test_a_workbook_is_told_by_its_content(reader: Reader) -> None:
    content = write_xlsx(("email",), ("a@x.example",))
    assert len(reader.read(content, "users").rows) == 1
    assert reader.fault(content, "users.csv").message == "users.csv looks like a workbook, but its name says otherwise"
    assert "something else than a workbook" in reader.fault(b"hello", "users.xlsx").message
    message = "users.xlsx looks like CSV, but --format is excel"
    assert reader.fault(b"email\na@x.example\n", "users.xlsx", requested="excel").message == message


def test_workbooks_that_cannot_be_read_are_named(reader: Reader) -> None:
    ole = b"\xd0\xcf\x11\xe0".ljust(30, b"\0") + b"\x09\0".ljust(18, b"\0") + b"\0" * 464
    encrypted = ole + "EncryptedPackage".encode("utf-16-le").ljust(512, b"\0")
    assert (
        "looks like an old Excel workbook, which is not supported"
        in reader.fault(ole + b"\0" * 512, "users.xls").message
    )
    assert "looks like an encrypted workbook" in reader.fault(encrypted, "users.xlsx").message
    manifest = "<manifest><encryption-data/></manifest>"
    assert "looks like an encrypted workbook" in reader.fault(write_ods(manifest=manifest), "users.ods").message
    damaged = write_xlsx(("email",), ("a@x.example",))[:-30]
    assert reader.fault(damaged, "users.xlsx").code is ErrorCode.FILE_FORMAT
    broken = edit_sheet(write_xlsx(("email",), ("a@x.example",)), b"</sheetData>", b"<row")
    fault = reader.fault(broken, "users.xlsx")
    assert (fault.code, "cannot be read as a workbook" in fault.message) == (ErrorCode.FILE_SYNTAX, True)


def test_a_bomb_is_refused_before_it_is_unpacked(reader: Reader) -> None:
    content = edit_sheet(write_xlsx(("email",)), b"</sheetData>", b"<!--" + b" " * (70 << 20) + b"--></sheetData>")
    fault = reader.fault(content, "users.xlsx")
    assert (fault.code, fault.message) == (
        ErrorCode.FILE_UNREADABLE,
        "users.xlsx decompresses to more than 67,108,864 bytes",
    )


def test_malformed_cells_take_no_more_time_than_others(reader: Reader) -> None:
    comment = b"<!--" + b"<c r" * (1 << 20) + b"<c <f>" * (1 << 19) + b"-->"
    content = edit_sheet(write_xlsx(("email",), ("a@x.example",)), b"</sheetData>", b"</sheetData>" + comment)
    began = time.monotonic()
    assert records(reader.read(content, "users.xlsx").texts) == [{"email": "a@x.example"}]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("place", [b"XFD1048576", b"A1048576"])
def test_a_sheet_that_needs_too_much_memory_is_refused(place: bytes, reader: Reader) -> None:
    content = edit_sheet(
        write_xlsx(("email",), ("a@x.example",)), b'r="A2"', b'r="%s"' % place, (b'<row r="2"', b'<row r="1048576"')
    )
    read = reader.fault if place.startswith(b"X") else reader.read
    found = read(content, "users.xlsx", limits=ReadLimits(workbook_bytes=1 << 29))
    if place.startswith(b"X"):
        assert getattr(found, "hint", "").endswith("raise IMPORT_WORKBOOK_BYTES")
    else:
        assert getattr(found, "rows", [])[0].line == 1_048_576


def test_a_reader_that_crashes_refuses_the_file(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "_PROGRAM", "import os; os.abort()")
    fault = reader.fault(write_xlsx(("email",)), "users.xlsx")
    assert (fault.code, "signal 6" in fault.message) == (ErrorCode.FILE_SYNTAX, True)


def test_a_missing_reader_is_named_with_its_extra(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    fault = reader.fault(write_xlsx(("email",)), "users.xlsx")
    assert (fault.code, fault.hint) == (ErrorCode.FILE_FORMAT, "install it: `pip install 'user-import[excel]'`")


def test_refused_rows_of_a_workbook_are_corrected_as_csv(settings: Settings, tmp_path: Path) -> None:
    path, fix = tmp_path / "users.xlsx", tmp_path / "fix.csv"
    path.write_bytes(
        write_xlsx(("email", "user_id", "blocked"), ("a@x.example", 1, "no"), (), ("b@x.example", 1e20, "maybe"))
    )
    job = import_file(settings, path)
    assert (job.status, job.inserted, job.failed, job.blank_lines) == (JobStatus.COMPLETED_WITH_ERRORS, 1, 1, 1)
    assert query_rows(settings, "select line, path, code from import_errors") == [(4, "user_id", "INVALID_TYPE")]
    assert write_rejects(Store(settings), job.job_id, fix).records == 1
    header, row = fix.read_text().splitlines()
    assert header.endswith("import_messages,email,user_id,blocked")
    fix.write_text(f"{header}\n{row.replace('100000000000000000000', '2').replace('maybe', 'no')}\n")
    assert import_file(settings, fix).inserted == 1
    assert [user["user_id"] for user in read_users(settings)] == ["1", "2"]


def test_refused_rows_are_not_written_as_a_workbook(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "users.xlsx"
    path.write_bytes(write_xlsx(("email",), ("wrong",), ("a@x.example",)))
    job = import_file(settings, path)
    with pytest.raises(Exception, match=r"refused records cannot be written as \*\.xlsx"):
        write_rejects(Store(settings), job.job_id, tmp_path / "fix.xlsx")
