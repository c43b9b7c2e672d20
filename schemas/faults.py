"""The faults that end a job or a command, each with a sentence for users, a hint and an exit code.

A bad row is data, never an exception: it gets codes of `schemas.codes`.
"""

from enum import IntEnum
from typing import ClassVar

from schemas.codes import ErrorCode


class ExitCode(IntEnum):
    """The exit codes of `python -m flows.…`."""

    ALL_ROWS_IN = 0
    JOB_FAILED = 1
    USAGE = 2
    ROWS_REFUSED = 3
    CANCELED = 130


class Fault(Exception):
    """A sentence about what went wrong, its stable code and a hint at what to do next; `str()` is the sentence."""

    exit_code: ClassVar[ExitCode] = ExitCode.JOB_FAILED

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["Fault"], tuple[str, ...]]:
        return type(self), (self.code, self.message, self.hint)


class FileFault(Fault):
    """A source cannot be imported; nothing of the job is merged."""


class JobFault(Fault):
    """A job must not start, continue or merge."""


class DatabaseFault(Fault):
    """The database is locked by another process or unreadable, or its disk is full."""


class Canceled(Fault):
    """The job was canceled by a person or a signal."""

    exit_code = ExitCode.CANCELED
