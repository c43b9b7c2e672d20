"""Sources are cut after line ends and between row groups, and every piece knows its records and its first line."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.pipeline.slices import cut
from flows.pipeline.slices.choose import AUTO_BYTES, AUTO_PROCESSORS, count_processes
from flows.pipeline.slices.cut import CannotCutError, can_cut, count_lines, cut_lines, cut_row_groups
from flows.readers.encodings import BOM
from flows.readers.sources import Source
from flows.settings import Settings

PIECES = st.lists(st.sampled_from([b"a", b"{}", b"\n", b"\r\n", b"\r", b" ", b"\t", b"xyz", b"\xff"]), max_size=40)


def source_of(path: Path, data: bytes, name: str = "users.ndjson") -> Source:
    path.write_bytes(data)
    return Source(name, path, len(data))


@given(pieces=PIECES, size=st.integers(1, 20), chunk=st.integers(1, 12), has_bom=st.booleans())
def test_spans_are_whole_lines_and_count_what_is_in_them(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], size: int, chunk: int, has_bom: bool
) -> None:
    text = b"".join(pieces)
    data = BOM * has_bom + text
    source = source_of(tmp_path_factory.getbasetemp() / "cut.ndjson", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "_CHUNK", chunk)
        spans = list(cut_lines(source, size=size))
    assert [span.begin for span, _ in spans] == [0, *(span.end for span, _ in spans)][: len(spans)]
    assert sum(span.end - span.begin for span, _ in spans) == len(data)
    for span, records in spans:
        before = data[: span.begin].removeprefix(BOM)
        assert span.begin == 0 or data[span.begin - 1 : span.begin] == b"\n"
        assert span.first_line == 1 + count_lines(before)[0]
        assert records == count_lines(data[span.begin : span.end].removeprefix(BOM if span.begin == 0 else b""))[1]
    assert sum(records for _, records in spans) == count_lines(text)[1]


def test_a_span_ends_before_its_size_unless_a_line_is_longer(tmp_path: Path) -> None:
    source = source_of(tmp_path / "users.ndjson", b'{"a": 12}\n' * 20 + b"x" * 200 + b"\n{}\n")
    lengths = [span.end - span.begin for span, _ in cut_lines(source, size=64)]
    assert lengths == [60, 60, 60, 20, 201, 3]


@pytest.mark.parametrize(
    ("data", "lines", "records"),
    [
        (b"", 0, 0),
        (b"a", 1, 1),
        (b"a\n", 1, 1),
        (b"a\r\nb\rc\n", 3, 3),
        (b"\n \n\t\r\na", 4, 1),
        (b"a\n  ", 2, 1),
        (b"\x0b\n\xc2\xa0\n", 2, 2),  # white space that is not blank to the reader
    ],
)
def test_blank_lines_are_lines_and_not_records(data: bytes, lines: int, records: int) -> None:
    assert count_lines(data) == (lines, records)


def test_a_file_without_line_feeds_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "_MOST_KEPT", 100)
    monkeypatch.setattr(cut, "_CHUNK", 64)
    source = source_of(tmp_path / "mac.ndjson", b"{}\r" * 1000)
    with pytest.raises(CannotCutError):
        list(cut_lines(source, size=200))


def test_row_groups_are_cut_by_their_stored_size(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    pl.DataFrame({"email": [f"{n}@example.com" for n in range(100)]}).write_parquet(path, row_group_size=10)
    source = Source(path.name, path, path.stat().st_size)
    one_each = cut_row_groups(source, size=1)
    assert [(span.begin, span.end, records) for span, records in one_each] == [(n, n + 1, 10) for n in range(10)]
    assert [records for _, records in cut_row_groups(source, size=1 << 30)] == [100]


@pytest.mark.parametrize(
    ("name", "form", "encoding", "expected"),
    [
        ("a.ndjson", "ndjson", "utf-8", True),
        ("a.parquet", "parquet", "utf-8", True),
        ("a.ndjson.gz", "ndjson", "utf-8", False),
        ("a.ndjson", "ndjson", "cp1252", False),
        ("a.csv", "csv", "utf-8", False),
        ("a.json", "json", "utf-8", False),
    ],
)
def test_only_what_has_no_state_is_cut(name: str, form: str, encoding: str, expected: bool) -> None:
    assert can_cut(Source(name, Path(name), 1, encoding=encoding), form) is expected


@pytest.mark.parametrize(
    ("runner", "processors", "size", "expected"),
    [
        ("none", 64, 1 << 40, 0),
        ("processes:3", 1, 1, 3),
        ("auto", AUTO_PROCESSORS, AUTO_BYTES, AUTO_PROCESSORS),
        ("auto", AUTO_PROCESSORS, AUTO_BYTES - 1, 0),
        ("auto", AUTO_PROCESSORS - 1, 1 << 40, 0),
    ],
)
def test_processes_are_started_where_they_are_asked_for_or_pay(
    monkeypatch: pytest.MonkeyPatch, runner: str, processors: int, size: int, expected: int
) -> None:
    monkeypatch.setattr("flows.pipeline.slices.choose.available_processors", lambda: processors)
    assert count_processes(Settings(task_runner=runner), source_bytes=size) == expected
