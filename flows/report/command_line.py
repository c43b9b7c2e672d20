"""How every command ends: usage errors, faults and closed pipes, as text or as one JSON document, and the exit code.

What the commands are is in `flows.import_users.cli`, `flows.jobs.cli` and `flows.connections`.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from flows.report.printing import ignore_closed_pipe, print_json
from schemas.codes import ErrorCode
from schemas.faults import Canceled, ExitCode, Fault, JobFault
from schemas.job import fault_record

if TYPE_CHECKING:
    from cyclopts import App

REPORT = "check with `python -m flows.jobs list` whether a job has ended, and please report this"


class UsageError(Exception):
    """Arguments or variables of the environment that cannot be used, as one sentence."""


def run(module: str) -> NoReturn:
    """Run the `app` of a module on the arguments of this process, and leave with the exit code."""
    gc.set_threshold(200_000)  # imports make objects and no garbage: looking for it is a tenth of the start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # reading every installed package's metadata
    try:
        code = main(import_module(module).app)
    except KeyboardInterrupt:  # during the imports
        code = ExitCode.CANCELED
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):  # the reader closed the pipe; drop buffered output
            stream.flush()
    os._exit(code)  # threads that Prefect leaves behind would cost half a second, and DuckDB complains of them


def main(app: "App", arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, by default those of this process, and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    tokens = [Dash(text) if text == "-" else text for text in arguments]
    code: int = ExitCode.ALL_ROWS_IN  # where the reader closed the pipe
    with ignore_closed_pipe():
        code = _run(app, tokens, as_json="--json" in takewhile(lambda text: text != "--", arguments))
    return code  # noqa: RET504 - the block may end before it is assigned


def command_names(app: "App") -> list[str]:
    """Return the names of an app's commands."""
    return [name for name in app if not name.startswith("-")]


class Dash(str):
    """A lone `-`, which is a value and not an option, unlike Cyclopts has it."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Return false, so that it is not taken for an option."""
        return False


def _run(app: "App", tokens: Sequence[str], *, as_json: bool) -> int:
    from cyclopts import CycloptsError

    try:
        return _call(app, tokens)
    except (CycloptsError, UsageError) as error:
        command = " ".join((app.name[0], *app.parse_commands(tokens)[0]))
        return _print_usage_error(str(error), command=command, as_json=as_json)
    except BrokenPipeError:
        raise
    except SystemExit as error:  # Rich ends the program where the reader closed the pipe
        raise BrokenPipeError from error
    except BaseException as error:  # noqa: BLE001 - the edge of the program
        return _print_fault(_fault_of(error), as_json=as_json)


def _call(app: "App", tokens: Sequence[str]) -> int:
    """Run the command, or print the help that was asked for.

    Raises:
        UsageError: there is only the name of a group of commands.

    """
    command, bound, _ = app.parse_args(tokens, print_error=False, exit_on_error=False)
    if command.__name__ == "help_print" and not {"--help", "-h"} & {*tokens}:
        raise UsageError("a command is required")
    return command(*bound.args, **bound.kwargs) or ExitCode.ALL_ROWS_IN


def _fault_of(error: BaseException) -> Fault:
    """Return what a command reports of an error: never an unforeseen one's text, which may hold a user's data."""
    match error:
        case Fault():
            return error
        case KeyboardInterrupt():
            return Canceled(ErrorCode.CANCELED, "the command was canceled", "run it again")
        case MemoryError():
            return JobFault(ErrorCode.OUT_OF_MEMORY, "there is not enough memory to run", "close other programs")
        case _:
            return JobFault(ErrorCode.INTERNAL, f"the command failed with {type(error).__name__}", REPORT)


def _print_usage_error(message: str, *, command: str, as_json: bool) -> int:
    hint = f"see `{command} --help`"
    if as_json:
        print_json({"fault": {"code": ExitCode.USAGE.name, "message": message, "hint": hint}})
    else:
        _print_error(f"{command}: {message}", hint)
    return ExitCode.USAGE


def _print_fault(fault: Fault, *, as_json: bool) -> int:
    """Print a fault that no job could record and return its exit code."""
    if as_json:
        print_json({"fault": fault_record(fault)})
    else:
        _print_error(f"{fault.code.value}: {fault.message}", fault.hint)
    return fault.exit_code


def _print_error(message: str, hint: str) -> None:
    with suppress(BrokenPipeError):
        sys.stderr.write(f"{message}\n" + (f"{hint}\n" if hint else ""))


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
