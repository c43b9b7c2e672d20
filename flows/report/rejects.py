"""Write the refused records of a job to a file, to be corrected and imported again.

The file contains the records as they came, with their secrets. What is added to a record and how a cell is written is
in `transforms.rejects`.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import duckdb
import polars as pl
import pyarrow.parquet as pq

from flows.pipeline.path_checks import output_fault, refuse_sources, require_output
from flows.readers.sources import EXTENSIONS, printable
from flows.settings import Settings, format_command
from flows.store.database import Store, escape_glob, scratch
from flows.store.errors import ENGINE_ERRORS
from flows.store.job_folder import JobFolder
from flows.store.jobs import build_summary, find_job, get_job_row
from flows.store.private_files import atomic_write, temporary_file
from schemas.codes import ErrorCode
from schemas.faults import FileFault, JobFault
from schemas.fields import BOOLEAN_FIELDS, LIST_FIELDS, NESTED_FIELDS
from schemas.formats.text import WHITE_SPACE
from schemas.job import RUNNING, UNDO, JobSummary
from schemas.profiles import ABSENT_WORD, IGNORED_COLUMNS, PROFILES, Profile
from transforms.fields.cells import LENIENT_JSON
from transforms.rejects.tables import (
    ADDED_MEMBERS,
    REMOVE_ADDED_KEYS,
    UNREADABLE_CODES,
    RejectLayout,
    find_types,
    to_cells,
    to_json_lines,
    to_typed_columns,
)
from transforms.statements import materialise, run

STDOUT = Path("-")
TABLES = ("csv", "parquet")
BATCH_ROWS = 50_000
BATCH_CELLS = 1_000_000
BATCH_BYTES = 16_000_000


@dataclass(frozen=True)
class Rejects:
    """The file that was written."""

    path: Path
    format: str
    records: int

    @property
    def sentence(self) -> str:
        """Return how many records are where."""
        records = "1 refused record" if self.records == 1 else f"{self.records:,} refused records"
        return f"{records} written to {'standard output' if self.path == STDOUT else printable(str(self.path))}"


def write_rejects(store: Store, job_id: str, path: Path) -> Rejects:
    """Write the refused records of a job that has ended; without refused records, write no file.
    Raise `JobFault` if the job does not exist, has not ended, or its records are purged; `FileFault` if the file cannot
    be written, or the format of its name is not supported."""
    require_output(path, store.settings)
    row = get_job_row(store, job_id)
    job, files = build_summary(row), cast("list[str]", row["files"] or [])
    refuse_sources(path, map(Path, (*files, *job.sources)))
    folder = JobFolder(store.settings.jobs_folder / job.job_id)
    file_format = _get_format(path, folder)
    if not _has_rejects(job, folder, store=store):
        return Rejects(path, file_format, 0)
    with closing(scratch(store.settings, spill=folder.path)) as connection:
        _stage_rejects(connection, folder, PROFILES.get(job.profile, PROFILES["auth0"]), file_format=file_format)
        return Rejects(path, file_format, _write(connection, store, folder, path, file_format=file_format))


def print_rejects(store: Store, job_id: str, output: BinaryIO) -> str:
    """Write the refused records of a job to an open file, in the format of its first source, and return what was done.
    Raise what `write_rejects` raises."""
    folder = JobFolder(store.settings.jobs_folder / job_id)
    if not _has_rejects(find_job(store, job_id), folder, store=store):
        return f"job {job_id} refused no records"
    with temporary_file(folder.path_of_rejects()) as temp:
        written = write_rejects(store, job_id, temp)
        with temp.open("rb") as records:
            shutil.copyfileobj(records, output)
    output.flush()  # before it is said to be written
    return replace(written, path=STDOUT).sentence


def _has_rejects(job: JobSummary, folder: JobFolder, *, store: Store) -> bool:
    if job.status in RUNNING:
        hint = f"wait until it has ended: `{format_command('jobs', 'wait', job.job_id, database=store.path)}`"
        raise JobFault(ErrorCode.JOB_RUNNING, f"job {job.job_id} has not ended", hint)
    if folder.parts("refused"):
        return True
    if job.errors_by_code and job.mode != UNDO:
        hint = "import the sources again: the same records will be refused"
        raise JobFault(ErrorCode.REJECTS_PURGED, f"the refused records of job {job.job_id} are no longer kept", hint)
    return False


def _get_format(path: Path, folder: JobFolder) -> str:
    """Return the format of the path's suffix; without a suffix, that of the job's first source."""
    found = EXTENSIONS.get(path.suffix.lower())
    if found is None and path.suffix:
        hint = f"use one of {', '.join(EXTENSIONS)}, or a name without a suffix"
        raise FileFault(ErrorCode.FILE_FORMAT, f"refused records cannot be written as *{path.suffix}: {path}", hint)
    return found or next((source_format for source_format, _ in folder.layouts()), "ndjson")


def _stage_rejects(
    connection: duckdb.DuckDBPyConnection, folder: JobFolder, profile: Profile, *, file_format: str
) -> None:
    """Create the tables `reject_texts` and, from that, `rejects`."""
    for name, kind in (("refused_parts", "refused"), ("error_parts", "errors")):
        connection.from_parquet([escape_glob(part) for part in folder.parts(kind)]).create_view(name)
    unreadable = [code.value for code in UNREADABLE_CODES]
    added = {"added": IGNORED_COLUMNS, "added_members": ADDED_MEMBERS, "remove_added": REMOVE_ADDED_KEYS}
    materialise(connection, "reject_texts", unreadable=unreadable, unique_keys=file_format in TABLES, **added)
    groups = {"boolean_fields": BOOLEAN_FIELDS, "nested_fields": NESTED_FIELDS}
    fields = {name: [field.name for field in group] for name, group in groups.items()} | {"list_fields": [*LIST_FIELDS]}
    words = {"true_words": profile.true_words, "false_words": profile.false_words, "absent_word": ABSENT_WORD}
    words["white_space"] = WHITE_SPACE if profile.trims else ""
    textual = file_format != "csv" and {source_format for source_format, _ in folder.layouts()} == {"csv"}
    materialise(connection, "rejects", textual=textual, lenient_json=LENIENT_JSON, **fields, **words)


def _write(
    connection: duckdb.DuckDBPyConnection, store: Store, folder: JobFolder, path: Path, *, file_format: str
) -> int:
    """Write the whole file or nothing, readable by its owner only, and return the number of records."""
    counts = "select count(*), count(*) filter (is_readable) from rejects"
    ((records, readable),) = connection.execute(counts).fetchall()
    columns = _get_columns(connection, folder, store.settings) if file_format in TABLES else ()
    layout = RejectLayout(columns, has_original=readable < records)
    frames = _Frames(connection, _split_records(connection, columns=len(columns)))
    try:
        with atomic_write(path) as temp, closing(scratch(store.settings, spill=folder.path)) as engine:
            WRITERS[file_format](RejectFile(temp, layout, engine), frames)
    except ENGINE_ERRORS as error:
        raise output_fault(path, error) from error
    return int(records)


def _get_columns(connection: duckdb.DuckDBPyConnection, folder: JobFolder, settings: Settings) -> tuple[str, ...]:
    """Return the columns of tabular sources in their order, then every other key of the records."""
    found = (str(name) for (name,) in run(connection, "reject_columns"))
    sources = (name for _, columns in folder.layouts() for name in columns if name not in IGNORED_COLUMNS)
    names = tuple(dict.fromkeys((*sources, *found)))
    if len(names) > settings.limits.keys:
        message = f"the refused records have {len(names):,} different keys, too many for the columns of a table"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "name a file that ends in .ndjson or .json")
    return names


def _split_records(connection: duckdb.DuckDBPyConnection, *, columns: int) -> list[tuple[int, int]]:
    """Return the first and the last record of each part of the table `rejects` that fits into memory."""
    rows = max(1, min(BATCH_ROWS, BATCH_CELLS // max(columns, 1)))
    sizes = "select record, coalesce(strlen(text), 0) + strlen(import_messages) as bytes from rejects order by record"
    parts = (pl.int_range(pl.len()) // rows, pl.col("bytes").cum_sum() // BATCH_BYTES)
    numbered = pl.DataFrame(connection.sql(sizes).to_arrow_table()).with_columns(pl.struct(parts).alias("part"))
    bounds = numbered.group_by("part").agg(first=pl.col("record").min(), last=pl.col("record").max())
    return [(row["first"], row["last"]) for row in bounds.sort("first").to_dicts()]


@dataclass(frozen=True)
class _Frames:
    """The table `rejects` by record, in parts; it can be read more than once."""

    connection: duckdb.DuckDBPyConnection
    parts: Sequence[tuple[int, int]]

    def __iter__(self) -> Iterator[pl.DataFrame]:
        query = "from rejects where record between $first and $last order by record"
        for first, last in self.parts:
            part = self.connection.sql(query, params={"first": first, "last": last})
            yield pl.DataFrame(part.to_arrow_table())


@dataclass(frozen=True)
class RejectFile:
    """A file to write: its path, its columns as a table, and a connection that no reader of frames uses."""

    path: Path
    layout: RejectLayout
    engine: duckdb.DuckDBPyConnection


def write_ndjson(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """Write one object per line."""
    with file.path.open("w", encoding="utf-8") as lines:
        for frame in frames:
            lines.writelines(f"{text}\n" for text in to_json_lines(frame))


def write_json(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """Write an array with one object per line."""
    with file.path.open("w", encoding="utf-8") as lines:
        lines.write("[")
        for number, frame in enumerate(frames):
            lines.write(("" if number == 0 else ",") + "\n" + ",\n".join(to_json_lines(frame)))
        lines.write("\n]\n")


def write_csv(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """Write a header and one row per record; no cell is a formula for a spreadsheet."""
    separator = "\t" if file.path.suffix.lower() == ".tsv" else ","
    with file.path.open("wb") as rows:
        for number, frame in enumerate(frames):
            table = to_cells(frame, file.layout, engine=file.engine)
            table.write_csv(rows, include_header=number == 0, separator=separator)


def write_parquet(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """Write one row per record."""
    types = find_types(frames, file.layout, engine=file.engine)
    tables = (to_typed_columns(frame, file.layout, types, engine=file.engine).to_arrow() for frame in frames)
    first = next(tables)
    with file.path.open("wb") as rows, pq.ParquetWriter(rows, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


WRITERS: Mapping[str, Callable[[RejectFile, Iterable[pl.DataFrame]], None]] = {
    "ndjson": write_ndjson,
    "json": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}
