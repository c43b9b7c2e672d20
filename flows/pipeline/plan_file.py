"""The plan of a job as a file to review before anything is merged: one line per record."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from flows.pipeline.job import Job
from flows.pipeline.path_checks import output_fault, refuse_sources, require_output
from flows.readers.sources import EXTENSIONS, Source, printable
from flows.settings import Settings
from flows.store.database import view_parts
from flows.store.errors import ENGINE_ERRORS
from flows.store.job_folder import JobFolder
from flows.store.private_files import atomic_write
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import ERRORS, RECORDS, STAGED_ERRORS
from schemas.rules.user import STAGED
from transforms.rejects.spreadsheets import guard_formulas
from transforms.statements import materialise, relation, statement

BATCH_ROWS = 50_000
LAST_RECORD = 2**62
TEXTS = ("outcome", "user_id", "matched_by", "changes", "codes")


def check_plan_path(path: Path, sources: Iterable[Source], *, settings: Settings) -> None:
    """Raise `FileFault` before the work begins if the plan cannot be written there: the ending is not that of a format
    for plans, the folder is missing, or the file is the database or a source."""
    if _format_of(path) not in WRITERS:
        endings = ", ".join(ending for ending, form in EXTENSIONS.items() if form in WRITERS)
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{printable(str(path))} is not a valid name for a plan",
            f"end it with one of {endings}",
        )
    require_output(path, settings)
    refuse_sources(path, [source.path for source in sources])


def write_plan(connection: duckdb.DuckDBPyConnection, folder: JobFolder, path: Path) -> None:
    """Write the plan, given as tables and views of the connection; raise `FileFault` if the file cannot be written."""
    view_plan(connection, folder)
    materialise(connection, "planned_rows", after=0, upto=LAST_RECORD)
    try:
        with atomic_write(path) as temp:
            WRITERS[_format_of(path)](connection, temp)
    except ENGINE_ERRORS as error:
        raise output_fault(path, error) from error


def view_plan(connection: duckdb.DuckDBPyConnection, folder: JobFolder) -> None:
    """Create views of the plan in a job's folder, of which `planned_rows` is made."""
    for name in ("plan", "updates"):
        view_parts(connection, name, [folder.path / f"{name}.parquet"], empty=STAGED)
    view_parts(connection, "job_refused", folder.parts("refused"), empty=RECORDS)
    view_parts(connection, "job_errors", folder.parts("errors"), empty=STAGED_ERRORS)


def find_changed_outcomes(connection: duckdb.DuckDBPyConnection, job: Job) -> pl.DataFrame:
    """Return an error for each record that would do something else than the dry run shows that the job applies."""
    shown = JobFolder(job.settings.jobs_folder / job.plan_id)
    for folder in (shown, job.folder):
        view_plan(connection, folder)
        materialise(connection, "planned_rows", after=0, upto=LAST_RECORD)
        materialise(connection, "compared_rows")
        if folder is shown:
            connection.execute("create or replace temp table shown_rows as from compared_rows")
    changed: pl.DataFrame = relation(connection, "outcomes_changed").pl()
    return changed.cast(ERRORS)


def _format_of(path: Path) -> str:
    """Return the format that the ending of the path stands for; an empty string where there is none."""
    return EXTENSIONS.get(path.suffix.lower(), "")


def plan_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the plan, which is the table `planned_rows`, as lines of JSON."""
    for batch in connection.sql(statement("planned_lines")).to_arrow_reader(BATCH_ROWS):
        yield from (f"{text}\n" for text in pl.DataFrame(batch)["text"])


def _write_ndjson(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(plan_lines(connection))


def _write_csv(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open("wb") as rows:
        reader = connection.sql(statement("planned_cells")).to_arrow_reader(BATCH_ROWS)
        for number, batch in enumerate(reader):
            table = pl.DataFrame(batch).with_columns(guard_formulas(pl.col(name)).alias(name) for name in TEXTS)
            table.write_csv(rows, include_header=number == 0, separator=separator)


def _write_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    reader = connection.sql(statement("planned_columns")).to_arrow_reader(BATCH_ROWS)
    with path.open("wb") as rows, pq.ParquetWriter(rows, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


WRITERS: Mapping[str, Callable[[duckdb.DuckDBPyConnection, Path], None]] = {
    "ndjson": _write_ndjson,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
