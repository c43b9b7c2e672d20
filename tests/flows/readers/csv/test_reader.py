"""CSV: every dialect is read; a row that does not fit is refused alone, an open quote refuses the file."""

import json

import pytest

from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode
from schemas.profiles import REJECT_COLUMNS
from tests.flows.readers.outcomes import SMALL, Reader


def parse_objects(texts: list[str]) -> list[dict[str, str]]:
    return [json.loads(text) for text in texts]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
@pytest.mark.parametrize("batch_bytes", [1, 10_000])
def test_every_dialect_gives_the_same_records(
    start: str, end: str, separator: str, batch_bytes: int, reader: Reader
) -> None:
    rows = [
        ["email", "name", "nickname"],
        ["a@b.c", '"Ann, ""A""; | \t"', ""],
        [],
        ["b@b.c", '"two\nlines"', '""'],
        ["c@b.c", "x", "n"],
    ]
    content = start + end.join(separator.join(row) for row in rows) + end
    outcome = reader.read(content.encode(), "users.csv", limits=ReadLimits(batch_bytes=batch_bytes))
    assert parse_objects(outcome.texts) == [
        {"email": "a@b.c", "name": 'Ann, "A"; | \t'},
        {"email": "b@b.c", "name": "two\nlines"},
        {"email": "c@b.c", "name": "x", "nickname": "n"},
    ]
    first = 2 + start.count("\n")
    assert [row.line for row in outcome.rows] == [first, first + 2, first + 4]


def test_cells_are_read_unchanged(reader: Reader) -> None:
    values = [
        "00123",
        " padded ",
        "null",
        "NaN",
        "=1+1",
        "'quoted'",
        "\u00e4\u4e2d\U0001f600",
        "a\r\nb",
        "back\\slash",
        "\x00\x01\x7f",
        "1e400",
    ]
    rows = "".join(f'"{value}",x\n' for value in values)
    outcome = reader.read(f"name,email\n{rows}".encode(), "users.csv")
    assert [record["name"] for record in parse_objects(outcome.texts)] == values


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Email , GIVEN_NAME,family-name", ["email", "given_name", "family_name"]),
        ("E-Mail,First Name,Last Name", ["email", "given_name", "family_name"]),
        ('"email",*,^.*$', ["email", "*", "^.*$"]),
        ('email,Shoe Size,is"Admin', ["email", "Shoe Size", 'is"Admin']),
        ("email,,", ["email", "column 2", "column 3"]),
        ("email,$.name,name'); drop table users;--", ["email", "$.name", "name'); drop table users;--"]),
    ],
)
def test_header_names_are_mapped_to_fields_or_kept(header: str, fields: list[str], reader: Reader) -> None:
    separator = ";" if ";" in header and "," not in header else ","
    outcome = reader.read(f"{header}\n1{separator}2{separator}3\n".encode(), "users.csv")
    assert parse_objects(outcome.texts) == [dict(zip(fields, "123", strict=True))]


def test_the_separator_of_a_sep_line_is_used(reader: Reader) -> None:
    outcome = reader.read(b"sep=;\r\nemail;name\r\na@b.c;Ann, A\r\n", "users.csv")
    assert outcome.rows == [(1, 3, '{"email":"a@b.c","name":"Ann, A"}')]


@pytest.mark.parametrize("header", ["email,Email", "email,e-mail", "name,email, NAME ", "Shoe,email,shoe"])
def test_a_repeated_column_refuses_the_file(header: str, reader: Reader) -> None:
    fault = reader.fault(f"{header}\n1,2,3\n".encode(), "users.csv")
    assert (fault.code, "two columns" in fault.message) == (ErrorCode.FILE_FORMAT, True)


def test_a_file_without_a_header_is_refused_without_showing_personal_data(reader: Reader) -> None:
    fault = reader.fault(b"ann@example.com,+15550001,Ann\nbob@example.com,+15550002,Bob\n", "users.csv")
    assert fault.code is ErrorCode.FILE_FORMAT
    assert "ann@example.com" not in fault.message + fault.hint
    assert "email" in fault.hint


BAD_ROWS = [
    (b"b@b.c", ErrorCode.ROW_TOO_SHORT, "has 1 cell, but the header has 2"),
    (b"b@b.c,B,x", ErrorCode.ROW_TOO_LONG, "has 3 cells, but the header has 2"),
    (b'"b"@b.c,B', ErrorCode.MALFORMED_RECORD, "has a quote inside a quoted cell that is not doubled"),
    (b"b@b.c,B\xfcrli", ErrorCode.INVALID_TEXT, "Windows-1252"),
    (b"b@b.c," + b"x" * 201, ErrorCode.TOO_LARGE, "more than 200 characters"),
    (b"b@b.c," + b"x" * 5000, ErrorCode.TOO_LARGE, "is 5006 bytes long"),
]


@pytest.mark.parametrize(("row", "code", "message"), BAD_ROWS)
@pytest.mark.parametrize("batch_bytes", [5, 10_000])
def test_a_row_that_does_not_fit_is_refused_alone(
    row: bytes, code: ErrorCode, message: str, batch_bytes: int, reader: Reader
) -> None:
    limits = ReadLimits(record_bytes=400, value_bytes=200, batch_bytes=batch_bytes)
    content = b'email,name\na@b.c,"A\nA"\n\n' + row + b"\nc@b.c,C\n"
    outcome = reader.read(content, "users.csv", limits=limits)
    assert [(row.record, row.line) for row in outcome.rows] == [(1, 2), (3, 6)]
    assert outcome.errors == [(2, 5, code.value)]
    assert message in outcome.messages[0]
    assert outcome.refused == [None if len(row) > 400 else row.decode("utf-8", "backslashreplace")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'email,name\na@b.c,A\nb@b.c,"B\nc@b.c,C\nd@b.c,D\n', 3),
        (b'email,name\n"a\n",A\n"b@b.c","B\n"c@b.c","C"\n', 4),
        (b'email,name\n"a\n","b\n\n","c', 5),
        (b'email,name\n"a\nb","c\n', 3),
        (b'email,name\nb@b.c,"B""\nc@b.c,C\n' * 50, 2),
        (b'"email,name\n', 1),
        (b'email,name\na@b.c,"' + b"x\n" * 300, 2),
        (b'email,name\na@b.c,"' + b"x" * 5000 + b"\nb@b.c,B\n", 2),
    ],
)
@pytest.mark.parametrize("batch_bytes", [5, 10_000])
def test_an_open_quote_refuses_the_file_with_its_line(
    content: bytes, line: int, batch_bytes: int, reader: Reader
) -> None:
    limits = ReadLimits(record_bytes=400, value_bytes=200, batch_bytes=batch_bytes)
    fault = reader.fault(content, "users.csv", limits=limits)
    assert fault.code is ErrorCode.FILE_SYNTAX
    assert f"opens in line {line} " in fault.message


def test_quotes_inside_unquoted_cells_are_text(reader: Reader) -> None:
    outcome = reader.read(b'email,name\na@b.c,5" screen\nb@b.c,a "b" c\n', "users.csv")
    assert [record["name"] for record in parse_objects(outcome.texts)] == ['5" screen', 'a "b" c']


def test_a_rejects_file_is_read_without_its_additions(reader: Reader) -> None:
    added = ",".join(REJECT_COLUMNS)
    content = f"{added},email,phone_number,name,'-odd\n7,FORMAT,email,is none,'@b.c,'+155,''=x,'-\n"
    outcome = reader.read(content.encode(), "rejects.csv")
    assert parse_objects(outcome.texts) == [{"email": "@b.c", "phone_number": "+155", "name": "'=x", "-odd": "-"}]
    plain = reader.read(b"email,name\na@b.c,'=x\n", "users.csv")
    assert parse_objects(plain.texts) == [{"email": "a@b.c", "name": "'=x"}]


def test_a_batch_has_at_most_the_rows_of_its_limit(reader: Reader) -> None:
    content = "email\n" + "".join(f"u{number}@b.c\n" for number in range(50))
    outcome = reader.read(content.encode(), "users.csv", limits=SMALL)
    assert [record["email"] for record in parse_objects(outcome.texts)] == [f"u{number}@b.c" for number in range(50)]
    assert [row.record for row in outcome.rows] == list(range(1, 51))


def test_more_columns_than_the_limit_of_keys_are_refused(reader: Reader) -> None:
    header = ",".join(["email", *(f"c{number}" for number in range(30))])
    assert reader.fault(f"{header}\n".encode(), "users.csv", limits=SMALL).code is ErrorCode.FILE_FORMAT
