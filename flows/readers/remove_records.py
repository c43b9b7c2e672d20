"""Find the records of one user in a file of users, and write the file again without them, all other bytes as they were.

The result is read again before it replaces the file: it must hold the other records and no others.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.readers.detect import detect_format
from flows.readers.limits import ReadLimits
from flows.readers.lines import BOM, read_line_blocks
from flows.readers.registry import read
from flows.readers.sources import Source, compression_from_name, open_source
from flows.readers.stream import ByteStream, open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import PROFILES
from transforms.user_records import UserKeys, find_records

HINT = "look at it, and remove the user from it yourself"


@dataclass
class FileContent:
    """What a file holds: the user's records, the first line of every record, and a digest of the others' texts."""

    format: str
    found: list[int] = field(default_factory=list)
    total: int = 0
    lines: list[int | None] = field(default_factory=list)
    others: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def is_emptied(self) -> bool:
        """Whether all records are the user's."""
        return len(self.found) == self.total


@dataclass(frozen=True)
class UserSearch:
    """How to search files: for which keys, within which limits, with which engine."""

    keys: UserKeys
    limits: ReadLimits
    engine: duckdb.DuckDBPyConnection

    def find(self, source: Source) -> FileContent | None:
        """Return what the file holds; None where the user is not in it.
        Raise `FileFault` if the user may be in it, but its records cannot be told apart."""
        try:
            content = self._read(source)
        except FileFault as fault:
            if self._is_named_in(source):
                message = f"{source.name} names the user, but its records cannot be read ({fault.code.value})"
                raise FileFault(fault.code, message, HINT) from None
            return None
        return content if content.found else None

    def remove(self, source: Source, content: FileContent, temp: Path) -> None:
        """Write the file without the user to `temp`. Raise `FileFault` if that would change anything else."""
        WRITERS[content.format](self, source, content, temp)
        written = self._read(Source(source.name, temp, temp.stat().st_size), form=content.format)
        if written.found or written.others.digest() != content.others.digest():
            raise FileFault(ErrorCode.FILE_FORMAT, f"{source.name} cannot be written again without the user", HINT)

    def batches(self, source: Source, form: str) -> Iterator[pl.DataFrame]:
        """Yield the records in order, columns of RECORDS, each numbered within the file."""
        profile = PROFILES["csv" if form == "csv" else "auth0"]
        read_batches = read(
            source,
            format=form,
            profile=profile,
            ignores_unknown=True,
            limits=self.limits,
            first_record=1,
            engine=self.engine,
        )
        for batch in read_batches:
            yield pl.concat([batch.rows, batch.refused], how="vertical").sort("record")

    def _read(self, source: Source, *, form: str | None = None) -> FileContent:
        content = FileContent(form or detect_format(source))
        for rows in self.batches(source, content.format):
            if rows["text"].has_nulls() and self._is_named_in(source):
                message = f"{source.name} has a record that is too large to be searched"
                raise FileFault(ErrorCode.TOO_LARGE, message, HINT)
            found = find_records(rows.drop_nulls("text"), self.keys)
            content.found += found
            content.total += rows.height
            content.lines += rows["line"].to_list()
            others = rows.filter(~pl.col("record").is_in(found))["text"].fill_null("")
            content.others.update((others + "\n").str.join("").item().encode())
        return content

    def _is_named_in(self, source: Source) -> bool:
        """Return whether the text of a file that cannot be read as users has a key of the user."""
        try:
            with open_stream(source, limits=self.limits) as stream:
                data = b"".join(_chunks(stream))
        except FileFault:
            with open_source(source) as file:
                data = file.read()
        encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
        text = data.decode(encoding, "replace")
        return bool(find_records(pl.DataFrame({"record": [1], "text": [text]}), self.keys))


def _chunks(stream: ByteStream) -> Iterator[bytes]:
    while chunk := stream.read():
        yield chunk


@contextmanager
def _compressed(source: Source, temp: Path) -> Iterator[BinaryIO | pa.NativeFile]:
    """Open the new file for writing, compressed as the source is."""
    kind = compression_from_name(source.name)
    with temp.open("wb") as file:
        if kind is None:
            yield file
        else:
            with pa.CompressedOutputStream(pa.PythonFile(file, "w"), kind) as stream:
                yield stream


def _write_lines(search: UserSearch, source: Source, content: FileContent, temp: Path) -> None:
    """Leave out the lines of each record: those from its first line up to the next record's."""
    bounds = [*(int(line or 0) for line in content.lines), None]
    by_record = [*pairwise(bounds)]
    spans, number = iter([by_record[record - 1] for record in content.found]), 0
    start, end = next(spans, (None, None))
    with (
        open_source(source) as raw,
        open_stream(source, limits=search.limits) as stream,
        _compressed(source, temp) as out,
    ):
        if compression_from_name(source.name) is None and raw.read(len(BOM)) == BOM:
            out.write(BOM)
        for block in read_line_blocks(stream, limits=search.limits):
            if block.dropped:
                raise FileFault(ErrorCode.TOO_LARGE, f"{source.name} has a line that is too long to be copied", HINT)
            kept = []
            for line in block.data.splitlines(keepends=True):
                number += 1
                while end is not None and number >= end:
                    start, end = next(spans, (None, None))
                if start is None or number < start:
                    kept.append(line)
            out.write(b"".join(kept))


def _write_json(search: UserSearch, source: Source, content: FileContent, temp: Path) -> None:
    """Leave out the records and what separates each from the one before."""
    with open_stream(source, limits=search.limits) as stream:
        data = b"".join(_chunks(stream))
    spans = [*_find_spans(search, source, content, data)]
    removed = set(content.found)
    kept = [place for place in range(content.total) if place + 1 not in removed]
    with _compressed(source, temp) as out:
        out.write(data[: spans[0][0]])
        for place in kept:
            before = spans[place][0] if place == kept[0] else spans[place - 1][1]
            out.write(data[before : spans[place][1]])
        out.write(data[spans[-1][1] :])


def _find_spans(search: UserSearch, source: Source, content: FileContent, data: bytes) -> Iterator[tuple[int, int]]:
    """Yield begin and end of every record in the bytes."""
    end = 0
    for rows in search.batches(source, content.format):
        for text in rows["text"]:
            encoded = text.encode() if text is not None else None
            start = -1 if encoded is None else data.find(encoded, end)
            if encoded is None or start < 0:
                message = f"{source.name} has a record that cannot be found in its bytes"
                raise FileFault(ErrorCode.FILE_FORMAT, message, HINT)
            end = start + len(encoded)
            yield start, end


def _write_parquet(_search: UserSearch, source: Source, content: FileContent, temp: Path) -> None:
    """Leave out the rows of the records, row group by row group."""
    removed, done = pa.array(content.found, pa.int64()), 0
    with pq.ParquetFile(source.path) as file:
        compression: Any = file.metadata.row_group(0).column(0).compression.lower().replace("uncompressed", "none")
        with pq.ParquetWriter(temp, file.schema_arrow, compression=compression) as writer:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                numbers = pa.array(range(done + 1, done + 1 + rows.num_rows), pa.int64())
                writer.write_table(rows.filter(pc.invert(pc.is_in(numbers, value_set=removed))))
                done += rows.num_rows


WRITERS: Mapping[str, Callable[[UserSearch, Source, FileContent, Path], None]] = {
    "csv": _write_lines,
    "ndjson": _write_lines,
    "json": _write_json,
    "parquet": _write_parquet,
}
