"""NDJSON: a bad line is refused alone, with its physical line."""

import pytest

from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import SMALL, Reader

GOOD = b'{"email":"ann@example.com"}'

BAD_LINES = [
    (b'{"a":1,}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":[1,]}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":NaN}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":-Infinity}', ErrorCode.MALFORMED_RECORD),
    (b'{"a": inf}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":1e999}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":-1.5E+400}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":01}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":1}{"b":2}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":1} x', ErrorCode.MALFORMED_RECORD),
    (b'{"a":1', ErrorCode.MALFORMED_RECORD),
    (b"{'a':1}", ErrorCode.MALFORMED_RECORD),
    (b'{"a":"x}', ErrorCode.MALFORMED_RECORD),
    (b'/* */ {"a":1}', ErrorCode.MALFORMED_RECORD),
    (b'\xef\xbb\xbf{"a":1}', ErrorCode.MALFORMED_RECORD),  # a BOM that is not at the start of the file
    (b"\xc2\xa0", ErrorCode.MALFORMED_RECORD),  # white space, but not of JSON
    (b'{"a":\xff}', ErrorCode.MALFORMED_RECORD),
    (b'{"a":"\xff"}', ErrorCode.INVALID_TEXT),
    (b'{"a":"\xed\xa0\x80"}', ErrorCode.INVALID_TEXT),  # an encoded surrogate
    (b'{"a":"\xc0\xaf"}', ErrorCode.INVALID_TEXT),  # an overlong slash
    (b'{"a":"\\ud800"}', ErrorCode.INVALID_TEXT),
    (b'{"a":"\\udc00\\ud800"}', ErrorCode.INVALID_TEXT),
    (b'{"a":"\\\\\\ud83d"}', ErrorCode.INVALID_TEXT),
    (b'{"\\udfff":1}', ErrorCode.INVALID_TEXT),
    (b'{"a":"x\x00"}', ErrorCode.INVALID_TEXT),
    (b'{"a":"x\ty"}', ErrorCode.INVALID_TEXT),
    (b"[1]", ErrorCode.NOT_AN_OBJECT),
    (b'"x"', ErrorCode.NOT_AN_OBJECT),
    (b"null", ErrorCode.NOT_AN_OBJECT),
    (b"-1.5", ErrorCode.NOT_AN_OBJECT),
    (b'{"a":[[[[[]]]]]}', ErrorCode.TOO_DEEP),
    (b'{"a":"' + b"x" * 201 + b'"}', ErrorCode.TOO_LARGE),
    (b"{" + b",".join(b'"k%d":1' % key for key in range(21)) + b"}", ErrorCode.TOO_LARGE),
    (b'{"a":[' + b"1," * 300 + b"1]}", ErrorCode.TOO_LARGE),
]


@pytest.mark.parametrize(("line", "code"), BAD_LINES)
def test_a_bad_line_is_refused_alone(line: bytes, code: ErrorCode, reader: Reader) -> None:
    outcome = reader.read(GOOD + b"\n\n" + line + b"\n" + GOOD, "users.ndjson", limits=SMALL)
    assert outcome.rows == [(1, 1, GOOD.decode()), (3, 4, GOOD.decode())]
    assert outcome.errors == [(2, 3, code.value)]
    assert outcome.seen == 3


GOOD_LINES = [
    b'{"a":"\\ud83d\\ude00"}',
    b'{"a":"\\\\ud800"}',
    b'{"a":"\\u0000"}',  # the rules refuse it
    b'{"a":"NaN, ,] 1e999"}',
    b'{"a":"x,]","b":[1, 2]}',
    b' \t{"a":1}\t',
    b'{"a":[[[[]]]]}',
    b'{"a":12345678901234567890123,"b":1.0,"c":1e2}',
    '{"a":"\u2028\u0085\x7f"}'.encode(),
    b'{"a":"' + b"x" * 200 + b'"}',
    b"{" + b",".join(b'"k%d":1' % key for key in range(20)) + b"}",
    b"{}",
]


@pytest.mark.parametrize("line", GOOD_LINES)
def test_a_good_line_is_read_unchanged(line: bytes, reader: Reader) -> None:
    assert reader.read(line + b"\n", "users.ndjson", limits=SMALL).rows == [(1, 1, line.decode())]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_every_line_end_is_read_and_blank_lines_only_count_as_lines(start: bytes, end: bytes, reader: Reader) -> None:
    content = start + end.join([b"", GOOD, b"", b" \t", b"{", GOOD, b""])
    outcome = reader.read(content, "users.ndjson")
    assert outcome.rows == [(1, 2, GOOD.decode()), (3, 6, GOOD.decode())]
    assert outcome.errors == [(2, 5, "MALFORMED_RECORD")]


def test_record_numbers_continue_those_of_the_job(reader: Reader) -> None:
    assert reader.read(GOOD, "users.ndjson", first_record=41).rows == [(41, 1, GOOD.decode())]


def test_a_key_first_seen_late_is_kept(reader: Reader) -> None:
    lines = [b'{"email":"u%d@example.com"}' % number for number in range(3000)] + [
        b'{"email":"z@example.com","name":"Z"}'
    ]
    assert reader.read(b"\n".join(lines), "users.ndjson").texts[-1] == lines[-1].decode()


def test_a_refused_line_is_kept_with_bytes_that_are_not_utf8_as_escapes(reader: Reader) -> None:
    assert reader.read(b'{"a":"\xfc"}', "users.ndjson").refused == ['{"a":"\\xfc"}']


def test_a_message_names_the_position_and_quotes_nothing(reader: Reader) -> None:
    outcome = reader.read(b'{"password_hash":"s3cret", "a":tru}', "users.ndjson")
    assert outcome.messages == ["is not JSON: expecting value, at byte 31"]


@pytest.mark.parametrize("batch_bytes", [1, 7, 64, 1000, 100_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_oversized_line_is_refused_in_batches_of_any_size(batch_bytes: int, end: bytes, reader: Reader) -> None:
    limits = ReadLimits(record_bytes=100, batch_bytes=batch_bytes)
    long = b'{"a":"' + b"x" * 2000 + b'"}'
    outcome = reader.read(end.join([GOOD, long, b"", GOOD, long]), "users.ndjson", limits=limits)
    assert outcome.rows == [(1, 1, GOOD.decode()), (3, 4, GOOD.decode())]
    assert outcome.errors == [(2, 2, "TOO_LARGE"), (4, 5, "TOO_LARGE")]
    assert outcome.messages == ["is 2,008 bytes long, at most 100 are allowed"] * 2
    assert outcome.refused == [None, None]


def test_a_thousand_levels_are_refused_alone(reader: Reader) -> None:
    deep = b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}"
    assert reader.read(deep + b"\n" + GOOD, "users.ndjson").errors == [(1, 1, "TOO_DEEP")]
    assert reader.read(b"[" * 100_000 + b"\n" + GOOD, "users.ndjson").errors == [(1, 1, "TOO_DEEP")]
