"""Every code a row, a file or a job can be refused or warned with, and its sentence.

Values are stored and scripted against: add, never rename. What makes a code fire stands in the rules
(`schemas.rules.user` and its neighbours) or, for files and jobs, where the fault is raised.
"""

from enum import StrEnum
from typing import Self


class Scope(StrEnum):
    """What a code refuses: one row, or the whole job."""

    ROW = "row"
    JOB = "job"


class Severity(StrEnum):
    """An error refuses its row; a warning lets it in and is told."""

    ERROR = "error"
    WARNING = "warning"


class ErrorCode(StrEnum):
    """A stable code with the sentence that explains it and what it refuses."""

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
    CONFLICT = "CONFLICT", "the row collides with an existing user, or matches two of them"
    CONFLICT_EMAIL = "CONFLICT_EMAIL", "the e-mail address is held by an existing user"
    CONFLICT_USERNAME = "CONFLICT_USERNAME", "the username is held by an existing user"
    CONNECTION_NOT_FOUND = "CONNECTION_NOT_FOUND", "the job's connection does not exist", Scope.JOB
    DUPLICATED_USER = "DUPLICATED_USER", "an earlier record of the job is the same user"
    ENUM_MISMATCH = "ENUM_MISMATCH", "a value is outside its enumeration"
    FORMAT = "FORMAT", "a value is not an e-mail address or a URI"
    INVALID_TYPE = "INVALID_TYPE", "a value has the wrong JSON type"
    MAX_LENGTH = "MAX_LENGTH", "a text is too long"
    MIN_LENGTH = "MIN_LENGTH", "a text is too short"
    MAXIMUM = "MAXIMUM", "a number is too large"
    MINIMUM = "MINIMUM", "a number is too small"
    MFA_FACTORS_FAILED = "MFA_FACTORS_FAILED", "a factor has more than one kind"
    NOT_PASSED = "NOT_PASSED", "a forbidden combination or key"
    OBJECT_REQUIRED = "OBJECT_REQUIRED", "a required property is missing"
    PATTERN = "PATTERN", "a value does not match its pattern"

    # ours, per row
    UNKNOWN_FIELD = "UNKNOWN_FIELD", "a key that the record does not have"
    INVALID_TEXT = "INVALID_TEXT", "text with a control character or with broken encoding"
    HASH_MISMATCH = "HASH_MISMATCH", "a password hash does not have the form of its algorithm"
    MALFORMED_RECORD = "MALFORMED_RECORD", "the record cannot be read"
    NOT_AN_OBJECT = "NOT_AN_OBJECT", "the record is no object"
    DUPLICATE_KEY = "DUPLICATE_KEY", "an object has the same key twice"
    TOO_DEEP = "TOO_DEEP", "the record is nested too deeply"
    TOO_LARGE = "TOO_LARGE", "the record or one of its values is too large"
    ROW_TOO_SHORT = "ROW_TOO_SHORT", "the row has fewer cells than the header"
    ROW_TOO_LONG = "ROW_TOO_LONG", "the row has more cells than the header"
    NOT_FOUND = "NOT_FOUND", "no existing user matches the row"
    CHANGED_SINCE = "CHANGED_SINCE", "an undo keeps the user, who has been changed since"
    NOT_CHANGED = "NOT_CHANGED", "an update does not change this value, which differs from the stored one"

    # ours, per file or job
    FILE_NOT_FOUND = "FILE_NOT_FOUND", "there is no such file", Scope.JOB
    FILE_UNREADABLE = "FILE_UNREADABLE", "the file cannot be read", Scope.JOB
    FILE_SYNTAX = "FILE_SYNTAX", "the file breaks the syntax of its format", Scope.JOB
    FILE_EMPTY = "FILE_EMPTY", "the file holds no users", Scope.JOB
    FILE_FORMAT = "FILE_FORMAT", "the file is not in a format that is read", Scope.JOB
    DATABASE_BUSY = "DATABASE_BUSY", "another process holds the database", Scope.JOB
    DATABASE_UNREADABLE = "DATABASE_UNREADABLE", "the database cannot be opened", Scope.JOB
    TOO_MANY_JOBS = "TOO_MANY_JOBS", "the connection already runs as many jobs as it may", Scope.JOB
    TOO_MANY_ERRORS = "TOO_MANY_ERRORS", "more rows were refused than the job allows", Scope.JOB
    TOO_MANY_CHANGES = "TOO_MANY_CHANGES", "more users would change than the job allows", Scope.JOB
    TIMED_OUT = "TIMED_OUT", "the job took longer than it may", Scope.JOB
    CANCELED = "CANCELED", "the job was canceled", Scope.JOB
    JOB_NOT_FOUND = "JOB_NOT_FOUND", "there is no such job", Scope.JOB
    NOT_UNDOABLE = "NOT_UNDOABLE", "the job cannot be undone", Scope.JOB
    REJECTS_PURGED = "REJECTS_PURGED", "the refused records are no longer kept", Scope.JOB
    JOB_RUNNING = "JOB_RUNNING", "the job has not ended", Scope.JOB
    JOB_LOST = "JOB_LOST", "the process that ran the job is gone", Scope.JOB
    NOT_CONSERVED = "NOT_CONSERVED", "rows read and rows answered for differ", Scope.JOB
    PREFECT_UNAVAILABLE = "PREFECT_UNAVAILABLE", "no Prefect server answers", Scope.JOB
    DISK_FULL = "DISK_FULL", "there is not enough free space for the job", Scope.JOB
    OUT_OF_MEMORY = "OUT_OF_MEMORY", "there is not enough memory for the job", Scope.JOB
    INTERNAL = "INTERNAL", "an unforeseen fault of the import itself", Scope.JOB


ROW_CODES: tuple[str, ...] = tuple(code.value for code in ErrorCode if code.scope is Scope.ROW)
JOB_CODES: tuple[str, ...] = tuple(code.value for code in ErrorCode if code.scope is Scope.JOB)
