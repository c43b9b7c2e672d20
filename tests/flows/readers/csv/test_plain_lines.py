"""Plain lines of CSV are read by Polars, all others by the `csv` module: no result says by which."""

import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.readers.csv import plain_lines
from flows.readers.csv.plain_lines import BlockLines, PlainLines
from flows.readers.limits import ReadLimits
from schemas.faults import FileFault
from tests.flows.readers.outcomes import Outcome, Reader

QUOTED = ['"q"', '"a, ""b"""', '"x\ny"', '"x\r"', '""', ' "spaced" ', 'a"b', '"a"b', 'a "b" c', '"']
UNUSUAL = ["\x00", "\x1c", "\ufeff", "\ufffd", "\udcfc", "\u00e9" * 30, "x" * 60]
CELLS = st.sampled_from(["", "a", "A b", " padded ", "\u3000", *QUOTED, *UNUSUAL])
PLAIN_ROWS = st.sampled_from(["a@b.c,A", '"b@b.c","B, ""b"""', "\ufeffc@b.c,", ',"D"', "e@b.c,\u00e9"])
ROWS = PLAIN_ROWS | st.lists(CELLS, min_size=1, max_size=3).map(",".join)
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])
TABLES = st.lists(st.tuples(ROWS, ENDS), max_size=12).map(lambda rows: "".join(map("".join, rows)))
BATCH_BYTES = (1, 40, 100_000)


def read(reader: Reader, content: bytes, *, batch_bytes: int) -> Outcome | tuple[str, str]:
    limits = ReadLimits(record_bytes=200, value_bytes=50, batch_bytes=batch_bytes, batch_rows=4)
    try:
        return reader.read(content, "users.csv", requested="csv", limits=limits)
    except FileFault as fault:
        return fault.code, fault.message


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(table=TABLES, end=ENDS, is_cut=st.booleans())
def test_plain_lines_give_the_rows_that_the_csv_module_gives(
    table: str, end: str, is_cut: bool, reader: Reader
) -> None:
    content = f"email,name{end}{table.rstrip() if is_cut else table}".encode("utf-8", "surrogateescape")
    outcomes = [read(reader, content, batch_bytes=batch_bytes) for batch_bytes in BATCH_BYTES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_lines, "_WIDEST", 0)
        expected = read(reader, content, batch_bytes=BATCH_BYTES[-1])
    assert outcomes == [expected] * len(BATCH_BYTES)


@pytest.mark.parametrize(
    ("line", "is_plain"),
    [
        ("a,b", True),
        ("a,", True),
        (" a ,\u3000", True),
        ('"a","b"', True),
        ('a,"""b"", c;"', True),
        ('"",b\r', True),
        ("a", False),
        ("a,b,c", False),
        ('a,"b', False),
        ('a,b"', False),
        ('a, "b"', False),
        ('a,"b" ', False),
        ('a,"b"c', False),
        ('a,b""', False),
        ("a,\rb", False),
        ('a,"\r"', False),
        ("a,\ufffd", False),
        (" ,", False),
        ('"",""', False),
        ("", False),
        ("a,123456789", False),
    ],
)
def test_a_line_is_plain_if_it_is_a_row_by_itself(line: str, is_plain: bool) -> None:
    plain = PlainLines(separator=",", width=2, longest=10 if "123" in line else 100)
    assert plain.find(pl.Series([line])) == ([(0, 1)] if is_plain else [])


@pytest.mark.parametrize("separator", ["x", "7", "\u00a7"])
def test_no_line_is_plain_if_its_separator_can_be_text(separator: str) -> None:
    plain = PlainLines(separator=separator, width=2, longest=100)
    assert plain.find(pl.Series([f"a{separator}b"])) == []


def test_few_plain_lines_among_others_are_not_worth_it() -> None:
    plain = PlainLines(separator=",", width=2, longest=100)
    assert plain.find(pl.Series(["a,b", "a", "a"])) == []
    assert plain.find(pl.Series(["a,b", "a", "a,b", "a,b"])) == [(0, 1), (2, 4)]


def test_plain_lines_are_taken_apart_from_others() -> None:
    lines = BlockLines(b'h,h\na,b\nc,d\n"e\nf,f",\ng,h\ni,j')
    assert bytes(lines.take()) == b"h,h\n"
    lines.find_plain(PlainLines(separator=",", width=2, longest=100))
    taken = [lines.take_plain(1)[1], lines.take_plain(9)[1], lines.take_plain(9)[1], lines.take()]
    assert [*map(bytes, taken)] == [b"a,b\n", b"c,d\n", b"", b'"e\nf,f",\n']
    assert not lines.is_empty
    taken = [lines.take_plain(9)[1], lines.take()]
    assert [*map(bytes, taken)] == [b"g,h\n", b"i,j"]
    assert lines.is_empty


def test_a_plain_line_inside_a_quoted_cell_is_text(reader: Reader) -> None:
    content = b'email,name\na@b.c,A\nb@b.c,"\nx@b.c,X\ny@b.c,Y\n"\nc@b.c,C\nd@b.c,D\n'
    outcome = reader.read(content, "users.csv")
    names = [json.loads(text)["name"] for text in outcome.texts]
    assert names == ["A", "\nx@b.c,X\ny@b.c,Y\n", "C", "D"]
    assert [row.line for row in outcome.rows] == [2, 3, 7, 8]
