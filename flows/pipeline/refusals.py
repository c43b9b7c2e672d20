"""Stage what a plan refuses: its errors and warnings, and the refused records as they came and redacted.

All are read in batches, because a job can refuse every one of its records. Which it refuses is in `transforms.plan`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb
import polars as pl

from flows.pipeline.job import Job
from flows.store.job_folder import JobFolder
from flows.store.jobs import Content
from schemas.codes import Severity
from schemas.frames import ERRORS, RECORDS, STAGED_ERRORS
from transforms.rejects.redact import redact
from transforms.statements import statement

READ_ROWS = 2048  # at once: those that DuckDB has in one vector
BATCH_BYTES = 8 << 20  # of the rows of a part, as they are in memory


@dataclass
class StagedErrors:
    """The errors of a plan, which are staged as they are found."""

    folder: JobFolder
    content: Content
    parts: int = 0
    by_code: Counter[str] = field(default_factory=Counter)

    def stage(self, errors: pl.DataFrame) -> None:
        """Stage errors, which are sorted by record, with the file of each."""
        files = pl.DataFrame(
            {"source": self.content.files, "record": self.content.first_records}, schema_overrides={"record": pl.Int64}
        )
        found = errors.join_asof(files, on="record").select(STAGED_ERRORS.names())
        self.folder.write_last_part("errors", self.parts, found)
        self.parts += 1
        counted = found.filter(severity=Severity.ERROR.value)["code"].value_counts()
        self.by_code.update(dict(counted.rows()))


def stage_errors(connection: duckdb.DuckDBPyConnection, job: Job, content: Content) -> StagedErrors:
    """Stage the errors and warnings of the plan on the connection, in place of those of an earlier plan."""
    job.folder.remove_last_parts("errors")
    staged = StagedErrors(job.folder, content)
    for errors in _read_batches(connection, "planned_errors"):
        job.stop.check()
        staged.stage(errors.cast(ERRORS))
    return staged


def stage_refused(connection: duckdb.DuckDBPyConnection, job: Job, *, known_names: Mapping[str, str]) -> int:
    """Stage the records that the plan refuses, in place of those of an earlier plan; return their number. The values
    under the known names are shown."""
    for kind in ("refused", "rejected"):
        job.folder.remove_last_parts(kind)
    for number, records in enumerate(_read_batches(connection, "refused_records")):
        job.stop.check()
        job.folder.write_last_part("refused", number, records.cast(RECORDS).sort("record"))
    count = 0
    for number, part in enumerate(job.folder.last_parts("refused")):  # not before: the query needs most of the memory
        job.stop.check()
        refused = pl.read_parquet(part, glob=False)
        shown = redact(refused, engine=connection, known=known_names)
        job.folder.write_last_part("rejected", number, shown)
        count += refused.height
    return count


def _read_batches(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pl.DataFrame]:
    """Yield the rows of a query in order, in frames of about `BATCH_BYTES`, however long single rows are."""
    frames: list[pl.DataFrame] = []
    size = 0
    for rows in connection.sql(statement(query)).to_arrow_reader(READ_ROWS):
        frames.append(pl.DataFrame(rows))
        size += rows.nbytes
        if size >= BATCH_BYTES:
            yield pl.concat(frames)
            frames, size = [], 0
    if frames:
        yield pl.concat(frames)
