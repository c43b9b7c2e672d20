"""Find the records of one user in a file of users, and write the file again without them, all other bytes as they were.

The result is read again before it replaces the file: it must hold the other records and no others.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.readers.compression import compression_from_name, open_compressed
from flows.readers.detect import detect_format
from flows.readers.encodings import BOM, find_byte_order, recognise_encoding
from flows.readers.excel.container import read_members
from flows.readers.limits import ReadLimits
from flows.readers.lines import read_line_blocks
from flows.readers.registry import read
from flows.readers.sources import Source, open_source
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import PROFILES
from transforms.user_records import UserKeys, find_records, is_named

HINT = "look at it, and remove the user from it yourself"


@dataclass
class FileContent:
    """What a file holds: the user's records, the first line of every record, and a digest of the others' texts."""

    format: str
    found: list[int] = field(default_factory=list)
    lines: list[int | None] = field(default_factory=list)
    others: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def is_emptied(self) -> bool:
        """Whether all records are the user's."""
        return len(self.found) == len(self.lines)


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
            if (members := read_members(source, limits=self.limits)) is not None:
                self._refuse_named(members)
                return None
            if (form := detect_format(source)) == "ldif":
                texts = (text for rows in self._batches(source, form) for text in rows["text"].drop_nulls())
                self._refuse_named("\n".join(texts).encode(), what="LDIF")
                return None
            content = self._read(source, form=form)
        except FileFault as fault:
            if fault.hint is HINT:
                raise
            data = self._read_bytes(source)
            encoding = recognise_encoding(data[: len(data) // 4 * 4])
            text = data.decode(find_byte_order(data, encoding), "replace").encode() if encoding else data
            if is_named(text, self.keys):
                raise FileFault(fault.code, f"it names the user, and has a fault: {fault.message}", HINT) from None
            if b"\0" in data and not encoding:
                raise FileFault(fault.code, "it is not text, and cannot be read as users", HINT) from None
            return None
        return content if content.found else None

    def _refuse_named(self, members: bytes, *, what: str = "a workbook or an archive") -> None:
        """Raise `FileFault` if what is in a file that is not written again names the user."""
        if is_named(members, self.keys):
            raise FileFault(ErrorCode.FILE_FORMAT, f"it is {what}, and names the user", HINT)

    def remove(self, source: Source, content: FileContent, temp: Path) -> None:
        """Write the file without the user to `temp`. Raise `FileFault` if that would change anything else."""
        with ExitStack() as stack:
            if content.format == "parquet":
                _write_parquet(source, content, temp)
            else:
                file = stack.enter_context(temp.open("wb"))
                out = stack.enter_context(open_compressed(file, compression_from_name(source.name)))
                write = self._write_json if content.format == "json" else self._write_lines
                write(source, content, out)
        written = self._read(Source(source.name, temp, temp.stat().st_size), form=content.format)
        if written.found or written.others.digest() != content.others.digest():
            raise FileFault(ErrorCode.FILE_FORMAT, "it cannot be written again without the user", HINT)

    def _batches(self, source: Source, form: str) -> Iterator[pl.DataFrame]:
        """Yield the records in order, columns of RECORDS and `is_read`, each numbered within the file."""
        profile = PROFILES["csv" if form in ("csv", "excel") else "auth0"]
        batches = read(
            source,
            format=form,
            profile=profile,
            ignores_unknown=True,
            limits=self.limits,
            first_record=1,
            engine=self.engine,
        )
        for batch in batches:
            texts = batch.write_texts(batch.values.users["record"])
            yield pl.concat([texts.with_columns(is_read=True), batch.refused.with_columns(is_read=False)]).sort(
                "record"
            )

    def _read(self, source: Source, *, form: str) -> FileContent:
        content = FileContent(form)
        for rows in self._batches(source, form):
            found = find_records(rows.drop_nulls("text"), self.keys)
            is_found = pl.col("record").is_in(found)
            is_shared = is_found & ~pl.col("is_read") & (pl.col("text").str.count_matches("@") > 1)
            if not rows.filter(is_shared).is_empty():
                message = "it has a record that names the user and others, and cannot be read"
                raise FileFault(ErrorCode.FILE_FORMAT, message, HINT)
            if rows["text"].has_nulls():
                raise FileFault(ErrorCode.TOO_LARGE, "it has a record that is too large to be searched", "")
            content.found += found
            content.lines += rows["line"].to_list()
            others = rows.filter(~is_found)["text"]
            content.others.update((others + "\n").str.join("").item().encode())
        return content

    def _read_bytes(self, source: Source) -> bytes:
        """Return the content, decompressed where that is possible."""
        try:
            with open_stream(source, limits=self.limits) as stream:
                return b"".join(iter(stream.read, b""))
        except FileFault:
            with open_source(source) as file:
                return file.read()

    def _write_lines(self, source: Source, content: FileContent, out: BinaryIO) -> None:
        """Leave out the lines of each record: those from its first line up to the next record's."""
        bounds = [*pairwise([*(int(line or 0) for line in content.lines), None])]
        spans, number = iter([bounds[record - 1] for record in content.found]), 0
        start, end = next(spans, (None, None))
        with open_source(source) as raw, open_stream(source, limits=self.limits) as stream:
            if compression_from_name(source.name) is None and raw.read(len(BOM)) == BOM:
                out.write(BOM)
            for block in read_line_blocks(stream, limits=self.limits):
                for line in block.data.splitlines(keepends=True):
                    number += 1
                    while end is not None and number >= end:
                        start, end = next(spans, (None, None))
                    if start is None or number < start:
                        out.write(line)

    def _write_json(self, source: Source, content: FileContent, out: BinaryIO) -> None:
        """Leave out the records and what separates each from the one before."""
        data = self._read_bytes(source)
        spans, end = [], 0
        for text in (text for rows in self._batches(source, content.format) for text in rows["text"]):
            start = data.find(text.encode(), end)
            if start < 0:
                raise FileFault(ErrorCode.FILE_FORMAT, "it has a record that is not found in its bytes", HINT)
            end = start + len(text.encode())
            spans.append((start, end))
        removed = {*content.found}
        kept = [place for place in range(len(spans)) if place + 1 not in removed]
        out.write(data[: spans[0][0]])
        for place in kept:
            before = spans[place][0] if place == kept[0] else spans[place - 1][1]
            out.write(data[before : spans[place][1]])
        out.write(data[spans[-1][1] :])


def _write_parquet(source: Source, content: FileContent, temp: Path) -> None:
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
