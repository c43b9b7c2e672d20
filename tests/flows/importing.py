"""Imports of a few records into the database of a test, and queries of what is in it."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.jobs import columns_of, finish_job
from schemas.job import JobStatus, JobSummary, Mode
from schemas.options import JobOptions
from transforms.statements import run

Record = Mapping[str, object]


def import_records(
    settings: Settings, records: Iterable[Record], mode: Mode = Mode.UPSERT, *, name: str | None = None, **more: object
) -> JobSummary:
    """Import the records as NDJSON, even if they have been imported before."""
    path = settings.database.parent / f"{uuid.uuid4()}.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return import_file(settings, path, mode, name=name, format="ndjson", **more)


def import_file(
    settings: Settings, path: Path, mode: Mode = Mode.UPSERT, *, name: str | None = None, **more: object
) -> JobSummary:
    """Import a file, even if it has been imported before, by a job with that id."""
    options = JobOptions.model_validate({"sources": (str(path),), "mode": mode, "again": True, **more})
    return run_job(options, settings=settings, job_id=name or str(uuid.uuid4()), observer=Observer())


def read_users(settings: Settings) -> list[Mapping[str, object]]:
    """Return every user with every column."""
    with Store(settings).reading() as connection:
        cursor = connection.execute("from users order by connection, user_id")
        columns = [column[0] for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def query_rows(settings: Settings, query: str, **values: object) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with Store(settings).reading() as connection:
        return connection.execute(query, values).fetchall()


def change_database(settings: Settings, statement: str, **values: object) -> None:
    """Execute a statement that changes the database."""
    with Store(settings).transaction() as connection:
        connection.execute(statement, values)


def new_id() -> str:
    """Return an id for a job."""
    return str(uuid.uuid4())


def ended_job(created_at: str, name: str | None = None) -> JobSummary:
    """Return a job that has imported a user."""
    return JobSummary(
        job_id=new_id(), external_id=name, connection="default", sources=("users.csv",), profile="auto", mode="insert",
        dry_run=False, status=JobStatus.COMPLETED, total=1, inserted=1, created_at=created_at, started_at=created_at,
    )  # fmt: skip


def add_jobs(store: Store, jobs: Sequence[JobSummary]) -> None:
    """Add rows and folders of jobs."""
    with store.transaction() as connection:
        for job in jobs:
            run(
                connection,
                "insert_job",
                **columns_of(job),
                kind="import",
                options="{}",
                other_options="{}",
                on_error="continue",
                flow_run_id=None,
            )
            run(connection, "set_job_status", job_id=job.job_id, status="pending")
            finish_job(connection, job)
            folder = JobFolder(store.settings.jobs_folder / job.job_id)
            folder.create()
            folder.write_database_name(store.path)
            folder.write_status(job.to_dict())
