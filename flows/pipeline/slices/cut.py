"""Cut sources into slices: NDJSON after line ends, Parquet between row groups. Other formats have state: a slice is the
whole of such a file, and how many records it has is not known before it is loaded.

The size of a slice does not depend on the number of workers: a later attempt finds the slices of an earlier one.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from flows.readers.compression import compression_from_name
from flows.readers.encodings import BOM, UTF8
from flows.readers.limits import MIB
from flows.readers.sources import Source, Span, open_source

SLICE_BYTES = 64 * MIB
CUT_FORMATS = ("ndjson", "parquet")
_CHUNK = MIB // 4  # fits into a processor's cache
_MOST_KEPT = 128 * MIB  # without a line feed: such a file may end its lines otherwise, and is not cut
_BLANK = re.compile(rb"(?m)^[ \t]*(?=\n)")
_MAY_BE_BLANK = re.compile(rb"\n[ \t\n]")  # several times as fast to look for as one of the pairs


@dataclass(frozen=True)
class Slice:
    """A part of a source, or the whole of it, that one worker loads."""

    number: int
    place: int  # of its source among those of the job
    source: Source  # with the span
    records: int | None  # None: not known before it is loaded
    first_record: int  # its number in the job; 1 if a slice before has an unknown number of records


class CannotCutError(Exception):
    """A source whose lines cannot be told apart before it is loaded."""


def cut_source(
    source: Source, form: str, *, size: int, waiting: Callable[[], None]
) -> list[tuple[Span | None, int | None]]:
    """Return the spans of a source with the numbers of their records; no span and no number for the whole of one that
    cannot be cut or has no records. `waiting` may raise to stop the reading."""
    pieces: list[tuple[Span | None, int | None]] = []
    cut = cut_lines if form == "ndjson" else cut_row_groups
    with suppress(CannotCutError, pa.ArrowException, OSError):  # a load of the whole names what is wrong with it
        for piece in cut(source, size=size) if can_cut(source, form) else ():
            waiting()
            pieces.append(piece)
        if any(records for _, records in pieces):
            return pieces
    return [(None, None)]


def can_cut(source: Source, form: str) -> bool:
    """Return whether a source can be cut: its format has no state, and its bytes are those of the file."""
    return form in CUT_FORMATS and source.encoding == UTF8 and not compression_from_name(source.file_name)


def cut_lines(source: Source, *, size: int) -> Iterator[tuple[Span, int]]:
    """Yield the spans of an NDJSON source, each with the number of its records.

    A span ends after the last line feed within its size, so that its reader has no small batch at the end, or else
    after the next one. Raise `CannotCutError` if there is none for too long.
    """
    begin, line = 0, 1
    with open_source(source) as file:
        while begin < source.size:
            file.seek(begin)
            records = lines = 0
            rest = file.read(len(BOM)) if begin == 0 else b""
            rest = b"" if rest == BOM else rest
            while True:
                chunk = file.read(_CHUNK)
                left = max(0, begin + size - (file.tell() - len(chunk)))  # of the slice, at the begin of the chunk
                end = (chunk.rfind(b"\n", 0, left) + 1 or chunk.find(b"\n", left) + 1) if left <= len(chunk) else 0
                data = rest + (chunk[:end] if end else chunk)
                done = len(data) if end or not chunk else data.rfind(b"\n") + 1
                found_lines, found_records = count_lines(data[:done])
                records, lines, rest = records + found_records, lines + found_lines, data[done:]
                if len(rest) > _MOST_KEPT:
                    raise CannotCutError(source.name)
                if end or not chunk:
                    break
            stop = file.tell() - (len(chunk) - end if end else 0)
            yield Span(begin, stop, line), records
            begin, line = stop, line + lines


def count_lines(data: bytes) -> tuple[int, int]:
    """Return the number of lines and of those that are not blank, as the reader counts them; the last may have no line
    end, and a CR at the end belongs to no later LF."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines, tail = data.count(b"\n"), data[data.rfind(b"\n") + 1 :]
    may_be_blank = data.startswith((b"\n", b" ", b"\t")) or _MAY_BE_BLANK.search(data)
    blank = len(_BLANK.findall(data)) if may_be_blank else 0
    if tail:
        lines += 1
        blank += not tail.strip(b" \t")
    return lines, lines - blank


def cut_row_groups(source: Source, *, size: int) -> list[tuple[Span, int]]:
    """Return the spans of row groups of a Parquet source, each with the number of its records.

    PyArrow can end the process on a damaged file: call it in a worker. Raise whatever PyArrow raises.
    """
    spans: list[tuple[Span, int]] = []
    with open_source(source) as file:
        metadata = pq.read_metadata(file)
    begin = records = stored = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        records += group.num_rows
        stored += sum(group.column(column).total_compressed_size for column in range(group.num_columns))
        if stored >= size or number == metadata.num_row_groups - 1:
            spans.append((Span(begin, number + 1), records))
            begin, records, stored = number + 1, 0, 0
    return spans


def narrow(source: Source, span: Span | None, form: str) -> Source:
    """Return the source as a worker reads it; of lines, its size is that of the span."""
    if span is None:
        return source
    return replace(source, span=span, size=span.end - span.begin if form == "ndjson" else source.size)
