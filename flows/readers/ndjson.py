"""Read NDJSON: one record per line. A bad line is refused alone; a blank line is skipped but counts as a line."""

from collections.abc import Iterator

import polars as pl

from flows.readers.check_records import add_record_numbers, add_texts, refuse_record
from flows.readers.json.records import read_records
from flows.readers.lines import read_line_blocks, split_bytes
from flows.readers.reading import Batch, Reading
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault

_SAMPLES = 8
_SAMPLE_SHARE = 8  # a sample is one eighth of its part of the data


def read_ndjson(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of an NDJSON source."""
    span = reading.source.span
    record, line, begin = reading.first_record, span.first_line if span else 1, 0.0
    with open_stream(reading.source, limits=reading.limits) as stream:
        for block in read_line_blocks(stream, limits=reading.limits):
            if block.dropped:
                yield refuse_record(record, line, size=block.dropped, position=block.position, limits=reading.limits)
                record, line = record + 1, line + 1
            data = block.data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block.data else block.data
            stored = (block.position - begin) / max(len(data), 1)  # bytes for each byte of the data
            for part in _split_into_parts(data, lines=4 * reading.limits.batch_rows):
                lines = _split_lines(part, first=line)
                line += lines.height
                stretch = (begin, begin := begin + stored * len(part))
                for batch in _make_batches(lines, stretch=stretch, record=record, reading=reading):
                    yield batch
                    record += batch.seen
            begin = block.position
    if record == reading.first_record and span is None:
        message = f"{reading.source.name} is empty: it has no line that is not blank"
        raise FileFault(ErrorCode.FILE_EMPTY, message, "export the users again")


def _split_into_parts(data: bytes, *, lines: int) -> Iterator[bytes]:
    """Yield parts of about so many lines: a frame of millions of blank lines would need much memory."""
    middle = data.find(b"\n", len(data) // 2) + 1
    if middle in (0, len(data)) or _estimate_lines(data) <= lines:
        yield from [data] if data else []
        return
    yield from _split_into_parts(data[:middle], lines=lines)
    yield from _split_into_parts(data[middle:], lines=lines)


def _estimate_lines(data: bytes) -> int:
    """Estimate the number of lines from samples: counting takes as long as reading."""
    step = len(data) // _SAMPLES + 1
    size = step // _SAMPLE_SHARE + 1
    return _SAMPLE_SHARE * sum(data.count(b"\n", at, at + size) for at in range(0, len(data), step))


def _split_lines(data: bytes, *, first: int) -> pl.DataFrame:
    """Return the lines without their line ends, as line and data."""
    lines = split_bytes(data, b"\n")
    if data.endswith(b"\n"):
        lines = lines.head(-1)
    return pl.DataFrame({"line": pl.int_range(first, first + len(lines), dtype=pl.Int64, eager=True), "data": lines})


def _make_batches(
    lines: pl.DataFrame, *, stretch: tuple[float, float], record: int, reading: Reading
) -> Iterator[Batch]:
    """Yield the batches of lines; the stretch is the stored bytes of the source up to their begin and end."""
    texts, (begin, end) = add_texts(lines), stretch
    blank = texts["text"].str.contains(r"^[ \t]*$").fill_null(value=False)
    left = lines.height - (blanks := blank.arg_true().len())
    reading.skipped.blank_lines += blanks
    for part in add_record_numbers(texts.filter(~blank), first=record).iter_slices(reading.limits.batch_rows):
        seen = min(left, reading.limits.batch_rows)
        left -= seen
        share = (part["line"][-1] + 1 - lines["line"][0]) / lines.height
        yield read_records(part, reading=reading, seen=seen, position=round(begin + (end - begin) * share))
