"""Quotes in CSV: white space around a quoted cell is dialect; a cell with an odd number of quotes refuses its row."""

import json

import pytest

from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import Reader

BATCHES = pytest.mark.parametrize("batch_bytes", [1, 10_000])
SPACES = [" ", "\t", "\u3000\u00a0"]


@BATCHES
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_white_space_around_a_quoted_cell_is_not_part_of_it(
    end: str, space: str, separator: str, batch_bytes: int, reader: Reader
) -> None:
    rows = [
        ["email", f'{space}"name"', f' "Shoe{end}size"{space}'],
        ["a@b.c", f'{space}"Lo; Ann, ""A"" | x"', f'{space}"two{end}{end}lines, ""x"" "{space}'],
        [f'{space}"b@b.c"{space}', f'{space}""{space}', f' padded{space}"x" '],
        ["c@b.c", f'{space}"""Bo"""', f'"{separator}{space}""x"" {separator}"{space}'],
        ["d@b.c", "D", ""],
    ]
    content = end.join(separator.join(row) for row in rows)
    outcome = reader.read(content.encode(), "users.csv", limits=ReadLimits(batch_bytes=batch_bytes))
    header = f"Shoe{end}size"
    assert [json.loads(text) for text in outcome.texts] == [
        {"email": "a@b.c", "name": 'Lo; Ann, "A" | x', header: f'two{end}{end}lines, "x" '},
        {"email": "b@b.c", header: f' padded{space}"x" '},
        {"email": "c@b.c", "name": '"Bo"', header: f'{separator}{space}"x" {separator}'},
        {"email": "d@b.c", "name": "D"},
    ]
    assert [row.line for row in outcome.rows] == [3, 6, 7, 8]


def test_white_space_that_is_the_separator_separates(reader: Reader) -> None:
    outcome = reader.read(b'email\tname\tnickname\na@b.c\t\t"N"\nb@b.c\t "B"\t\n', "users.tsv")
    assert [json.loads(text) for text in outcome.texts] == [
        {"email": "a@b.c", "nickname": "N"},
        {"email": "b@b.c", "name": "B"},
    ]


def test_white_space_around_cells_that_are_not_quoted_is_kept(reader: Reader) -> None:
    outcome = reader.read(b'email, name ,nickname\n a@b.c , A "B" C , "N"\n', "users.csv")
    assert outcome.texts == ['{"email":" a@b.c ","name":" A \\"B\\" C ","nickname":"N"}']


def test_a_sep_line_and_spaced_quotes_are_understood_together(reader: Reader) -> None:
    outcome = reader.read(b'"sep=;"\r\n\r\nemail; "name"\r\na@b.c; "Lo; Ann"\r\n', "users.csv")
    assert outcome.rows == [(1, 4, '{"email":"a@b.c","name":"Lo; Ann"}')]


ODD_ROWS = [
    'b@b.c,Bob"Doe, Junior",bd',
    'b@b.c,Bob"Doe,Junior",bd',
    'b@b.c,"Bob",Doe"',
    'b@b.c, Bob"Doe,"x',
    'b@b.c,5" screen,bd',
    'b@b.c"Bob","""",b"d',
    'b@b.c,"two\nlines",B"D, "x"',
    'x"',
    '"b@b.c",B, b" "d"',
]


@BATCHES
@pytest.mark.parametrize("row", ODD_ROWS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_that_lacks_a_separator_at_a_quote_is_refused_alone(
    end: str, row: str, batch_bytes: int, reader: Reader
) -> None:
    row = row.replace("\n", end)
    content = end.join(["email,name,nickname", 'a@b.c,"A",a', row, 'c@b.c,"C, C",c'])
    outcome = reader.read(content.encode(), "users.csv", limits=ReadLimits(batch_bytes=batch_bytes))
    assert [json.loads(text) for text in outcome.texts] == [
        {"email": "a@b.c", "name": "A", "nickname": "a"},
        {"email": "c@b.c", "name": "C, C", "nickname": "c"},
    ]
    assert outcome.errors == [(2, 3, ErrorCode.MALFORMED_RECORD.value)]
    assert "separator" in outcome.messages[0]
    assert outcome.refused == [row]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_last_row_can_lack_a_separator(end: str, reader: Reader) -> None:
    outcome = reader.read(f'email\r\na@b.c\r\n\rb"{end}'.encode(), "users.csv")
    assert (outcome.errors, outcome.refused) == ([(2, 4, "MALFORMED_RECORD")], ['b"'])


def test_a_header_that_lacks_a_separator_refuses_the_file(reader: Reader) -> None:
    fault = reader.fault(b'\n\nemail,name"nick, name"\na@b.c,A,a\n', "users.csv")
    assert (fault.code, "line 3" in fault.message) == (ErrorCode.FILE_SYNTAX, True)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('b@b.c,"Ann" Lo', "MALFORMED_RECORD"),
        ('b@b.c, "Ann" Lo', "MALFORMED_RECORD"),
        ('b@b.c, "Ann" "Lo"', "MALFORMED_RECORD"),
        ('b@b.c,"Ann", Lo "x"', "ROW_TOO_LONG"),
    ],
)
def test_text_after_a_quoted_cell_refuses_the_row(row: str, code: str, reader: Reader) -> None:
    outcome = reader.read(f'email,name\n{row}\nc@b.c, "C"\n'.encode(), "users.csv")
    assert outcome.errors == [(1, 2, code)]
    assert outcome.texts == ['{"email":"c@b.c","name":"C"}']


@pytest.mark.parametrize("space", ["", " "])
@BATCHES
def test_a_spaced_quote_that_is_not_closed_refuses_the_file_with_its_line(
    space: str, batch_bytes: int, reader: Reader
) -> None:
    content = f'email,name\na@b.c,{space}"A"\n"b\n@b.c", "B"\nc@b.c,{space}"C\nd@b.c,D\n'
    fault = reader.fault(content.encode(), "users.csv", limits=ReadLimits(batch_bytes=batch_bytes))
    assert (fault.code, "opens in line 5 " in fault.message) == (ErrorCode.FILE_SYNTAX, True)


def test_bytes_that_are_not_utf8_before_a_bad_quote_do_not_shift_its_line(reader: Reader) -> None:
    outcome = reader.read(b'email,name\na@b.c,\xfc\nb@b.c,B"x\nc@b.c, "C"\n', "users.csv")
    assert [(error.line, error.code) for error in outcome.errors] == [(2, "INVALID_TEXT"), (3, "MALFORMED_RECORD")]
    assert outcome.texts == ['{"email":"c@b.c","name":"C"}']
