"""NDJSON: one record a line. Each bad line is refused alone; blank lines are none, but count as lines."""

from collections.abc import Iterator

import polars as pl

from flows.readers.check_records import check_records, invalid_json, number, oversized_record, with_texts
from flows.readers.lines import line_blocks, split_bytes
from flows.readers.reading import Batch, Reading
from flows.readers.stream import open_stream
from schemas.frames import Layout

LAYOUT = Layout()
_SAMPLES = 8
_SAMPLED = 8  # of every so many bytes one is looked at


def read_json_lines(reading: Reading) -> Iterator[Batch]:
    """The batches of an NDJSON source."""
    record, line = reading.first_record, 1
    with open_stream(reading.source, limits=reading.limits) as stream:
        for block in line_blocks(stream, limits=reading.limits):
            if block.dropped:
                judged = oversized_record(record=record, line=line, size=block.dropped, limits=reading.limits)
                yield judged.batch(seen=1, position=block.position, layout=LAYOUT)
                record, line = record + 1, line + 1
            for data in _parts(_with_line_feeds(block.data), lines=4 * reading.limits.batch_rows):
                lines = _lines(data, first=line)
                line += lines.height
                for batch in _batches(lines, position=block.position, record=record, reading=reading):
                    yield batch
                    record += batch.seen


def _with_line_feeds(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _parts(data: bytes, *, lines: int) -> Iterator[bytes]:
    """The lines in parts of about so many: millions of blank ones would need much memory at once."""
    middle = data.find(b"\n", len(data) // 2) + 1
    if middle in (0, len(data)) or _guessed_lines(data) <= lines:
        yield from [data] if data else []
        return
    yield from _parts(data[:middle], lines=lines)
    yield from _parts(data[middle:], lines=lines)


def _guessed_lines(data: bytes) -> int:
    """About how many lines there are, from samples: to count takes as long as to read."""
    step = len(data) // _SAMPLES + 1
    return _SAMPLED * sum(data.count(b"\n", at, at + step // _SAMPLED + 1) for at in range(0, len(data), step))


def _lines(data: bytes, *, first: int) -> pl.DataFrame:
    """The lines without their ends, as line and data."""
    lines = split_bytes(data, b"\n")
    if data.endswith(b"\n"):
        lines = lines.head(-1)
    return pl.DataFrame({"line": pl.int_range(first, first + len(lines), dtype=pl.Int64, eager=True), "data": lines})


def _batches(lines: pl.DataFrame, *, position: int, record: int, reading: Reading) -> Iterator[Batch]:
    texts = with_texts(lines)
    blank = texts["text"].str.contains(r"^[ \t]*$").fill_null(value=False)
    left = lines.height - blank.arg_true().len()
    for part in number(texts.filter(~blank), first=record).iter_slices(reading.limits.batch_rows):
        seen = min(left, reading.limits.batch_rows)
        left -= seen
        judged = check_records(part, broken=invalid_json(part, reading.engine), limits=reading.limits)
        yield judged.batch(seen=seen, position=position, layout=LAYOUT)
