"""What a job changed: per user the fields with their old and new values; secrets only as changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from flows.store.database import Store
from flows.store.jobs import find_job
from transforms.plan import create_macros
from transforms.statements import statement

FETCH_ROWS = 1_000
REDACTED = '"*****"'  # the value that `user_diff` gives for a secret


@dataclass(frozen=True)
class FieldChange:
    """One changed field; both values are JSON, None where there is no value."""

    field: str
    old: str | None
    new: str | None

    @property
    def shown(self) -> tuple[str, str]:
        """Both values for people: texts without quotes, secrets only as changed."""
        if REDACTED in (self.old, self.new):
            return "", "changed"
        return _format(self.old), _format(self.new)


@dataclass(frozen=True)
class UserDiff:
    """What a job changed of one user."""

    user_id: str
    action: str
    is_edited_since: bool  # by hand: the new values are then those after the edit
    changes: tuple[FieldChange, ...]
    document: str  # all of it as JSON


def find_changes(store: Store, job_id: str, *, user_id: str | None = None) -> Iterator[UserDiff]:
    """Yield the users that the job changed, by id; only the one of `user_id` if it is given.
    Raise `JobFault` (`JOB_NOT_FOUND`) if there is no such job."""
    find_job(store, job_id)
    with store.reading() as connection:
        create_macros(connection)
        cursor = connection.execute(statement("changes_of_job"), {"job_id": job_id, "user": user_id})
        while rows := cursor.fetchmany(FETCH_ROWS):
            yield from (_diff(row) for row in rows)


def _format(value: str | None) -> str:
    if value is None:
        return ""
    return str(json.loads(value)) if value.startswith('"') else value


def _diff(row: tuple[object, ...]) -> UserDiff:
    user_id, action, is_edited_since, changes, document = row
    fields = (FieldChange(**change) for change in cast(list[dict[str, str]], changes))
    return UserDiff(str(user_id), str(action), bool(is_edited_since), tuple(fields), str(document))
