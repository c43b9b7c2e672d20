"""The users table and its jobs in plain Python: what imports, undos and purges in any order must leave."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.population import Record, Twin, keys_of

Row = tuple[Record, Sequence[tuple[str, str]]]  # a record with the codes and paths that the rules must find in it
STAMP = "stamp"  # of a user: the job that wrote it last


@dataclass
class ModelJob:
    """A job that has merged: who it changed, from what to what; none: the user was not there."""

    changes: Mapping[str, tuple[Record | None, Record | None]]
    undoes: str | None = None
    undone_by: str | None = None
    put_back: int = 0
    content: tuple[str, str] | None = None  # what was imported, and how


@dataclass
class Model:
    """The users by user_id and the jobs that changed them, oldest first."""

    twin: Twin = field(default_factory=Twin)
    jobs: dict[str, ModelJob] = field(default_factory=dict)

    def imported(self, rows: Sequence[Row], *, mode: str, job_id: str, content: tuple[str, str]) -> None:
        """Import the rows; a user that a record does not name gets an id of its own."""
        before = copy.deepcopy(self.twin.users)
        named = [({"user_id": f"{job_id}-{number}", **record}, faults) for number, (record, faults) in enumerate(rows)]
        self.twin.import_users(named, mode=mode)
        self._stamp(before, job_id)
        self.jobs[job_id] = ModelJob(_differences(before, self.twin.users), content=content)

    def repeated(self, content: tuple[str, str]) -> str | None:
        """The latest job in force that has imported the same."""
        same = [name for name, job in self.jobs.items() if job.content == content and job.undone_by is None]
        return same[-1] if same else None

    def undone(self, target: str, *, job_id: str) -> tuple[int, int] | None:
        """Put back what the job changed; how many users were put back and kept, none where that is done already."""
        job = self.jobs[target]
        already = {user for undo in self._in_force(target) for user in undo.changes}
        remaining = {user: change for user, change in job.changes.items() if user not in already}
        if job.undone_by is not None and not remaining:
            return None
        before = copy.deepcopy(self.twin.users)
        users = {user: old for user, (old, new) in remaining.items() if self._may_put_back(user, old, new)}
        for user, old in users.items():
            self.twin.users.pop(user, None)
            if old is not None:
                self.twin.users[user] = copy.deepcopy(old)
        changes = {user: (before.get(user), copy.deepcopy(self.twin.users.get(user))) for user in users}
        self.jobs[job_id] = ModelJob(changes, undoes=target, put_back=len(users))
        self._mark_undone(target)
        return len(users), len(remaining) - len(users)

    def _in_force(self, target: str) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.undoes == target and job.undone_by is None]

    def _may_put_back(self, user: str, old: Record | None, new: Record | None) -> bool:
        """Whether the user is as the job left it, and nobody else holds a key that it had."""
        now = self.twin.users.get(user)
        if now != new:
            return False
        missing = set(keys_of(old or {})) - set(keys_of(now or {}))
        return not any(missing & set(keys_of(other)) for name, other in self.twin.users.items() if name != user)

    def _mark_undone(self, target: str) -> None:
        """Note by which undo in force a job is undone, and the same of the job that it undid, and so on."""
        in_force = [n for n, j in self.jobs.items() if j.undoes == target and j.undone_by is None and j.put_back]
        self.jobs[target].undone_by = in_force[-1] if in_force else None
        earlier = self.jobs[target].undoes
        if earlier is not None:
            self._mark_undone(earlier)

    def _stamp(self, before: Mapping[str, Record], job_id: str) -> None:
        for user, record in self.twin.users.items():
            if record != before.get(user):
                record[STAMP] = job_id


def _differences(
    before: Mapping[str, Record], after: Mapping[str, Record]
) -> dict[str, tuple[Record | None, Record | None]]:
    users = [*before, *(user for user in after if user not in before)]
    pairs = {user: (before.get(user), after.get(user)) for user in users}
    return {user: copy.deepcopy(pair) for user, pair in pairs.items() if pair[0] != pair[1]}
