"""The codes of refused rows, files and jobs and of warnings, each with a sentence.

Codes are stored, and scripts depend on them: add codes, never rename one. The conditions are in `schemas.rules` or, for
files and jobs, where the fault is raised.
"""

from enum import StrEnum
from typing import Self


class Scope(StrEnum):
    """What a code refuses: one row or the whole job."""

    ROW = "row"
    JOB = "job"


class Severity(StrEnum):
    """An error refuses its row; a warning is only reported."""

    ERROR = "error"
    WARNING = "warning"


class ErrorCode(StrEnum):
    """A stable code, its sentence and what it refuses."""

    sentence: str
    scope: Scope

    def __new__(cls, value: str, sentence: str, scope: Scope = Scope.ROW) -> Self:
        code = str.__new__(cls, value)
        code._value_ = value
        code.sentence = sentence
        code.scope = scope
        return code

    # the 19 codes of the Auth0 import
    ANY_OF_MISSING = "ANY_OF_MISSING", "a factor has none of the supported kinds"
    ARRAY_LENGTH_LONG = "ARRAY_LENGTH_LONG", "an array has too many items"
    ARRAY_LENGTH_SHORT = "ARRAY_LENGTH_SHORT", "an array has too few items"
    CONFLICT = "CONFLICT", "the row conflicts with an existing user or matches two of them"
    CONFLICT_EMAIL = "CONFLICT_EMAIL", "the e-mail address belongs to an existing user"
    CONFLICT_USERNAME = "CONFLICT_USERNAME", "the username belongs to an existing user"
    CONNECTION_NOT_FOUND = "CONNECTION_NOT_FOUND", "the job's connection does not exist", Scope.JOB
    DUPLICATED_USER = "DUPLICATED_USER", "an earlier record of the job is the same user"
    ENUM_MISMATCH = "ENUM_MISMATCH", "a value is outside its enumeration"
    FORMAT = (
        "FORMAT",
        "a value does not have the form of its field: of an e-mail address, a URI, a date, …",
    )
    INVALID_TYPE = "INVALID_TYPE", "a value has the wrong JSON type"
    MAX_LENGTH = "MAX_LENGTH", "a text is too long"
    MIN_LENGTH = "MIN_LENGTH", "a text is too short"
    MAXIMUM = "MAXIMUM", "a number is too large"
    MINIMUM = "MINIMUM", "a number is too small"
    MFA_FACTORS_FAILED = "MFA_FACTORS_FAILED", "a factor has more than one kind"
    NOT_PASSED = "NOT_PASSED", "a combination of values or a key is not allowed"
    OBJECT_REQUIRED = "OBJECT_REQUIRED", "a required property is missing"
    PATTERN = "PATTERN", "a value does not match its pattern"

    # ours, per row
    UNKNOWN_FIELD = "UNKNOWN_FIELD", "a key is not a known field"
    INVALID_TEXT = "INVALID_TEXT", "a text contains a control character or undecodable text"
    HASH_MISMATCH = "HASH_MISMATCH", "a password hash can never verify a password of its algorithm"
    MALFORMED_RECORD = "MALFORMED_RECORD", "the record cannot be read"
    NOT_AN_OBJECT = "NOT_AN_OBJECT", "the record is not an object"
    DUPLICATE_KEY = "DUPLICATE_KEY", "an object has the same key twice"
    TOO_DEEP = "TOO_DEEP", "the record is nested too deeply"
    TOO_LARGE = "TOO_LARGE", "the record or one of its values is too large"
    ROW_TOO_SHORT = "ROW_TOO_SHORT", "the row has fewer cells than the header"
    ROW_TOO_LONG = "ROW_TOO_LONG", "the row has more cells than the header"
    NOT_FOUND = "NOT_FOUND", "no existing user matches the row"
    OUTCOME_CHANGED = "OUTCOME_CHANGED", "the row would do something else than the dry run shows"
    CHANGED_SINCE = "CHANGED_SINCE", "an undo keeps the user, who has been changed since"
    TRIMMED = "TRIMMED", "white space around a text was taken off"
    LOOKS_ABSENT = "LOOKS_ABSENT", "a text looks like a word for an absent value"
    LEFT_OUT = "LEFT_OUT", "a value has no place in a user and is left out"
    PASSWORD_LEFT_OUT = "PASSWORD_LEFT_OUT", "a password or hash that cannot be kept is left out"
    LINE_SKIPPED = "LINE_SKIPPED", "a line above the header is not a record and was skipped"
    NOT_CHANGED = "NOT_CHANGED", "an update does not change this value, which differs from the stored one"

    # ours, per file or job
    FILE_NOT_FOUND = "FILE_NOT_FOUND", "the file does not exist", Scope.JOB
    FILE_UNREADABLE = "FILE_UNREADABLE", "the file cannot be read", Scope.JOB
    FILE_SYNTAX = "FILE_SYNTAX", "the file violates the syntax of its format", Scope.JOB
    FILE_EMPTY = "FILE_EMPTY", "the file is empty or has nothing but white space", Scope.JOB
    FILE_FORMAT = "FILE_FORMAT", "the file does not have a supported format", Scope.JOB
    PROFILE_AMBIGUOUS = "PROFILE_AMBIGUOUS", "several profiles fit the file", Scope.JOB
    MAPPING_INVALID = "MAPPING_INVALID", "the mapping cannot be used", Scope.JOB
    FILE_CHANGED = "FILE_CHANGED", "the file changed while it was read", Scope.JOB
    DATABASE_BUSY = "DATABASE_BUSY", "another process has locked the database", Scope.JOB
    DATABASE_UNREADABLE = "DATABASE_UNREADABLE", "the database cannot be opened", Scope.JOB
    TOO_MANY_JOBS = "TOO_MANY_JOBS", "the connection already runs as many jobs as it allows", Scope.JOB
    TOO_MANY_ERRORS = "TOO_MANY_ERRORS", "more rows were refused than the job allows", Scope.JOB
    NOTHING_ACCEPTED = "NOTHING_ACCEPTED", "the rules refused every row", Scope.JOB
    TOO_MANY_CHANGES = "TOO_MANY_CHANGES", "more users would change than the job allows", Scope.JOB
    TIMED_OUT = "TIMED_OUT", "the job exceeded its time limit", Scope.JOB
    CANCELED = "CANCELED", "the job was canceled", Scope.JOB
    EXTERNAL_ID_REUSED = "EXTERNAL_ID_REUSED", "another import has the external id", Scope.JOB
    JOB_NOT_FOUND = "JOB_NOT_FOUND", "the job does not exist", Scope.JOB
    USER_NOT_FOUND = "USER_NOT_FOUND", "nothing names the user", Scope.JOB
    NOT_UNDOABLE = "NOT_UNDOABLE", "the job cannot be undone", Scope.JOB
    NOT_APPLICABLE = "NOT_APPLICABLE", "the job is not a dry run that has completed", Scope.JOB
    PLAN_STALE = (
        "PLAN_STALE",
        "the users have changed since the dry run, so that a row would do something else",
        Scope.JOB,
    )
    REJECTS_PURGED = "REJECTS_PURGED", "the refused records are no longer kept", Scope.JOB
    STAGED_PURGED = "STAGED_PURGED", "the staged records are no longer kept", Scope.JOB
    JOB_RUNNING = "JOB_RUNNING", "the job has not ended", Scope.JOB
    JOB_ID_REUSED = "JOB_ID_REUSED", "a job has the id, with other sources or options, or was undone", Scope.JOB
    JOB_LOST = "JOB_LOST", "the process that ran the job has ended", Scope.JOB
    NOT_CONSERVED = "NOT_CONSERVED", "the number of rows read differs from the number of results", Scope.JOB
    PREFECT_UNAVAILABLE = "PREFECT_UNAVAILABLE", "no Prefect server is reachable", Scope.JOB
    RUNNER_UNAVAILABLE = "RUNNER_UNAVAILABLE", "the workers that are to load the sources cannot be had", Scope.JOB
    DISK_FULL = "DISK_FULL", "there is not enough free space for the job", Scope.JOB
    OUT_OF_MEMORY = "OUT_OF_MEMORY", "there is not enough memory for the job", Scope.JOB
    INTERNAL = "INTERNAL", "an unexpected error in the import itself", Scope.JOB


WARNINGS = (ErrorCode.TRIMMED.value, ErrorCode.LOOKS_ABSENT.value)  # a rule with such a code refuses no row
ROW_CODES: tuple[str, ...] = tuple(code.value for code in ErrorCode if code.scope is Scope.ROW)
JOB_CODES: tuple[str, ...] = tuple(code.value for code in ErrorCode if code.scope is Scope.JOB)
