"""Imports of a few records into a test's own database, and the whole users table to compare."""

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from flows.pipeline.job import Silent
from flows.pipeline.run import run_job
from flows.settings import Settings
from flows.store.database import Store
from schemas.job import JobSummary, Mode
from schemas.options import JobOptions

Record = Mapping[str, object]


def imported(
    settings: Settings, records: Iterable[Record], mode: Mode = Mode.UPSERT, *, name: str | None = None, **more: object
) -> JobSummary:
    """The summary of an import of the records as NDJSON; imports even what has been imported."""
    path = settings.database.parent / f"{uuid.uuid4()}.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return imported_file(settings, path, mode, name=name, format="ndjson", **more)


def imported_file(
    settings: Settings, path: Path, mode: Mode = Mode.UPSERT, *, name: str | None = None, **more: object
) -> JobSummary:
    """The summary of an import of a file by a job of that name."""
    options = JobOptions.model_validate({"sources": (str(path),), "mode": mode, "again": True, **more})
    return run_job(options, settings=settings, job_id=name or str(uuid.uuid4()), observer=Silent())


def users_of(settings: Settings) -> list[tuple[object, ...]]:
    """Every user with every column."""
    with Store(settings).reading() as connection:
        return connection.execute("from users order by connection, user_id").fetchall()


def asked(settings: Settings, query: str, **values: object) -> list[tuple[object, ...]]:
    """The rows of a query."""
    with Store(settings).reading() as connection:
        return connection.execute(query, values).fetchall()


def edited(settings: Settings, statement: str) -> None:
    """Change the database by hand."""
    with Store(settings).transaction() as connection:
        connection.execute(statement)
