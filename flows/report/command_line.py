"""How every command ends: usage errors, faults and closed pipes, as text or as one JSON document, and the exit code.

What the commands are is in `flows.import_users.cli`, `flows.jobs.cli` and `flows.connections`.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader
from itertools import takewhile
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from flows.report.printing import escape_bytes, ignore_closed_pipe, prepare_streams, print_json, warn_of_lost_output
from flows.store.resources import QUERY_BYTES, require_resources
from schemas.codes import ErrorCode
from schemas.faults import Canceled, ExitCode, Fault, JobFault
from schemas.job import FaultRecord, fault_record

if TYPE_CHECKING:
    from cyclopts import App

_interrupts: list[int] = []  # signals of this command, of which DuckDB makes a RuntimeError
REPORT = "look at the list of jobs whether one has ended, and please report this"


class UsageError(Exception):
    """Arguments or variables of the environment that cannot be used, as one sentence."""


class WithoutPandas(MetaPathFinder):
    """Hide pandas and numpy from what loads them in passing, for objects that nothing here has; all others find them.

    Pandera and pyarrow load them with their packages, and pyarrow again for an array that our modules make.
    """

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        """Raise what a missing package raises, as `None` would leave the search to the next finder."""
        if fullname in {"pandas", "numpy"} and _importing_package() in {"pandera", "pyarrow", "flows", "transforms"}:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def _importing_package() -> str:
    """Return the package whose code asks for the module that is looked for."""
    names = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_stack(sys._getframe(2)))  # noqa: SLF001
    return next((name.partition(".")[0] for name in names if "importlib" not in name), "")


def run(module: str) -> NoReturn:
    """Run the `app` of a module on the arguments of this process, and leave with the exit code."""
    prepare_streams()
    gc.set_threshold(200_000)  # imports make objects and no garbage: looking for it is a tenth of the start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # reading every installed package's metadata
    sys.meta_path.insert(0, WithoutPandas())
    try:
        code = main(import_module(module).app, sys.argv[1:])
    except KeyboardInterrupt:  # during the imports
        code = ExitCode.CANCELED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit code stands
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the reader closed the pipe; drop buffered output
            stream.flush()
    os._exit(code)  # threads that Prefect leaves behind would cost half a second, and DuckDB complains of them


def main(app: "App", arguments: Sequence[str]) -> int:
    """Run the command that the arguments name and return its exit code."""
    _interrupts.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    tokens = [Dash(text) if text == "-" else text for text in arguments]
    code: int = ExitCode.ALL_ROWS_IN  # where the reader closed the pipe
    with ignore_closed_pipe():
        code = _run(app, tokens, as_json=_is_json(arguments))
    return code  # noqa: RET504 - the block may end before it is assigned


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`; while an extension loads, wait: DuckDB's would abort the process."""
    if any(isinstance(c.f_locals.get("self"), ExtensionFileLoader) for c, _ in traceback.walk_stack(frame)):
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return
    _interrupts.append(number)
    raise KeyboardInterrupt


def _is_json(arguments: Sequence[str]) -> bool:
    """Return whether the arguments ask for JSON, even if they cannot be parsed."""
    return any(text.partition("=")[0] == "--json" for text in takewhile(lambda text: text != "--", arguments))


class Dash(str):
    """A lone `-`, which is a value and not an option, unlike Cyclopts has it."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Return false, so that it is not taken for an option."""
        return False


def _run(app: "App", tokens: Sequence[str], *, as_json: bool) -> int:
    from cyclopts import CycloptsError

    try:
        code = _call(app, tokens)
        return (code or ExitCode.JOB_FAILED) if warn_of_lost_output() else code
    except (CycloptsError, UsageError) as error:
        command = " ".join((app.name[0], *app.parse_commands(tokens)[0]))
        record: FaultRecord = {
            "code": "USAGE",
            "message": _describe(error),
            "hint": f"see `{command} --help`",
        }
        _print_failure(record, subject=command, as_json=as_json)
        return ExitCode.USAGE
    except BrokenPipeError:
        raise
    except SystemExit as error:  # Rich ends the program where the reader closed the pipe
        raise BrokenPipeError from error
    except BaseException as error:  # noqa: BLE001 - the edge of the program
        fault = _fault_of(error)
        _print_failure(fault_record(fault), subject=fault.code.value, as_json=as_json)
        return fault.exit_code


def _describe(error: Exception) -> str:
    """Return what is wrong with the arguments, as a sentence without a full stop."""
    from cyclopts import UnusedCliTokensError

    if isinstance(error, UnusedCliTokensError):
        return f"unexpected argument: {' '.join(error.unused_tokens or ())}"
    return str(error) if str(error).endswith("...") else str(error).removesuffix(".")


def _call(app: "App", tokens: Sequence[str]) -> int:
    """Run the command, or print the help that was asked for; raise `UsageError` for a group without a command."""
    _, apps, rest = app.parse_commands(tokens)
    has_command = bool(rest) and not rest[0].startswith("-")
    loads_no_engine = bool({"--help", "-h", "--version"} & {*tokens})
    if apps[-1].default_command is None and not has_command and not loads_no_engine:
        raise UsageError("a command is required")
    command, bound, _ = app.parse_args(tokens, print_error=False, exit_on_error=False)
    if not loads_no_engine:
        require_resources(QUERY_BYTES)
    return command(*bound.args, **bound.kwargs) or ExitCode.ALL_ROWS_IN


def _fault_of(error: BaseException) -> Fault:
    """Return what a command reports of an error: never an unforeseen one's text, which may hold a user's data."""
    match error:
        case Fault():
            return error
        case _ if isinstance(error, KeyboardInterrupt) or _interrupts:
            return Canceled(ErrorCode.CANCELED, "the command was canceled", "run it again")
        case OSError() if error.filename and (reason := error.strerror):
            message = f"{error.filename!s} cannot be used: {reason.lower()}"
            return JobFault(ErrorCode.FILE_UNREADABLE, message, "see its permissions and its disk")
        case MemoryError():
            return JobFault(ErrorCode.OUT_OF_MEMORY, "there is not enough memory to run", "close other programs")
        case _:
            return JobFault(ErrorCode.INTERNAL, f"the command failed with {type(error).__name__}", REPORT)


def _print_failure(record: FaultRecord, *, subject: str, as_json: bool) -> None:
    if as_json:
        print_json({"fault": record})
        return
    with suppress(BrokenPipeError):
        hint = f"{record['hint']}\n" if record["hint"] else ""
        sys.stderr.write(escape_bytes(f"{subject}: {record['message']}\n{hint}"))
