"""Write the id map of a job to a file: for each record, the id that the user had in its source, and has here."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from flows.pipeline.path_checks import output_fault, refuse_sources, require_output
from flows.readers.sources import EXTENSIONS, printable
from flows.settings import format_command
from flows.store.database import Store, scratch, view_parts
from flows.store.errors import ENGINE_ERRORS
from flows.store.job_folder import JobFolder
from flows.store.jobs import build_summary, get_job_row
from flows.store.private_files import atomic_write
from schemas.codes import ErrorCode
from schemas.faults import FileFault, JobFault
from schemas.job import RUNNING, UNDO, JobSummary
from schemas.rules.user import STAGED
from transforms.rejects.spreadsheets import guard_formulas
from transforms.statements import relation, run_mapped

BATCH_ROWS = 50_000
TEXTS = ("source", "source_id", "user_id")


@dataclass(frozen=True)
class IdMap:
    """The file that was written; without records, none was."""

    path: Path
    format: str
    records: int


def write_ids(store: Store, job_id: str, path: Path) -> IdMap:
    """Write the ids of the users that the job inserted, updated or found unchanged; of a job that merged nothing, none.

    Raise `JobFault` if the job does not exist, has not ended, or its records are purged; `FileFault` if the file cannot
    be written, or its name has not the ending of a format.
    """
    file_format = _get_format(path)
    require_output(path, store.settings)
    row = get_job_row(store, job_id)
    job, files = build_summary(row), cast("list[str]", row["files"] or [])
    refuse_sources(path, map(Path, (*files, *job.sources)))
    if job.status in RUNNING:
        hint = f"wait until it has ended: `{format_command('jobs', 'wait', job.job_id, database=store.path)}`"
        raise JobFault(ErrorCode.JOB_RUNNING, f"job {job.job_id} has not ended", hint)
    if not _has_users(job):
        return IdMap(path, file_format, 0)
    folder = JobFolder(store.settings.jobs_folder / job.job_id)
    _require_staged(folder)
    with closing(scratch(store.settings, spill=folder.path)) as connection:
        first_records = cast("list[int]", row["first_records"] or [])
        return IdMap(path, file_format, _write(connection, folder, _list_files(files, first_records), path))


def find_imported(store: Store, job: JobSummary, *, after: int, limit: int) -> list[Mapping[str, object]]:
    """Return the users that a job inserted, updated or found unchanged, after a record, at most so many.
    Raise `JobFault` (`STAGED_PURGED`) if the staged records are no longer kept."""
    if not _has_users(job):
        return []
    folder = JobFolder(store.settings.jobs_folder / job.job_id)
    _require_staged(folder)
    with closing(scratch(store.settings, spill=folder.path)) as connection:
        _open(connection, folder)
        return run_mapped(connection, "imported_users", after=after, limit=limit)


def _require_staged(folder: JobFolder) -> None:
    if not (folder.path / "plan.parquet").exists() or not folder.parts("accepted"):
        message = f"the staged records of job {folder.path.name} are no longer kept"
        raise JobFault(ErrorCode.STAGED_PURGED, message, "write the ids within IMPORT_RETENTION_DAYS of an import")


def _open(connection: duckdb.DuckDBPyConnection, folder: JobFolder) -> None:
    view_parts(connection, "staged", folder.parts("accepted"), empty=STAGED)
    view_parts(connection, "plan", [folder.path / "plan.parquet"], empty=STAGED)


def _has_users(job: JobSummary) -> bool:
    return job.mode != UNDO and not job.dry_run and job.inserted + job.updated + job.unchanged > 0


def _get_format(path: Path) -> str:
    found = EXTENSIONS.get(path.suffix.lower(), "")
    if found not in WRITERS:
        endings = ", ".join(ending for ending, form in EXTENSIONS.items() if form in WRITERS)
        message = f"{printable(str(path))} is not a valid name for an id map"
        raise FileFault(ErrorCode.FILE_FORMAT, message, f"end it with one of {endings}")
    return found


def _list_files(files: Sequence[str], first_records: Sequence[int]) -> pl.DataFrame:
    """Return the files that have records: of those that begin with the same record, all but the last are empty."""
    listed = pl.DataFrame(
        {"source": files, "first_record": first_records}, {"source": pl.String, "first_record": pl.Int64}
    )
    return listed.unique("first_record", keep="last", maintain_order=True)


def _write(connection: duckdb.DuckDBPyConnection, folder: JobFolder, files: pl.DataFrame, path: Path) -> int:
    """Write the whole file or nothing, and return the number of records."""
    _open(connection, folder)
    connection.register("job_files", files.to_arrow())
    try:
        with atomic_write(path) as temp:
            reader = relation(connection, "user_ids").to_arrow_reader(BATCH_ROWS)
            return WRITERS[_get_format(path)](reader, temp)
    except ENGINE_ERRORS as error:
        raise output_fault(path, error) from error


def _write_ndjson(reader: pa.RecordBatchReader, path: Path) -> int:
    records = 0
    with path.open("wb") as lines:
        for batch in reader:
            pl.DataFrame(batch).write_ndjson(lines)
            records += batch.num_rows
    return records


def _write_csv(reader: pa.RecordBatchReader, path: Path) -> int:
    records, separator = 0, "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open("wb") as rows:
        for batch in reader:
            table = pl.DataFrame(batch).with_columns(guard_formulas(pl.col(name)).alias(name) for name in TEXTS)
            table.write_csv(rows, include_header=not records, separator=separator)
            records += batch.num_rows
    return records


def _write_parquet(reader: pa.RecordBatchReader, path: Path) -> int:
    records = 0
    with path.open("wb") as rows, pq.ParquetWriter(rows, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            records += batch.num_rows
    return records


WRITERS: Mapping[str, Callable[[pa.RecordBatchReader, Path], int]] = {
    "ndjson": _write_ndjson,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
