"""Reading depends neither on batches nor on the format, and accepts exactly JSON."""

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.readers.check_records import add_record_numbers, add_texts, check_records
from flows.readers.json.strict import NotJsonError, NumberTooLargeError, check_json, find_refusal, is_json
from flows.readers.limits import ReadLimits
from flows.settings import Settings
from flows.store.database import scratch
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from tests.flows.readers.csv.dialect import OpenQuoteError, read_table
from tests.flows.readers.outcomes import Outcome, Reader
from transforms.json.values import find_invalid_json

LIMITS = ReadLimits(record_bytes=2000, value_bytes=1000, nesting=20, keys=50)
CHARACTERS = st.sampled_from(
    ['"', "\\", "},{", "{", "}", "[", "]", ",", ":", "\n", "\r", " ", "a", "\u00e4", "\U0001f600", "NaN", "1e999"]
)
TEXTS = st.lists(CHARACTERS, max_size=6).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=3)
SPACES = st.text(" \t\r\n", max_size=3)
BATCHES = st.integers(1, 200)
MUTATIONS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 2),
        st.sampled_from(
            [
                b"",
                b",",
                b'"',
                b"}",
                b"{",
                b"]",
                b"[",
                b"\\",
                b"NaN",
                b"1e999",
                b"\xff",
                b"\x00",
                b"\n",
                b"0",
                b"\\ud800",
                b"-",
            ]
        ),
    ),
    min_size=1,
    max_size=2,
)
quickly = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with scratch(Settings()) as engine:
        yield Reader(tmp_path_factory.mktemp("files"), engine)


def read(reader: Reader, content: bytes, name: str, *, batch_bytes: int) -> Outcome | tuple[str, str]:
    """Return the outcome of reading, or the code and message of the fault."""
    limits = ReadLimits(**{**LIMITS.__dict__, "batch_bytes": batch_bytes, "batch_rows": 1 + batch_bytes // 50})
    try:
        return reader.read(content, name, requested=name.rpartition(".")[2], limits=limits)
    except FileFault as fault:
        return fault.code, fault.message


def is_grammatical(content: bytes) -> bool:
    """Return whether the text is JSON, control characters in strings and numbers out of range aside."""
    try:
        check_json(content, lenient_text=True)
    except NumberTooLargeError:
        return True
    except NotJsonError:
        return False
    return True


def mutate(content: bytes, mutations: Sequence[tuple[float, int, bytes]]) -> bytes:
    for share, dropped, added in mutations:
        position = int(share * len(content))
        content = content[:position] + added + content[position + dropped :]
    return content


@quickly
@given(st.lists(OBJECTS, min_size=1, max_size=6), st.tuples(SPACES, SPACES), st.booleans(), BATCHES)
def test_an_array_and_lines_of_the_same_records_have_the_same_texts(
    reader: Reader, records: list[object], around: tuple[str, str], compact: bool, batch_bytes: int
) -> None:
    texts = [json.dumps(record, ensure_ascii=False, separators=(",", ":") if compact else None) for record in records]
    array = "[" + ",".join(around).join(texts) + "]"
    lines = "\n".join(texts)
    in_array = read(reader, array.encode(), "users.json", batch_bytes=batch_bytes)
    in_lines = read(reader, lines.encode(), "users.ndjson", batch_bytes=batch_bytes)
    assert isinstance(in_array, Outcome)
    assert isinstance(in_lines, Outcome)
    assert in_array.texts == in_lines.texts == texts


@quickly
@given(st.lists(OBJECTS | VALUES, min_size=1, max_size=5), SPACES, MUTATIONS, BATCHES)
def test_a_damaged_array_is_refused_by_the_grammar_in_batches_of_any_size(
    reader: Reader, records: list[object], between: str, mutations: list[tuple[float, int, bytes]], batch_bytes: int
) -> None:
    text = "[" + f"{between},".join(json.dumps(record, ensure_ascii=False) for record in records) + "]"
    content = mutate(text.encode(), mutations)
    whole = read(reader, content, "users.json", batch_bytes=100_000)
    assert read(reader, content, "users.json", batch_bytes=batch_bytes) == whole
    if isinstance(whole, Outcome):
        assert is_grammatical(content)
    elif whole[0] is ErrorCode.FILE_SYNTAX:
        assert not is_json(content)


@quickly
@given(st.lists(OBJECTS | VALUES, min_size=1, max_size=5), MUTATIONS, st.sampled_from([b"\n", b"\r\n", b"\r"]), BATCHES)
def test_damaged_lines_are_refused_the_same_in_batches_of_any_size(
    reader: Reader, records: list[object], mutations: list[tuple[float, int, bytes]], end: bytes, batch_bytes: int
) -> None:
    content = mutate(end.join(json.dumps(record, ensure_ascii=False).encode() for record in records), mutations)
    whole = read(reader, content, "users.ndjson", batch_bytes=100_000)
    assert read(reader, content, "users.ndjson", batch_bytes=batch_bytes) == whole


@quickly
@given(st.lists(st.tuples(OBJECTS | VALUES, MUTATIONS), min_size=1, max_size=20))
def test_the_fast_check_passes_nothing_that_the_exact_one_refuses(
    reader: Reader, records: list[tuple[object, list[tuple[float, int, bytes]]]]
) -> None:
    data = [mutate(json.dumps(record, ensure_ascii=False).encode(), mutations) for record, mutations in records]
    frame = add_texts(add_record_numbers(pl.DataFrame({"line": [1] * len(data), "data": data}), first=1))
    checked = check_records(frame, invalid=find_invalid_json(frame, reader.engine), limits=LIMITS)
    readable = [number for number, text in enumerate(data, start=1) if find_refusal(text, limits=LIMITS) is None]
    assert checked.rows["record"].to_list() == readable
    assert checked.rows["text"].to_list() == [data[number - 1].decode() for number in readable]


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | TEXTS


@quickly
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    BATCHES,
)
def test_cells_are_read_as_they_were_written(
    reader: Reader, rows: list[list[str]], separator: str, end: str, batch_bytes: int
) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    names = ["email", "name", "Shoe size"]
    writer.writerows([names, *rows])
    outcome = read(reader, table.getvalue().encode(), "users.csv", batch_bytes=batch_bytes)
    assert isinstance(outcome, Outcome)
    filled = [row for row in rows if "".join(row).strip()]
    expected = [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in filled]
    assert [json.loads(text) for text in outcome.texts] == expected


PIECES = st.sampled_from(['"', '"', '"', ",", ",", "\n", "\r\n", "\r", " ", "\t", "\u00a0", "a", "\u00e4", '""', ', "'])


@settings(quickly, max_examples=int(os.environ.get("CSV_EXAMPLES", "300")))
@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from([",", ";", "\t"]), BATCHES)
def test_quotes_are_read_as_character_by_character(reader: Reader, text: str, separator: str, batch_bytes: int) -> None:
    text = text.replace(",", separator)
    outcome = read(reader, f"email{separator}name\n{text}".encode(), "users.csv", batch_bytes=batch_bytes)
    try:
        rows = read_table(text, separator)
    except OpenQuoteError:
        assert isinstance(outcome, tuple)
        assert outcome[0] is ErrorCode.FILE_SYNTAX
        return
    fits = [row for row in rows if row.cells and len(row.cells) >= 2 and not "".join(row.cells[2:]).strip()]
    expected = [
        {name: cell for name, cell in zip(("email", "name"), row.cells, strict=False) if cell}
        for row in fits
        if row.cells
    ]
    assert isinstance(outcome, Outcome)
    assert [json.loads(text) for text in outcome.texts] == expected
    assert [row.line for row in outcome.rows] == [row.line + 1 for row in fits]
    malformed = [row.line + 1 for row in rows if row.cells is None]
    assert [error.line for error in outcome.errors if error.code == "MALFORMED_RECORD"] == malformed
    assert outcome.seen == len(rows)


@quickly
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6), MUTATIONS, BATCHES)
def test_a_damaged_table_is_read_the_same_in_batches_of_any_size(
    reader: Reader, rows: list[list[str]], mutations: list[tuple[float, int, bytes]], batch_bytes: int
) -> None:
    table = io.StringIO(newline="")
    csv.writer(table).writerows(rows)
    content = b"email,name\r\n" + mutate(table.getvalue().encode(), mutations)
    whole = read(reader, content, "users.csv", batch_bytes=100_000)
    assert read(reader, content, "users.csv", batch_bytes=batch_bytes) == whole
