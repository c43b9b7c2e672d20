"""What a job changed: per user the fields, from what to what; secrets only as changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from flows.store.database import Store
from flows.store.jobs import find_job
from transforms.statements import statement

USERS_AT_ONCE = 1_000
HIDDEN = '"*****"'  # what `user_diff` shows of one


@dataclass(frozen=True)
class FieldChange:
    """One field, with the JSON of its value before and after; none where there was or is no value."""

    field: str
    old: str | None
    new: str | None

    @property
    def shown(self) -> tuple[str, str]:
        """Both values as people read them: texts without quotes, secrets only as changed."""
        if HIDDEN in (self.old, self.new):
            return "", "changed"
        return _shown(self.old), _shown(self.new)


@dataclass(frozen=True)
class UserDiff:
    """What a job did with a user."""

    user_id: str
    action: str
    is_edited_since: bool  # by hand: the value after is then what the edit left
    changes: tuple[FieldChange, ...]
    document: str  # all of it as JSON


def find_changes(store: Store, job_id: str, *, user_id: str | None = None) -> Iterator[UserDiff]:
    """Every user that the job changed, by id; or the one user.

    Raises:
        JobFault: there is no such job.

    """
    find_job(store, job_id)
    with store.reading() as connection:
        cursor = connection.execute(statement("changes_of_job"), {"job_id": job_id, "user": user_id})
        while rows := cursor.fetchmany(USERS_AT_ONCE):
            yield from (_diff(row) for row in rows)


def _shown(value: str | None) -> str:
    if value is None:
        return ""
    return str(json.loads(value)) if value.startswith('"') else value


def _diff(row: tuple[object, ...]) -> UserDiff:
    user_id, action, is_edited_since, changes, document = row
    fields = (FieldChange(**change) for change in cast(list[dict[str, str]], changes))
    return UserDiff(str(user_id), str(action), bool(is_edited_since), tuple(fields), str(document))
