"""NDJSON: one record a line. Each bad line is refused alone; blank lines are none, but count as lines."""

from collections.abc import Iterator

import polars as pl

from flows.readers.batch import Batch
from flows.readers.byte_stream import open_stream
from flows.readers.cutting import cut
from flows.readers.judge import invalid_json, judge, lost, number, with_texts
from flows.readers.line_blocks import Block, line_blocks
from flows.readers.reading import Reading
from schemas.frames import Layout

LAYOUT = Layout()


def read_json_lines(reading: Reading) -> Iterator[Batch]:
    """The batches of an NDJSON source."""
    record, line = reading.first_record, 1
    with open_stream(reading.source, caps=reading.caps) as stream:
        for block in line_blocks(stream, caps=reading.caps):
            if block.dropped:
                judged = lost(record=record, line=line, size=block.dropped, caps=reading.caps)
                yield judged.batch(seen=1, position=block.position, layout=LAYOUT)
                record, line = record + 1, line + 1
                continue
            lines = _lines(block, first=line)
            line += lines.height
            for batch in _batches(lines, position=block.position, record=record, reading=reading):
                yield batch
                record += batch.seen


def _lines(block: Block, *, first: int) -> pl.DataFrame:
    """The block's lines without their ends, as line and data."""
    data = block.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = cut(data, b"\n")
    if data.endswith(b"\n"):
        lines = lines.head(-1)
    return pl.DataFrame({"line": pl.int_range(first, first + len(lines), dtype=pl.Int64, eager=True), "data": lines})


def _batches(lines: pl.DataFrame, *, position: int, record: int, reading: Reading) -> Iterator[Batch]:
    texts = with_texts(lines)
    blank = texts["text"].str.contains(r"^[ \t]*$").fill_null(value=False)
    left = lines.height - blank.arg_true().len()
    for part in number(texts.filter(~blank), first=record).iter_slices(reading.caps.batch_rows):
        seen = min(left, reading.caps.batch_rows)
        left -= seen
        judged = judge(part, broken=invalid_json(part, reading.engine), caps=reading.caps)
        yield judged.batch(seen=seen, position=position, layout=LAYOUT)
