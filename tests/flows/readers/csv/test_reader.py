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
        ('email,Shoe Size,is"Ad"min', ["email", "Shoe Size", 'is"Ad"min']),
        (" * Email,First Name [Required],Mobile (required)", ["email", "given_name", "phone_number"]),
        ("user_email *,phone_number_verified,*Last Name*", ["email", "phone_verified", "family_name"]),
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
    (b"b@b.c," + b"x" * 5000, ErrorCode.TOO_LARGE, "is 5,006 bytes long"),
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


def test_pairs_of_quotes_inside_unquoted_cells_are_text(reader: Reader) -> None:
    outcome = reader.read(b'email,name\na@b.c,5"" screen\nb@b.c,a "b" c\n', "users.csv")
    assert [record["name"] for record in parse_objects(outcome.texts)] == ['5"" screen', 'a "b" c']


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_without_content_are_no_records(end: str, separator: str, reader: Reader) -> None:
    blank = ["", ",,", ",", ",,,,,", " , ,", '"","",""', '" ", "", ', "\u00a0,\u3000,"]
    rows = [*blank, "email,name,nickname", *blank, "a@b.c,A,", *blank, ",B,", *blank]
    content = end.join(rows).replace(",", separator)
    outcome = reader.read(content.encode(), "users.csv")
    assert parse_objects(outcome.texts) == [{"email": "a@b.c", "name": "A"}, {"name": "B"}]
    assert [(row.record, row.line) for row in outcome.rows] == [(1, 18), (2, 27)]
    assert outcome.seen == 2


def test_empty_cells_past_the_header_do_not_count(reader: Reader) -> None:
    content = b"email,name\na@b.c,A,\nb@b.c,B,,,\nc@b.c,C, ,\nd@b.c,D,x\ne@b.c,E,,x\n,F,\n"
    outcome = reader.read(content, "users.csv")
    assert [record["name"] for record in parse_objects(outcome.texts)] == ["A", "B", "C", "F"]
    assert outcome.errors == [(4, 5, "ROW_TOO_LONG"), (5, 6, "ROW_TOO_LONG")]


@pytest.mark.parametrize("header", ["email,name,", 'email,name, ,""', "email,name,,,"])
def test_a_column_without_name_and_content_does_not_count(header: str, reader: Reader) -> None:
    outcome = reader.read(f"{header}\na@b.c,A,\nb@b.c,B\nc@b.c,C, \nd@b.c\n".encode(), "users.csv")
    assert [record["name"] for record in parse_objects(outcome.texts)] == ["A", "B", "C"]
    assert parse_objects(outcome.texts)[2] == {"email": "c@b.c", "name": "C"}
    assert outcome.errors == [(4, 5, "ROW_TOO_SHORT")]


def test_a_cell_under_a_header_without_name_is_not_lost(reader: Reader) -> None:
    outcome = reader.read(b",email,\n0,a@b.c,\n,b@b.c,x\n, c@b.c \n", "users.csv")
    assert parse_objects(outcome.texts) == [
        {"column 1": "0", "email": "a@b.c"},
        {"email": "b@b.c", "column 3": "x"},
        {"email": " c@b.c "},
    ]


@pytest.mark.parametrize("batch_bytes", [0, 1, 10_000])
def test_a_batch_has_at_least_one_row(batch_bytes: int, reader: Reader) -> None:
    limits = ReadLimits(batch_rows=0, batch_bytes=batch_bytes)
    outcome = reader.read(b'email,name\na@b.c,A\n\nb@b.c,"B\n"\n', "users.csv", limits=limits)
    assert [row.line for row in outcome.rows] == [2, 4]


ENCODED_HEADERS = [
    (b"email;Pr\xe9nom\r\n", "Windows-1252"),
    (b"email\tGr\xf6\xdfe\tStra\xdfe\n", "Windows-1252"),
    (b"\xef\xbb\xbfemail,Pr\xe9nom\n", "Windows-1252"),
    (b'\n"email","caf\xe9 \x96 th\xe9"\n', "Windows-1252"),
    (b"sep=;\nemail;Nom de l\x92employ\xe9\n", "Windows-1252"),
    ("email,имя\n".encode("cp1251"), "another encoding"),
    ("email,名前\n".encode("shift-jis"), "another encoding"),
    (b"email,name\x81\n", "another encoding"),
]


@pytest.mark.parametrize(("header", "guess"), ENCODED_HEADERS)
def test_a_header_that_is_not_utf8_refuses_the_file_with_a_guess(header: bytes, guess: str, reader: Reader) -> None:
    fault = reader.fault(header + b"a@b.c;A\n", "users.csv")
    assert fault.code is ErrorCode.FILE_FORMAT
    assert "header that is not UTF-8" in fault.message
    assert guess in fault.message
    assert "UTF-8" in fault.hint


def test_a_message_about_a_header_shows_its_names(reader: Reader) -> None:
    fault = reader.fault("Précision,Adresse [1],x\ny\n".encode(), "users.csv")
    assert fault.message == "users.csv has no known column; its columns are named Précision, Adresse [1], x"
    fault = reader.fault(b"E-Mail,id,user_email\n", "users.csv")
    assert "two columns for email: E-Mail, user_email" in fault.message
    fault = reader.fault(b"E-Mail,id,user_email,Mail\n", "users.csv")
    assert fault.message == "users.csv has 3 columns for email: E-Mail, user_email, Mail"
    assert fault.hint == "rename or remove all but one, or keep the first with --unknown-fields ignore"


@pytest.mark.parametrize(
    "row", ["Ann,ann@example.com", "Ann Lo,+15550001", "Ann,5f4dcc3b5aa765d61d8327deb882cf99", "Ann;ann@example.com"]
)
def test_a_first_row_that_looks_like_data_is_not_shown(row: str, reader: Reader) -> None:
    fault = reader.fault(f"{row}\n{row}\n".encode(), "users.csv")
    assert fault.code is ErrorCode.FILE_FORMAT
    assert "has no header" in fault.message
    assert not any(word in fault.message + fault.hint for word in row.replace(";", ",").replace(" ", ",").split(","))


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
