"""Start and stop the process that decodes a file, and read its batches.

A decoder can crash on a damaged file, and would end every job of this process with it.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import IOBase
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from flows.readers.limits import MIB, ReadLimits
from flows.readers.sources import Source
from schemas.codes import ErrorCode
from schemas.faults import FileFault

_POLL_MILLISECONDS = 250
_PATIENCE_SECONDS = 5  # with a process whose output has ended
_ROOT = str(Path(__file__).parents[3])
_PROGRAM = """
import importlib, json, sys
sys.path[:], module, *request = json.loads(sys.argv[1])
importlib.import_module(module).main(*request)
"""
_NO_MEMORY_TEXTS = (
    "bad_alloc",
    "MemoryError",
    "Cannot allocate memory",
    "Resource temporarily unavailable",
    "memory allocation of",
)


@dataclass(frozen=True)
class Kind:
    """A kind of files: its name in messages, and the module that decodes it, which calls `flows.readers.decoder.child`.

    Where the memory of the process is bounded, `no_memory` is what a file is refused with that needs more.
    """

    name: str
    module: str
    no_memory: Callable[[Source, ReadLimits], FileFault] | None = None


@contextmanager
def decoding(
    source: Source, kind: Kind, *options: object, limits: ReadLimits, waiting: Callable[[], None]
) -> Iterator["Decoder"]:
    """Decode the file within the block; `waiting` is called while nothing arrives, and may raise to stop."""
    request = [[_ROOT, *sys.path], kind.module, source.name, str(source.path), source.size, asdict(limits), *options]
    # -I and -S: without a look at the environment, in a third of the time
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(request)]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pipesize=MIB,
            start_new_session=True,  # Ctrl-C stops the import only, which stops the decoder
        )
    except OSError as error:
        message = f"{source.name} cannot be decoded: no process can be started ({(error.strerror or '').lower()})"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "allow more processes or open files") from error
    with process:
        try:
            yield Decoder(source, kind, process, limits=limits, waiting=waiting)
        finally:
            process.kill()


class Decoder:
    """The batches of one file, which another process decodes."""

    closed = False  # as Arrow asks of a file

    def __init__(
        self,
        source: Source,
        kind: Kind,
        process: "subprocess.Popen[bytes]",
        *,
        limits: ReadLimits,
        waiting: Callable[[], None],
    ) -> None:
        self._source = source
        self._kind = kind
        self._limits = limits
        self._process = process
        self._waiting = waiting
        self._output = cast("IO[bytes]", process.stdout).fileno()
        self._ready = select.poll()
        self._ready.register(self._output, select.POLLIN)
        with self._faults():
            self._stream = pa.ipc.open_stream(pa.PythonFile(cast("IOBase", self), "r"))

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return self._stream.schema.names

    @property
    def rows(self) -> int:
        """Return the number of rows of the file."""
        return int((self._stream.schema.metadata or {})[b"rows"])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches; raise `FileFault` if the file cannot be read, `MemoryError` if memory ran out."""
        with self._faults():
            yield from self._stream
        if self._wait():  # a stream may also end where the process crashed
            raise self._find_fault()

    def read(self, size: int) -> bytearray:
        """Return that many bytes of what the process writes, fewer at its end."""
        data, done = bytearray(size), 0
        while done < size:
            while not self._ready.poll(_POLL_MILLISECONDS):
                self._waiting()
            count = os.readv(self._output, [memoryview(data)[done:]])
            if not count:
                return data[:done]
            done += count
        return data

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Raise what ended the process in place of the error of a stream that ends too early."""
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            raise self._find_fault() from error

    def _find_fault(self) -> Exception:
        """Return what ended the process: the fault that it reported, or how it crashed."""
        status, report = self._wait(), cast("IO[bytes]", self._process.stderr).read().decode(errors="replace")
        name = self._source.name
        if "decrypt" in report:
            return FileFault(ErrorCode.FILE_FORMAT, f"{name} is encrypted", "write it again without encryption")
        with suppress(ValueError, KeyError):
            code, message, hint = json.loads(report[report.rfind("\n") + 1 :])
            return FileFault(ErrorCode[code], message, hint)
        if status == -signal.SIGKILL or any(text in report for text in _NO_MEMORY_TEXTS):
            if status != -signal.SIGKILL and self._kind.no_memory is not None:
                return self._kind.no_memory(self._source, self._limits)
            return MemoryError(f"the decoder of {name} ended without memory")
        how = f"signal {-status} ({signal.strsignal(-status)})" if status < 0 else f"exit code {status}"
        message = f"{name} cannot be read as {self._kind.name}: its decoder ended with {how}"
        return FileFault(ErrorCode.FILE_SYNTAX, message, "the file is damaged: write or copy it again")

    def _wait(self) -> int:
        """Return the exit status of the process, which has nothing more to do."""
        try:
            return self._process.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
