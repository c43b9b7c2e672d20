"""Splitting arrays: only proved records are found, also if records are nested or contain brackets in strings."""

import json

import duckdb
import pytest

from flows.readers.json.scanner import Skipper, scan
from flows.readers.json.splitter import split

FLAT = ['{"a":1}', '{"a":"x"}', "{}"]
NESTED = ['{"a":[{"b":1},{"b":2},{"b":3}]}', '{"a":[{"c":[{},{}]},{"d":{}}]}', '{"e":1}']
IN_STRINGS = [
    json.dumps({"a": text}) for text in ('},{"b":1},{', '"},{"', '\\"},{\\', "},{},{},{", "}{", "[[{{", "]]}}")
]
SPREAD = [json.dumps(json.loads(text), indent=2) for text in (*NESTED, *IN_STRINGS)]


@pytest.mark.parametrize("records", [FLAT, NESTED, IN_STRINGS, SPREAD, [*FLAT, *NESTED, *IN_STRINGS, *SPREAD] * 3])
@pytest.mark.parametrize("between", [",", ",\n", "\r\n , \r"])
def test_all_but_the_last_record_are_found(
    records: list[str], between: str, reading_engine: duckdb.DuckDBPyConnection
) -> None:
    text = between.join(records) + "]"
    found = split(text.encode(), engine=reading_engine)
    starts = [len(between.join([*records[:at], ""])) for at in range(len(records))]
    assert found.records["text"].to_list() == records[:-1]
    assert found.records["start"].to_list() == starts[:-1]
    assert found.used == starts[-1]
    assert found.is_all
    ends = [text[:start].replace("\r\n", "\n").replace("\r", "\n").count("\n") for start in starts]
    assert [*found.records["lines_before"], found.lines] == ends


@pytest.mark.parametrize("odd", ["1", '"x"', "[{},{}]", '{"a":1,,}', '{"a":"}', '{"a":[{]}', "{},"])
def test_records_before_an_odd_element_are_found_and_none_after_it(
    odd: str, reading_engine: duckdb.DuckDBPyConnection
) -> None:
    text = ",".join([*FLAT, *NESTED, odd, *FLAT, *NESTED])
    found = split(text.encode(), engine=reading_engine)
    assert found.records["text"].to_list() in ([*FLAT, *NESTED][:end] for end in range(7))
    assert text[found.used :].startswith(("{", odd))


def test_an_array_is_not_split_beyond_its_end(reading_engine: duckdb.DuckDBPyConnection) -> None:
    found = split(b'{"a":1},{"a":2}],"more":[{"b":1},{"b":2}]', engine=reading_engine)
    assert found.records["text"].to_list() in (['{"a":1}'], [])


@pytest.mark.parametrize("text", [*NESTED, *IN_STRINGS, *SPREAD, "1", '"\\\\"', "[[[]],{}]"])
@pytest.mark.parametrize("after", [",", " ,", "]", "\n}"])
def test_a_value_is_skipped_to_its_end_in_chunks_of_any_size(text: str, after: str) -> None:
    data = (text + after + '{"z":[1]}').encode()
    end = len(text.encode()) + len(after) - 1
    assert Skipper().feed(data) == end
    for size in (1, 2, 3, 7):
        skipper = Skipper()
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        found = next(
            (at * size + place for at, chunk in enumerate(chunks) if (place := skipper.feed(chunk)) is not None)
        )
        assert found == end


def test_a_large_value_is_skipped_by_strides() -> None:
    deep = b"[" * 200 + b"]" * 200
    value = b'{"a":[' + b'"x\\"]}{[\\\\",[],{"b":[]},' * 20_000 + deep + b"]}"
    assert len(value) > 3 * (1 << 16)
    assert Skipper().feed(value + b",1") == len(value)


def test_the_scanner_finds_every_kind_of_element() -> None:
    found = scan(b' 1 ,"a,]" , [ {},[] ],{"b":"}"},,\n', most=100)
    data = b' 1 ,"a,]" , [ {},[] ],{"b":"}"},,\n'
    assert [data[start:end] for start, end in found.spans] == [b"1", b'"a,]"', b"[ {},[] ]", b'{"b":"}"}', b""]
    assert (found.used, found.closed) == (len(data) - 1, False)
    closed = scan(b"1,2 ] ,3", most=100)
    assert (closed.spans, closed.used, closed.closed) == ([(0, 1), (2, 3)], 4, True)
    assert scan(b"1,2,3", most=1).used == 2
