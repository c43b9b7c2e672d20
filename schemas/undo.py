"""The summary of an undo: counts of its own, taken from its row in `import_jobs`.

There an undo is a job of kind and mode `undo` whose only source is the undone job's id: `total` counts the users that
the undone job changed, `updated` those that were reverted, `failed` those that were kept.
"""

from dataclasses import dataclass

from schemas.job import JobSummary


@dataclass(frozen=True, kw_only=True)
class KeptUser:
    """A user that an undo kept, and one reason."""

    user_id: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class UndoSummary(JobSummary):
    """The result of an undo; counts are users and add up to `total`."""

    kept_users: tuple[KeptUser, ...]

    @property
    def reversed(self) -> int:
        """The number of users that were reverted."""
        return self.updated

    @property
    def kept(self) -> int:
        """The number of users that were kept."""
        return self.failed

    @property
    def sentence(self) -> str:
        """How the undo ended: its fault, else its counts."""
        if self.fault:
            return super().sentence
        users = "1 user" if self.reversed == 1 else f"{self.reversed:,} users"
        return f"{users} reverted, {self.kept:,} kept because of later changes"

    def to_dict(self) -> dict[str, object]:
        """Return the summary as JSON values."""
        return {
            "job_id": self.job_id,
            "undoes": self.sources[0],
            "connection": self.connection,
            "dry_run": self.dry_run,
            "status": self.status,
            "total": self.total,
            "reversed": self.reversed,
            "kept": self.kept,
            "kept_users": [user.__dict__ for user in self.kept_users],
            "fault": self.fault,
            "created_at": self.created_at,
            "finished_at": self.finished_at,
            "duration_seconds": self.duration_seconds,
        }


def undo_summary(summary: JobSummary, kept_users: tuple[KeptUser, ...]) -> UndoSummary:
    """Return the summary of an undo from the summary of its job."""
    return UndoSummary(**summary.__dict__, kept_users=kept_users)
