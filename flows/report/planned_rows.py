"""Read the first rows of a job's plan from its folder, for a page: outcomes, names of fields and codes, no values."""

from collections.abc import Mapping
from contextlib import closing

from flows.settings import Settings
from flows.store.database import scratch, view_parts
from flows.store.job_folder import JobFolder
from schemas.frames import ERRORS, RECORDS
from schemas.rules.user import STAGED
from transforms.statements import run, run_mapped

SHOWN_ROWS = 100


def read_planned_rows(settings: Settings, job_id: str) -> list[Mapping[str, object]]:
    """Return the first rows of the plan of a job, by record; none if it was not planned or its folder is gone."""
    folder = JobFolder(settings.jobs_folder / job_id)
    if not (folder.path / "plan.parquet").exists():
        return []
    with closing(scratch(settings)) as connection:
        run(connection, "010_user_diff")
        for name in ("plan", "updates"):
            view_parts(connection, name, [folder.path / f"{name}.parquet"], empty=STAGED)
        view_parts(connection, "job_refused", folder.parts("refused"), empty=RECORDS)
        view_parts(connection, "job_errors", folder.parts("errors"), empty=ERRORS)
        return run_mapped(connection, "first_planned_rows", rows=SHOWN_ROWS)
