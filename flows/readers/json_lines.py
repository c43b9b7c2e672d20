"""NDJSON: one record a line. Each bad line is refused alone; blank lines are none, but count as lines."""

from collections.abc import Iterator

import polars as pl

from flows.readers.batch import Batch
from flows.readers.byte_stream import open_stream
from flows.readers.judge import error_rows, judge, refused_records
from flows.readers.line_blocks import Block, line_blocks
from flows.readers.reading import Reading
from flows.readers.strict_json import SPACE, too_large
from schemas.frames import RECORDS, Layout

LAYOUT = Layout()
_LINES = pl.Schema({"record": pl.Int64, "line": pl.Int64, "data": pl.Binary})


def read_json_lines(reading: Reading) -> Iterator[Batch]:
    """The batches of an NDJSON source."""
    record = reading.first_record
    with open_stream(reading.source, caps=reading.caps) as stream:
        for block in line_blocks(stream, caps=reading.caps):
            batches = _dropped if block.dropped else _batches
            for batch in batches(block, record=record, reading=reading):
                yield batch
                record += batch.seen


def _batches(block: Block, *, record: int, reading: Reading) -> Iterator[Batch]:
    lines = _lines(block)
    filled = [bool(line.strip(SPACE)) for line in lines]
    frame = pl.DataFrame({"data": lines}, schema={"data": pl.Binary}).select(
        pl.int_range(block.first_line, block.first_line + pl.len(), dtype=pl.Int64).alias("line"), "data"
    )
    frame = frame.filter(pl.Series(filled, dtype=pl.Boolean))
    frame = frame.select(pl.int_range(record, record + pl.len(), dtype=pl.Int64).alias("record"), *_LINES.names()[1:])
    left = sum(filled)
    for part in frame.iter_slices(reading.caps.batch_rows):
        judged = judge(part, engine=reading.engine, caps=reading.caps)
        seen = min(left, reading.caps.batch_rows)
        left -= seen
        yield Batch(judged.rows, judged.refused, judged.errors, seen, block.position, LAYOUT)


def _lines(block: Block) -> list[bytes]:
    """The block's lines without their ends."""
    data = block.data
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.removesuffix(b"\n").split(b"\n")


def _dropped(block: Block, *, record: int, reading: Reading) -> Iterator[Batch]:
    """The one refused record of a line that was too long to be kept."""
    line = pl.DataFrame({"record": [record], "line": [block.first_line], "data": [None]}, schema=_LINES)
    yield Batch(
        rows=pl.DataFrame(schema=RECORDS),
        refused=refused_records(line, caps=reading.caps),
        errors=error_rows(line, [too_large(block.dropped, reading.caps)]),
        seen=1,
        position=block.position,
        layout=LAYOUT,
    )
