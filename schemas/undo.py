"""The summary of an undo: counts of its own, taken from its row in `import_jobs`.

There an undo is a job of kind and mode `undo` whose only source is the undone job's id: `total` counts the users that
the undone job changed, `updated` those that were reverted, `failed` those that were kept.
"""

from dataclasses import dataclass

from schemas.faults import ExitCode
from schemas.job import FaultRecord, JobStatus, JobSummary, exit_code


@dataclass(frozen=True, kw_only=True)
class KeptUser:
    """A user that an undo kept, and one reason."""

    user_id: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class UndoSummary:
    """The result of an undo; counts are users and add up to `total`."""

    job_id: str
    undoes: str
    connection: str
    dry_run: bool
    status: JobStatus
    total: int
    reversed: int
    kept: int
    kept_users: tuple[KeptUser, ...]
    fault: FaultRecord | None
    created_at: str
    finished_at: str | None
    duration_seconds: float | None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command line."""
        return exit_code(self.status, refused=self.kept)

    @property
    def sentence(self) -> str:
        """How the undo ended: its fault, else its counts."""
        if self.fault:
            return f"{self.fault['message']} ({self.fault['code']})"
        users = "1 user" if self.reversed == 1 else f"{self.reversed} users"
        return f"{users} reverted, {self.kept} kept because of later changes"

    def to_dict(self) -> dict[str, object]:
        """Return the summary as JSON values."""
        return {**self.__dict__, "kept_users": [user.__dict__ for user in self.kept_users]}


def undo_summary(summary: JobSummary, kept_users: tuple[KeptUser, ...]) -> UndoSummary:
    """Return the summary of an undo from the summary of its job."""
    return UndoSummary(
        job_id=summary.job_id,
        undoes=summary.sources[0],
        connection=summary.connection,
        dry_run=summary.dry_run,
        status=summary.status,
        total=summary.total,
        reversed=summary.updated,
        kept=summary.failed,
        kept_users=kept_users,
        fault=summary.fault,
        created_at=summary.created_at,
        finished_at=summary.finished_at,
        duration_seconds=summary.duration_seconds,
    )
