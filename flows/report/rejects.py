"""The refused records of a job as a file to correct and import again; it holds the originals, secrets and all."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import duckdb
import polars as pl
import pyarrow.parquet as pq

from flows.pipeline.path_checks import refuse_database, refuse_sources
from flows.readers.sources import ENDINGS
from flows.store.database import Store, escaped_glob, scratch
from flows.store.job_folder import JobFolder
from flows.store.jobs import find_job
from flows.store.private_files import private_umask
from schemas.codes import ErrorCode
from schemas.faults import FileFault, JobFault
from schemas.job import RUNNING, UNDO, JobSummary
from schemas.profiles import IGNORED_COLUMNS, PROFILES, Profile
from transforms.cells import BOOLEAN_FIELDS, LENIENT_JSON, NESTED_FIELDS
from transforms.rejects.tables import (
    REMOVE_ADDED_KEYS,
    UNREADABLE_CODES,
    Column,
    RejectLayout,
    to_cells,
    to_json_lines,
    to_typed_columns,
)
from transforms.statements import materialise, run

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Rejects:
    """What was written."""

    path: Path
    format: str
    records: int


def write_rejects(store: Store, job_id: str, path: Path) -> Rejects:
    """Write the refused records of an ended job; no file where there are none.

    Raises:
        JobFault: there is no such job, it has not ended, or its records are purged.
        FileFault: the file cannot be written, or its name promises what is not written.

    """
    refuse_database(path, store.settings)
    job = find_job(store, job_id)
    if path == Path("-"):
        raise FileFault(ErrorCode.FILE_FORMAT, "refused records are not written to standard output", "name a file")
    refuse_sources(path, [file for source in job.sources for file in (Path(source), Path(source, path.name))])
    folder = JobFolder(store.settings.jobs_folder / job.job_id)
    form = _format(path, folder)
    if not _has_rejects(job, folder):
        return Rejects(path, form, 0)
    with closing(scratch(store.settings, spill=folder.path)) as connection:
        _open(connection, folder)
        _type_cells(connection, PROFILES[job.profile], textual=form != "csv" and _is_textual(folder))
        return Rejects(path, form, _write(connection, store, folder, path, form=form))


def _has_rejects(job: JobSummary, folder: JobFolder) -> bool:
    if job.status in RUNNING:
        hint = "wait until it has ended: `python -m flows.jobs status JOB`"
        raise JobFault(ErrorCode.JOB_RUNNING, f"job {job.job_id} has not ended", hint)
    if folder.parts("refused"):
        return True
    if job.failed and job.fault is None and job.mode != UNDO:
        hint = "import the sources again: what is wrong with them is found again"
        raise JobFault(ErrorCode.REJECTS_PURGED, f"the refused records of job {job.job_id} are no longer kept", hint)
    return False


def _format(path: Path, folder: JobFolder) -> str:
    """The format that the file's name promises; without such a name the one of the job's sources."""
    found = ENDINGS.get(path.suffix.lower())
    if found is None and path.suffix:
        hint = f"name it with one of {', '.join(ENDINGS)}, or without an ending"
        raise FileFault(ErrorCode.FILE_FORMAT, f"{path} is no name for a file of refused records", hint)
    return found or next((form for form, _ in folder.layouts()), "ndjson")


def _open(connection: duckdb.DuckDBPyConnection, folder: JobFolder) -> None:
    """Leave the table `reject_texts`."""
    for name, kind in (("refused_parts", "refused"), ("error_parts", "errors")):
        connection.from_parquet([escaped_glob(part) for part in folder.parts(kind)]).create_view(name)
    unreadable = [code.value for code in UNREADABLE_CODES]
    materialise(connection, "reject_texts", unreadable=unreadable, added=REMOVE_ADDED_KEYS)


def _is_textual(folder: JobFolder) -> bool:
    """Whether all records came as rows of cells."""
    return {form for form, _ in folder.layouts()} == {"csv"}


def _type_cells(connection: duckdb.DuckDBPyConnection, profile: Profile, *, textual: bool) -> None:
    """Leave the table `rejects`."""
    materialise(
        connection,
        "rejects",
        textual=textual,
        boolean_fields=BOOLEAN_FIELDS,
        nested_fields=NESTED_FIELDS,
        true_words=profile.true_words,
        false_words=profile.false_words,
        lenient_json=LENIENT_JSON,
    )


def _write(connection: duckdb.DuckDBPyConnection, store: Store, folder: JobFolder, path: Path, *, form: str) -> int:
    """Write the file in one go, readable for its owner only; how many records it holds."""
    ((records, readable),) = connection.execute(
        "select count(*), count(*) filter (is_readable) from rejects"
    ).fetchall()
    layout = RejectLayout(_columns(connection, folder), has_original=readable < records)
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with private_umask(), closing(scratch(store.settings, spill=folder.path)) as engine:
            WRITERS[form](RejectFile(draft, layout, engine), _frames(connection))
            draft.replace(path)
    except OSError as error:
        raise FileFault(ErrorCode.FILE_UNREADABLE, f"{path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    return int(records)


def _columns(connection: duckdb.DuckDBPyConnection, folder: JobFolder) -> tuple[Column, ...]:
    """The columns of the sources as they came, then every other key of the records."""
    rows = run(connection, "reject_columns")
    found = {str(name): frozenset(cast(list[str], types)) for name, types in rows}
    came = (name for _, columns in folder.layouts() for name in columns if name not in IGNORED_COLUMNS)
    return tuple(Column(name, found.get(name, frozenset())) for name in dict.fromkeys((*came, *found)))


def _frames(connection: duckdb.DuckDBPyConnection) -> Iterator[pl.DataFrame]:
    """The table `rejects` in order, a bounded piece at a time."""
    reader = connection.sql("from rejects order by record").to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield pl.DataFrame(batch)


@dataclass(frozen=True)
class RejectFile:
    """A file to be written: where, the columns of a table, and an engine that is free while frames come in."""

    path: Path
    layout: RejectLayout
    engine: duckdb.DuckDBPyConnection


def write_ndjson(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """One object a line."""
    with file.path.open("w", encoding="utf-8") as lines:
        for frame in frames:
            lines.writelines(f"{text}\n" for text in to_json_lines(frame))


def write_json(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """An array of objects, one a line."""
    with file.path.open("w", encoding="utf-8") as lines:
        lines.write("[")
        for number, frame in enumerate(frames):
            lines.write(("" if number == 0 else ",") + "\n" + ",\n".join(to_json_lines(frame)))
        lines.write("\n]\n")


def write_csv(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """A header and one row per record, made harmless for spreadsheets."""
    separator = "\t" if file.path.suffix.lower() == ".tsv" else ","
    with file.path.open("wb") as rows:
        for number, frame in enumerate(frames):
            table = to_cells(frame, file.layout, engine=file.engine)
            table.write_csv(rows, include_header=number == 0, separator=separator)


def write_parquet(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """One row per record."""
    tables = (to_typed_columns(frame, file.layout, engine=file.engine).to_arrow() for frame in frames)
    first = next(tables)
    with pq.ParquetWriter(file.path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


WRITERS: Mapping[str, Callable[[RejectFile, Iterable[pl.DataFrame]], None]] = {
    "ndjson": write_ndjson,
    "json": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}
