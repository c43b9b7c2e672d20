"""Read the plan of a job from its folder: its first rows for a page of Prefect, without values, or the rows of a range
of records as they are in a plan file."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import duckdb

from flows.pipeline.plan_file import LAST_RECORD, plan_lines
from flows.settings import Settings
from flows.store.database import scratch, view_parts
from flows.store.job_folder import JobFolder
from schemas.frames import ERRORS, RECORDS
from schemas.rules.user import STAGED
from transforms.plan import create_macros
from transforms.statements import materialise, run, run_mapped

SHOWN_ROWS = 100


def read_planned_rows(settings: Settings, job_id: str) -> list[Mapping[str, object]]:
    """Return the first rows of the plan of a job, by record; none if it was not planned or its folder is gone."""
    folder = JobFolder(settings.jobs_folder / job_id)
    if not is_planned(folder):
        return []
    with _plan_of(settings, folder) as connection:
        return run_mapped(connection, "first_planned_rows", rows=SHOWN_ROWS)


def read_plan_lines(settings: Settings, job_id: str, *, after: int = 0, upto: int = LAST_RECORD) -> Iterator[str]:
    """Yield what the records of a range would do, as lines of JSON; nothing if the job was not planned or its folder is
    gone."""
    folder = JobFolder(settings.jobs_folder / job_id)
    if is_planned(folder):
        with _plan_of(settings, folder) as connection:
            create_macros(connection)
            materialise(connection, "planned_rows", after=after, upto=upto)
            yield from plan_lines(connection)


def is_planned(folder: JobFolder) -> bool:
    """Return whether the folder has a plan."""
    return (folder.path / "plan.parquet").exists()


@contextmanager
def _plan_of(settings: Settings, folder: JobFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database in memory with views of the plan."""
    with closing(scratch(settings, spill=folder.path)) as connection:
        run(connection, "010_user_diff")
        for name in ("plan", "updates"):
            view_parts(connection, name, [folder.path / f"{name}.parquet"], empty=STAGED)
        view_parts(connection, "job_refused", folder.parts("refused"), empty=RECORDS)
        view_parts(connection, "job_errors", folder.parts("errors"), empty=ERRORS)
        yield connection
