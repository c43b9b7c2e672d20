"""Read bytes as a file of a given name, as a job does, and return the result in plain values."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from flows.readers.detect import detect_format
from flows.readers.limits import ReadLimits
from flows.readers.registry import read
from flows.readers.sources import Source
from schemas.faults import FileFault
from schemas.profiles import PROFILES, Profile

SMALL = ReadLimits(record_bytes=400, value_bytes=200, nesting=5, keys=20, batch_bytes=64, batch_rows=3)


class Row(NamedTuple):
    """A record that can be read."""

    record: int
    line: int | None
    text: str


class RowError(NamedTuple):
    """An error of a record that cannot be read."""

    record: int
    line: int | None
    code: str


@dataclass(frozen=True)
class Outcome:
    """The batches of one source together."""

    rows: list[Row]
    errors: list[RowError]
    messages: list[str]
    refused: list[str | None]
    seen: int
    positions: list[int] = field(compare=False)  # they depend on the size of the batches

    @property
    def texts(self) -> list[str]:
        """Return the texts of the records that can be read."""
        return [row.text for row in self.rows]


@dataclass(frozen=True)
class Reader:
    """Read files in a folder, with an engine."""

    folder: Path
    engine: duckdb.DuckDBPyConnection

    def read(
        self,
        content: bytes,
        name: str = "users.json",
        *,
        requested: str = "auto",
        profile: Profile | None = None,
        limits: ReadLimits | None = None,
        first_record: int = 1,
        encoding: str = "utf-8",
        sheet: str = "",
    ) -> Outcome:
        """Read the content as a file of that name."""
        source = replace(self.source(content, name), encoding=encoding)
        form = detect_format(source, requested)
        profile = profile or PROFILES["csv" if form in ("csv", "excel") else "auth0"]
        batches = list(
            read(
                source,
                format=form,
                profile=profile,
                sheet=sheet,
                limits=limits or ReadLimits(),
                first_record=first_record,
                engine=self.engine,
            )
        )
        for batch in batches:
            assert batch.seen == batch.values.users.height + batch.refused.height
            assert set(batch.errors["record"]) == set(batch.refused["record"])
            assert 0 <= batch.position <= source.size
        return Outcome(
            rows=[
                Row(**row)
                for batch in batches
                for row in batch.write_texts(batch.values.users["record"]).rows(named=True)
            ],
            errors=[
                RowError(**row)
                for batch in batches
                for row in batch.errors.select("record", "line", "code").rows(named=True)
            ],
            messages=[message for batch in batches for message in batch.errors["message"]],
            refused=[text for batch in batches for text in batch.refused["text"]],
            seen=sum(batch.seen for batch in batches),
            positions=[batch.position for batch in batches],
        )

    def fault(
        self,
        content: bytes,
        name: str = "users.json",
        *,
        requested: str = "auto",
        limits: ReadLimits | None = None,
        encoding: str = "utf-8",
        sheet: str = "",
    ) -> FileFault:
        """Return the fault that refuses the content as a file of that name."""
        with pytest.raises(FileFault) as raised:
            self.read(content, name, requested=requested, limits=limits, encoding=encoding, sheet=sheet)
        return raised.value

    def source(self, content: bytes, name: str) -> Source:
        """Write the content to a file."""
        path = self.folder / name
        path.write_bytes(content)
        return Source(name, path, len(content))
