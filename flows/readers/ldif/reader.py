"""Read the batches of an LDIF source. An entry that cannot be read is refused alone; comments are no records."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from flows.readers.check_records import add_record_numbers, add_texts, make_errors, refuse_record
from flows.readers.json.records import read_records
from flows.readers.json.strict import Refusal
from flows.readers.lines import Block, read_line_blocks, split_bytes
from flows.readers.reading import Batch, Reading
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import RECORDS
from transforms.ldif import Entries, read_entries

BETWEEN = b"\n\n"  # entries
NOT_READABLE = b"\xff"  # stands for a line that is too long to be kept, and is not UTF-8 either
UNREADABLE = Refusal(
    ErrorCode.MALFORMED_RECORD, "is not an entry of LDIF: a line for dn, then lines with a name, a colon and a value"
)
BINARY = "is a binary value, which is left out"


@dataclass(frozen=True)
class _Part:
    """Whole entries, or the size of one that is too large to be kept; `line` is the first."""

    data: bytes
    line: int
    position: int
    dropped: int = 0


@dataclass
class _Buffer:
    """The lines that have been read and are not part of a whole entry yet, or of one that is too large (`dropped`)."""

    most: int
    data: bytes = b""
    line: int = 1  # of the first byte
    dropped: int = 0
    dropped_line: int = 0

    def add(self, lines: bytes, *, position: int) -> Iterator[_Part]:
        """Yield the entries that the lines complete."""
        self.data += lines
        if self.dropped:
            yield from self._drop(self.data.find(BETWEEN) + 1, position=position)
        if not self.dropped and (end := self.data.rfind(BETWEEN) + 1):
            yield _Part(self.data[:end], self.line, position)
            self._advance(end)
        if not self.dropped and len(self.data) > self.most:
            self.dropped_line = self.line
            yield from self._drop(0, position=position)

    def close(self, *, position: int) -> Iterator[_Part]:
        """Yield the last entries."""
        if self.dropped:
            yield _Part(b"", self.dropped_line, position, self.dropped + len(self.data))
        elif self.data.strip():
            yield _Part(self.data, self.line, position)

    def _drop(self, end: int, *, position: int) -> Iterator[_Part]:
        """Drop the lines up to the end of the entry; if that is not there yet, all but the last line end."""
        size = end or max(len(self.data) - 1, 0)
        self.dropped += size
        self._advance(size)
        if end:
            yield _Part(b"", self.dropped_line, position, self.dropped)
            self.dropped = 0

    def _advance(self, size: int) -> None:
        self.line += self.data.count(b"\n", 0, size)
        self.data = self.data[size:]


def read_ldif(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of an LDIF source."""
    record = reading.first_record
    for part in _read_parts(reading):
        for batch in _make_batches(part, record=record, reading=reading):
            yield batch
            record += batch.seen
    if record == reading.first_record:
        message = f"{reading.source.name} has no entries"
        raise FileFault(ErrorCode.FILE_EMPTY, message, "export the users again")


def _read_parts(reading: Reading) -> Iterator[_Part]:
    """Yield the entries of the source, many in one part."""
    buffer, position = _Buffer(reading.limits.record_bytes), 0
    with open_stream(reading.source, limits=reading.limits) as stream:
        for block in read_line_blocks(stream, limits=reading.limits):
            position = block.position
            yield from buffer.add(_lines_of(block), position=position)
        yield from buffer.close(position=position)


def _lines_of(block: Block) -> bytes:
    if block.dropped:
        return NOT_READABLE + b"\n"
    return block.data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block.data else block.data


def _make_batches(part: _Part, *, record: int, reading: Reading) -> Iterator[Batch]:
    if part.dropped:
        yield refuse_record(record, part.line, size=part.dropped, position=part.position, limits=reading.limits)
        return
    data = split_bytes(part.data, b"\n")
    numbers = pl.int_range(part.line, part.line + len(data), dtype=pl.Int64, eager=True)
    found = read_entries(add_texts(pl.DataFrame({"line": numbers, "data": data})).drop("data"))
    records = add_record_numbers(found.entries, first=record)
    for rows in records.iter_slices(reading.limits.batch_rows):
        yield _make_batch(rows, found, position=part.position, reading=reading)


def _make_batch(rows: pl.DataFrame, found: Entries, *, position: int, reading: Reading) -> Batch:
    from transforms.mapping.leftovers import warn  # noqa: PLC0415 - loads the language of mappings

    refused = rows.filter(~pl.col("is_readable")).select(RECORDS.names())
    batch = read_records(rows.filter("is_readable"), reading=reading, seen=rows.height, position=position)
    users = rows.select("record", "line").filter(pl.col("record").is_in(batch.values.users["record"].implode()))
    binary = users.join(found.binary, on="line").sort("record")
    warnings = pl.concat([batch.values.warnings, warn(binary, path=pl.col("name"), message=BINARY)])
    return replace(
        batch,
        values=replace(batch.values, warnings=warnings),
        refused=pl.concat([batch.refused, refused]).sort("record"),
        errors=pl.concat([batch.errors, make_errors(refused, [UNREADABLE] * refused.height)]).sort("record"),
    )
