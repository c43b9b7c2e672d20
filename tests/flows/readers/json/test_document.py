"""JSON: arrays of users, on their own or in an object; a syntax error refuses the file and names its position."""

import json

import pytest

from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import SMALL, Reader

ANN = '{"email":"ann@example.com","mfa_factors":[{"a":1},{"b":{"c":[{},{}]}}],"note":"}, {"}'
BOB = '{\n  "email": "bob@example.com",\r\n  "tags": [\n    {"x": "\\"}"},\n    {"y": "},{\\\\"}\n  ]\n}'


@pytest.mark.parametrize("between", [",", ", ", ",\n", "\r\n,\r\n", " \t,\r"])
@pytest.mark.parametrize("batch_bytes", [1, 50, 10_000])
def test_objects_of_an_array_are_read_unchanged_with_their_lines(
    between: str, batch_bytes: int, reader: Reader
) -> None:
    records = [ANN, BOB, "{}", BOB, ANN]
    content = "[\n" + between.join(records) + "\n]\n"
    outcome = reader.read(content.encode(), limits=ReadLimits(batch_bytes=batch_bytes))
    assert outcome.texts == records
    starts = [len("[\n" + between.join([*records[:at], ""])) for at in range(len(records))]
    lines = [len(content[:start].replace("\r\n", "\n").replace("\r", "\n").split("\n")) for start in starts]
    assert [row.line for row in outcome.rows] == lines
    assert [row.record for row in outcome.rows] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "content",
    [
        '{"users":[%s]}',
        ' {"total":[{"a":1},{"b":2}],"start":0,"users" : [ %s ] , "after":[{"c":[]},{}]} \n',
        '{"us\\u0065rs":[%s]}',
        '{"users":[%s],"users_before":null}',
    ],
)
@pytest.mark.parametrize("batch_bytes", [3, 10_000])
def test_users_in_an_object_are_found(content: str, batch_bytes: int, reader: Reader) -> None:
    outcome = reader.read((content % f"{ANN}, {ANN}").encode(), limits=ReadLimits(batch_bytes=batch_bytes))
    assert outcome.texts == [ANN, ANN]


def test_one_object_is_one_user(reader: Reader) -> None:
    outcome = reader.read(b'\n{"email" : "ann@example.com", "email":[1, 2]}')
    assert outcome.rows == [(1, 2, '{"email":"ann@example.com","email":[1, 2]}')]


@pytest.mark.parametrize("content", ["{}", '{"data":[{"email":"a@b.c"}]}', '{"Email":"a@b.c"}', '{"users":{"a":{}}}'])
def test_an_object_without_users_is_refused_with_its_keys(content: str, reader: Reader) -> None:
    fault = reader.fault(content.encode())
    assert fault.code is ErrorCode.FILE_FORMAT
    assert all(key in fault.message for key in json.loads(content))


def test_two_arrays_of_users_are_refused(reader: Reader) -> None:
    assert reader.fault(b'{"users":[{"a":1}],"users":[{"a":1}]}').code is ErrorCode.FILE_FORMAT


def test_elements_that_are_not_objects_are_refused_alone(reader: Reader) -> None:
    outcome = reader.read(b'[1, {"a":1}, "x,y", {"a":2}, [{"a":3},{"a":4}], null,\n{"a":5},{"a":6} , true]')
    assert outcome.texts == ['{"a":1}', '{"a":2}', '{"a":5}', '{"a":6}']
    assert outcome.errors == [(number, 2 if number > 6 else 1, "NOT_AN_OBJECT") for number in (1, 3, 5, 6, 9)]


@pytest.mark.parametrize("content", [b"1", b'"x"', b" null ", b"true", b"-0.5e1"])
def test_a_value_that_is_not_an_object_is_refused_as_a_record(content: bytes, reader: Reader) -> None:
    assert reader.read(content).errors == [(1, 1, "NOT_AN_OBJECT")]


BROKEN = [
    (b'[{"a":1},{"a":2}', 16, 1),  # truncated
    (b'[{"a":1},{"a":', 14, 1),
    (b'[{"a":1},{"a":"xy', 17, 1),
    (b'[{"a":1},', 9, 1),
    (b"[", 1, 1),
    (b'{"users":[{"a":1}]', 18, 1),
    (b'{"email":"x"', 12, 1),
    (b'[{"a":1},]', 9, 1),
    (b"[,]", 1, 1),
    (b'[{"a":1},,{"a":2}]', 9, 1),
    (b'[{"a":1}\n{"a":2}]', 9, 2),
    (b'[{"a":1},\n{"a":2,},{"a":3}]', 17, 2),
    (b'[{"a":1},\r\n{"a":nan},\r{"a":3}]', 16, 2),
    (b'[{"a":1},\r{"a":tru},{"a":3}]', 15, 2),
    (b'[{"a":1}]]', 9, 1),
    (b'[{"a":1}]\n{}', 10, 2),
    (b'[{"a":1]]', 7, 1),
    (b'[{"a":1}}', 8, 1),
    (b'[{"a":[1}]', 8, 1),
    (b'[{"a":1},\xff{"a":2}]', 9, 1),
    (b"\xef\xbb\xbf[x]", 4, 1),
    (b"\xef\xbb{}", 0, 1),
    (b"abc", 0, 1),
    (b"{,}", 1, 1),
    (b'{"a":1,}', 7, 1),
    (b'{"a" 1}', 5, 1),
    (b'{"a":1 "b":2}', 7, 1),
    (b"{'a':1}", 1, 1),
    (b'{"a":01}', 6, 1),
    (b'{"email":"x"}\n\n#', 15, 3),
    (b'{"\\x":1}', 2, 1),
    (b"NaN", 0, 1),
    (b"[" * 100_000, 100_000, 1),
]


@pytest.mark.parametrize(("content", "byte", "line"), BROKEN)
@pytest.mark.parametrize("batch_bytes", [4, 10_000])
def test_a_syntax_error_refuses_the_file_with_its_position(
    content: bytes, byte: int, line: int, batch_bytes: int, reader: Reader
) -> None:
    fault = reader.fault(content, requested="json", limits=ReadLimits(batch_bytes=batch_bytes))
    assert fault.code is ErrorCode.FILE_SYNTAX
    assert f"at byte {byte} (line {line})" in fault.message
    assert fault.hint


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (b'{"a":"\xff"}', "INVALID_TEXT"),
        (b'{"a":"\\ud800"}', "INVALID_TEXT"),
        (b'{"a":"x\x00y"}', "INVALID_TEXT"),
        (b'{"a":1e999}', "MALFORMED_RECORD"),
        (b'{"a":[[[[[]]]]]}', "TOO_DEEP"),
        (b'{"a":"' + b"x" * 201 + b'"}', "TOO_LARGE"),
        (b'{"a":"' + b'x\\"' * 500 + b'"}', "TOO_LARGE"),
        (b'{"a":[' + b'"\\\\",{},[[]],' * 100 + b"1]}", "TOO_LARGE"),
    ],
)
@pytest.mark.parametrize("batch_bytes", [2, 10_000])
def test_a_grammatical_record_that_cannot_be_read_is_refused_alone(
    record: bytes, code: str, batch_bytes: int, reader: Reader
) -> None:
    limits = ReadLimits(record_bytes=400, value_bytes=200, nesting=5, keys=20, batch_bytes=batch_bytes)
    outcome = reader.read(b'[{"b":1},\n' + record + b' ,\n{"b":2}]', limits=limits)
    assert outcome.rows == [(1, 1, '{"b":1}'), (3, 3, '{"b":2}')]
    assert outcome.errors == [(2, 2, code)]


def test_more_than_one_object_is_hinted_to_be_ndjson(reader: Reader) -> None:
    fault = reader.fault(b'{"email":"a"}\n{"email":"b"}', requested="json")
    assert "ndjson" in fault.hint


def test_a_batch_has_at_most_the_rows_of_its_limit(reader: Reader) -> None:
    content = b"[" + b",".join(b'{"a":%d}' % number for number in range(100)) + b"]"
    outcome = reader.read(content, limits=SMALL)
    assert outcome.texts == [f'{{"a":{number}}}' for number in range(100)]
