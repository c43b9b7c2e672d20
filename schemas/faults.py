"""The faults that end a job or a command, each with a user's sentence, a hint and an exit code.

A bad row is data and never an exception: its codes are in `schemas.codes`.
"""

from enum import IntEnum
from typing import ClassVar

from schemas.codes import ErrorCode


class ExitCode(IntEnum):
    """What `python -m flows.…` answers the shell."""

    ALL_ROWS_IN = 0
    JOB_FAILED = 1
    USAGE = 2
    ROWS_REFUSED = 3
    CANCELED = 130


class Fault(Exception):
    """What went wrong as one sentence, its stable code and what to do next; `str()` is the sentence."""

    exit_code: ClassVar[ExitCode] = ExitCode.JOB_FAILED

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["Fault"], tuple[ErrorCode, str, str]]:
        return type(self), (self.code, self.message, self.hint)


class FileFault(Fault):
    """A source that cannot be imported: nothing of the job is merged."""


class JobFault(Fault):
    """A job that may not run, may not go on, or must not merge."""


class DatabaseFault(Fault):
    """The database is held by another process, unreadable, or its disk is full."""


class Canceled(Fault):
    """The job was interrupted from outside: by a person or a signal."""

    exit_code = ExitCode.CANCELED
