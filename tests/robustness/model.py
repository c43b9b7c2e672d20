"""A model of the users table and its jobs in plain Python: what imports and undos in any order must leave."""

import copy
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.population import Record, ReferenceImport, keys_of

Row = tuple[Record, Sequence[tuple[str, str]]]  # a record, and code and path of each error in it
STAMP = "stamp"  # of a user: the job that wrote it last


@dataclass
class ModelJob:
    """A job that has merged: each user that it changed, before and after; None: the user did not exist."""

    changes: Mapping[str, tuple[Record | None, Record | None]]
    undoes: str | None = None
    undone_by: str | None = None
    put_back: int = 0
    content: tuple[str, str] | None = None  # what was imported, and in which mode


@dataclass
class Model:
    """The users by user_id and the jobs that changed them, oldest first."""

    reference: ReferenceImport = field(default_factory=ReferenceImport)
    jobs: dict[str, ModelJob] = field(default_factory=dict)

    def import_rows(self, rows: Sequence[Row], *, mode: str, job_id: str, content: tuple[str, str]) -> None:
        """Import the rows; a record without a user_id gets one that is unique."""
        before = copy.deepcopy(self.reference.users)
        named = [({"user_id": f"{job_id}-{number}", **record}, faults) for number, (record, faults) in enumerate(rows)]
        self.reference.import_users(named, mode=mode)
        self._stamp(before, job_id)
        self.jobs[job_id] = ModelJob(_differences(before, self.reference.users), content=content)

    def find_repeated(self, content: tuple[str, str]) -> str | None:
        """Return the latest job in force that imported the same content and after which no job changed a user."""
        for name, job in reversed(self.jobs.items()):
            if job.content == content and job.undone_by is None:
                return name
            if job.changes:
                return None
        return None

    def undo(self, target: str, *, job_id: str) -> tuple[int, int] | None:
        """Undo a job and return how many users were put back and kept; None where it is undone already."""
        job = self.jobs[target]
        already = {user for undo in self._in_force(target) for user in undo.changes}
        remaining = {user: change for user, change in job.changes.items() if user not in already}
        if job.undone_by is not None and not remaining:
            return None
        before = copy.deepcopy(self.reference.users)
        users = {user: old for user, (old, new) in remaining.items() if self._may_put_back(user, old, new)}
        for user, old in users.items():
            self.reference.users.pop(user, None)
            if old is not None:
                self.reference.users[user] = copy.deepcopy(old)
        changes = {user: (before.get(user), copy.deepcopy(self.reference.users.get(user))) for user in users}
        self.jobs[job_id] = ModelJob(changes, undoes=target, put_back=len(users))
        self._mark_undone(target)
        return len(users), len(remaining) - len(users)

    def forget(self, kind: str, value: str) -> None:
        """Forget the user that has the key, or else the one that had it, with all changes; nobody where two had it."""
        versions = self._versions()
        had = {user for user, record in versions if (kind, value) in _keys(user, record)}
        present = {user for user, record in self.reference.users.items() if (kind, value) in _keys(user, record)}
        users = self._person(present or had, versions)
        if (present or had) <= users:
            for user in users:
                self.reference.users.pop(user, None)
            for job in self.jobs.values():
                job.changes = {user: change for user, change in job.changes.items() if user not in users}

    def _versions(self) -> list[tuple[str, Record | None]]:
        """Return every user as it is, and as it was before each change."""
        before = [(user, old) for job in self.jobs.values() for user, (old, _) in job.changes.items()]
        return [*self.reference.users.items(), *before]

    def _person(self, named: AbstractSet[str], versions: Sequence[tuple[str, Record | None]]) -> AbstractSet[str]:
        """Return the ids of one person: users that are gone and had the same address are the same."""
        person = {min(named)} if named else set[str]()
        while True:
            emails = {str(record["email"]).lower() for user, record in versions if record and user in person}
            same = {user for user, record in versions if record and str(record["email"]).lower() in emails}
            more = {user for user in same if user not in self.reference.users or user in named}
            if more <= person:
                return person
            person |= more

    def _in_force(self, target: str) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.undoes == target and job.undone_by is None]

    def _may_put_back(self, user: str, old: Record | None, new: Record | None) -> bool:
        """Return whether the user is as the job left it, and no other user holds a key that it had."""
        now = self.reference.users.get(user)
        if now != new:
            return False
        missing = set(keys_of(old or {})) - set(keys_of(now or {}))
        return not any(missing & set(keys_of(other)) for name, other in self.reference.users.items() if name != user)

    def _mark_undone(self, target: str) -> None:
        """Record by which undo in force a job is undone; then the same for the job that it undid, and so on."""
        in_force = [n for n, j in self.jobs.items() if j.undoes == target and j.undone_by is None and j.put_back]
        self.jobs[target].undone_by = in_force[-1] if in_force else None
        earlier = self.jobs[target].undoes
        if earlier is not None:
            self._mark_undone(earlier)

    def _stamp(self, before: Mapping[str, Record], job_id: str) -> None:
        for user, record in self.reference.users.items():
            if record != before.get(user):
                record[STAMP] = job_id


def _keys(user: str, record: Record | None) -> list[tuple[str, str]]:
    return [("user_id", user), *keys_of(record or {})]


def _differences(
    before: Mapping[str, Record], after: Mapping[str, Record]
) -> dict[str, tuple[Record | None, Record | None]]:
    users = [*before, *(user for user in after if user not in before)]
    pairs = {user: (before.get(user), after.get(user)) for user in users}
    return {user: copy.deepcopy(pair) for user, pair in pairs.items() if pair[0] != pair[1]}
