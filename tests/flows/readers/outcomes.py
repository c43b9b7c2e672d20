"""Reads bytes as a file of a name, the way a job does, and gives what came of it in plain values."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from flows.readers.detect import detect_format
from flows.readers.limits import ReadLimits
from flows.readers.registry import read
from flows.readers.sources import Source
from schemas.faults import FileFault
from schemas.profiles import PROFILES, Profile

SMALL = ReadLimits(record_bytes=400, value_bytes=200, nesting=5, keys=20, batch_bytes=64, batch_rows=3)


@dataclass(frozen=True)
class Outcome:
    """All batches of one reading together."""

    rows: list[tuple[int, int | None, str]]  # record, line, text
    errors: list[tuple[int, int | None, str]]  # record, line, code
    messages: list[str]
    refused: list[str | None]
    seen: int

    @property
    def texts(self) -> list[str]:
        """The texts of the records that can be read."""
        return [text for _, _, text in self.rows]


@dataclass(frozen=True)
class Reader:
    """Reads in a folder, with an engine."""

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
    ) -> Outcome:
        """What reading the content under the name gives."""
        source = self.source(content, name)
        form = detect_format(source, requested)
        profile = profile or PROFILES["csv" if form == "csv" else "auth0"]
        batches = list(
            read(
                source,
                format=form,
                profile=profile,
                limits=limits or ReadLimits(),
                first_record=first_record,
                engine=self.engine,
            )
        )
        for batch in batches:
            assert batch.seen == batch.rows.height + batch.refused.height
            assert set(batch.errors["record"]) == set(batch.refused["record"])
            assert 0 <= batch.position <= source.size
        return Outcome(
            rows=[row for batch in batches for row in batch.rows.rows()],
            errors=[row for batch in batches for row in batch.errors.select("record", "line", "code").rows()],
            messages=[message for batch in batches for message in batch.errors["message"]],
            refused=[text for batch in batches for text in batch.refused["text"]],
            seen=sum(batch.seen for batch in batches),
        )

    def fault(
        self, content: bytes, name: str = "users.json", *, requested: str = "auto", limits: ReadLimits | None = None
    ) -> FileFault:
        """The fault that refuses the content under the name."""
        with pytest.raises(FileFault) as raised:
            self.read(content, name, requested=requested, limits=limits)
        return raised.value

    def source(self, content: bytes, name: str) -> Source:
        """The content as a file."""
        path = self.folder / name
        path.write_bytes(content)
        return Source(name, path, len(content))
