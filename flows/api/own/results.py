"""What a job leaves to read: its errors by pages, its refused records as a file, its plan as lines."""

import os
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from flows.api.jobs import JobService
from flows.api.own.shown import name_file
from flows.api.problems import Problem
from flows.pipeline.plan_file import LAST_RECORD
from flows.report.planned_rows import is_planned, read_plan_lines
from flows.report.rejects import write_rejects
from flows.store.job_folder import JobFolder
from flows.store.job_status import KnownJob
from flows.store.private_files import private_folder, temporary_file
from schemas.codes import ErrorCode
from transforms.statements import run_mapped

MEDIA_TYPES = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}


def read_errors(
    jobs: JobService, job: KnownJob, *, code: str | None = None, page: int = 0, limit: int
) -> tuple[list[dict[str, object]], bool]:
    """Return a page of the errors and warnings of a job, by record, and whether there are more; raise `Problem` (503)
    if the database is busy."""
    values = {"job_id": job.summary.job_id, "code": code, "limit": limit + 1, "offset": page * limit}
    with jobs.reading(), jobs.patient.reading() as connection:
        rows = run_mapped(connection, "page_of_errors", **values)
    return [*map(_show_error, rows[:limit])], len(rows) > limit


def open_rejects(jobs: JobService, job: KnownJob, *, form: str | None) -> tuple[BinaryIO, str, int]:
    """Return the file of the refused records, with their secrets and without a name on disk, its format and the number
    of records. Raise `Problem` (503), or `JobFault` if the job has not ended or its records are no longer kept."""
    folder = _folder_of(jobs, job)
    form = form or folder.path_of_rejects().suffix.lstrip(".")
    place = folder.path if folder.path.exists() else private_folder(jobs.settings.jobs_folder)
    with jobs.reading(), temporary_file(place / f"rejects.{form}") as path:
        written = write_rejects(jobs.patient, job.summary.job_id, path)
        file = path.open("rb")
    file.seek(0, os.SEEK_END)
    return file, written.format, written.records


def plan_of(jobs: JobService, job: KnownJob, *, after: int = 0, upto: int = LAST_RECORD) -> Iterator[str]:
    """Return what each record of a range would do, as lines of JSON. Raise `Problem`: 409 if the job is not planned
    yet, 410 if its plan is no longer kept."""
    if not is_planned(_folder_of(jobs, job)):
        if job.is_running:
            raise Problem(409, "job_running", "the job has not been planned yet")
        raise Problem(410, "staged_purged", "the job has no plan, or it is no longer kept")
    return read_plan_lines(jobs.settings, job.summary.job_id, after=after, upto=upto)


def _folder_of(jobs: JobService, job: KnownJob) -> JobFolder:
    return JobFolder(jobs.settings.jobs_folder / job.summary.job_id)


def _show_error(row: Mapping[str, object]) -> dict[str, object]:
    """Return an error with the meaning of its code, and its file without folders."""
    code, source = ErrorCode.__members__.get(str(row["code"])), row["source"]
    return {**row, "source": source and name_file(str(source)), "meaning": code.sentence if code else ""}
