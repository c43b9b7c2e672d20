"""A few of the changes that a planned job would make, from its folder; the whole plan is in `flows.plan_file`."""

from contextlib import closing
from typing import cast

from flows.diff import FieldChange
from flows.job_folder import JobFolder
from flows.settings import Settings
from flows.staged_views import view
from flows.store import scratch
from schemas.user import STAGED
from transforms.statements import run


def planned_sample(settings: Settings, job_id: str, *, users: int) -> list[tuple[str, FieldChange]]:
    """The changes of the first users that a job would change, each with the user's id."""
    updates = JobFolder(settings.jobs_folder / job_id).path / "updates.parquet"
    if not updates.exists():
        return []
    with closing(scratch(settings)) as connection:
        run(connection, "010_user_diff", package="schemas")
        view(connection, "updates", [updates], empty=STAGED)
        rows = run(connection, "planned_sample", package="transforms", users=users)
    return [(str(user_id), FieldChange(**cast(dict[str, str], change))) for _, user_id, change in rows]
