"""A job: its modes, states, outcomes and summary, and the statuses that other systems use for its states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self, get_args

from schemas.faults import ExitCode, Fault

FaultRecord = dict[Literal["code", "message", "hint"], str]


class Mode(StrEnum):
    """What a job does with a record that matches an existing user, or none."""

    INSERT = "insert"  # a match is refused
    UPSERT = "upsert"  # the user is updated; without a match the row is inserted
    UPDATE = "update"  # the user is updated; without a match the row is refused


class OnError(StrEnum):
    """What a refused record means for the job."""

    CONTINUE = "continue"
    FAIL = "fail"


class JobStatus(StrEnum):
    """The state of a job."""

    PENDING = "pending"
    LOADING = "loading"
    READY = "ready"
    IMPORTING = "importing"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    CANCELED = "canceled"


RUNNING = (JobStatus.PENDING, JobStatus.LOADING, JobStatus.READY, JobStatus.IMPORTING)
DONE = (JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS)


class RowOutcome(StrEnum):
    """The outcome of a record."""

    INSERT = "insert"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


UNDO = "undo"  # the kind and mode of a job that undoes another
Key = Literal["email", "user_id", "username"]
KEYS: tuple[Key, ...] = ("email", "user_id", "username")  # by which a record can match a user


# what an update does to a field that the row has: take the row's value, take it if the user has none, merge both by
# RFC 7396 (null removes a key), or leave the user's
FieldPolicy = Literal["replace", "fill", "merge", "keep"]
Updatable = Literal[
    "email_verified",
    "phone_verified",
    "given_name",
    "family_name",
    "name",
    "nickname",
    "picture",
    "blocked",
    "password_hash",
    "custom_password_hash",
    "app_metadata",
    "user_metadata",
    "mfa_factors",
    "middle_name",
    "locale",
    "zoneinfo",
    "birthdate",
    "registered_at",
    "last_login_at",
    "roles",
    "groups",
    "identities",
    "source_id",
]
NullMeaning = Literal["refuse", "absent", "clear"]  # what a null of JSON in place of a field means
METADATA: tuple[Updatable, ...] = ("app_metadata", "user_metadata")
HASHES: tuple[Updatable, ...] = ("password_hash", "custom_password_hash")  # one field: a user has at most one of them
FILLED: tuple[Updatable, ...] = (*HASHES, "mfa_factors")  # by default: an old file must not bring an old password back


@dataclass(frozen=True, kw_only=True)
class MergePolicy:
    """How an update or upsert matches users and changes their values."""

    match_on: tuple[str, ...] = KEYS  # the keys that may match, in the order of messages
    metadata: Literal["replace", "merge"] = "replace"
    fill_only: bool = False
    policy: Mapping[Updatable, FieldPolicy] = field(default_factory=dict)  # takes precedence over the two before it

    @property
    def policies(self) -> dict[str, str]:
        """The policy of every field."""
        found: dict[str, str] = dict.fromkeys(get_args(Updatable), "fill" if self.fill_only else "replace")
        if not self.fill_only:
            found |= dict.fromkeys(METADATA, self.metadata) | dict.fromkeys(FILLED, "fill")
        return found | {str(name): how for name, how in self.policy.items()}


NO_USERS = "no users in the file"


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """The result of a job, the same everywhere; counts are records and add up to `total`."""

    job_id: str
    external_id: str | None
    connection: str
    sources: tuple[str, ...]
    profile: str
    mode: str
    dry_run: bool
    status: JobStatus
    total: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    warnings: int = 0
    not_users: int = 0  # records that are not users, as the profile says; not part of the total
    blank_lines: int = 0  # of the files, which are not records
    errors_by_code: Mapping[str, int] = field(default_factory=dict)
    fault: FaultRecord | None = None
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    duration_seconds: float | None = None
    rows_per_second: int | None = None
    lock_seconds: float | None = None  # how long the job held the write lock, up to the commit

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the summary of which `to_dict` made the document, also one of another version of this program.
        Raise `TypeError` or `ValueError` if it lacks something."""
        known = {name: value for name, value in document.items() if name in cls.__dataclass_fields__}
        return cls(**{**known, "sources": tuple(known["sources"]), "status": JobStatus(known["status"])})

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command line."""
        match self.status:
            case JobStatus.FAILED:
                return ExitCode.JOB_FAILED
            case JobStatus.CANCELED:
                return ExitCode.CANCELED
            case _:
                return ExitCode.ROWS_REFUSED if self.failed else ExitCode.ALL_ROWS_IN

    @property
    def counts(self) -> str:
        """The counts in one sentence."""
        if self.mode == UNDO:
            return f"{self.updated:,} reverted, {self.failed:,} kept of {self.total:,}"
        if not self.total and self.status == JobStatus.COMPLETED:
            return NO_USERS
        return (
            f"{self.inserted:,} inserted, {self.updated:,} updated, {self.unchanged:,} unchanged, "
            f"{self.failed:,} failed of {self.total:,}"
        )

    @property
    def sentence(self) -> str:
        """The fault, or the counts, as one sentence."""
        return f"{self.fault['message']} ({self.fault['code']})" if self.fault else self.counts

    def to_dict(self) -> dict[str, object]:
        """Return the summary as JSON values, keys in the documented order."""
        return {**self.__dict__, "sources": list(self.sources), "errors_by_code": dict(self.errors_by_code)}


def fault_record(fault: Fault) -> FaultRecord:
    """Return a fault as the summary holds it."""
    return {"code": fault.code.value, "message": fault.message, "hint": fault.hint}


VENDOR_STATUS: Mapping[JobStatus, Mapping[str, str]] = {
    status: {"auth0": auth0, "fullstory": fullstory, "rocketchat": rocketchat, "liferay": liferay}
    for status, auth0, fullstory, rocketchat, liferay in (
        (JobStatus.PENDING, "pending", "PROCESSING", "new", "INITIAL"),
        (JobStatus.LOADING, "processing", "PROCESSING", "loading", "STARTED"),
        (JobStatus.READY, "processing", "PROCESSING", "ready", "STARTED"),
        (JobStatus.IMPORTING, "processing", "PROCESSING", "importing", "STARTED"),
        (JobStatus.COMPLETED, "completed", "COMPLETED", "done", "COMPLETED"),
        (JobStatus.COMPLETED_WITH_ERRORS, "completed", "FAILED", "done", "COMPLETED"),
        (JobStatus.FAILED, "failed", "FAILED", "error", "FAILED"),
        (JobStatus.CANCELED, "failed", "FAILED", "canceled", "FAILED"),
    )
}
