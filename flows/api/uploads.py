"""Bodies of any size: forms and files that are sent go straight to disk, and long answers come from disk.

What the parts of a form mean is known to the routers. Nothing here knows jobs.
"""

import errno
import json
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from flows.api.problems import Problem
from flows.report.vendors import Json

MOST_PARTS = 100
MOST_FIELD_BYTES = 65_536  # of all fields of a form together
PIECE_BYTES = 262_144  # of an answer
MEMORY_BYTES = 1_000_000  # of an answer, before it goes to disk
PLAIN_ENCODINGS = ("", "7bit", "8bit", "binary")  # of parts
DISK_FULL = Problem(507, "insufficient_storage", "the server's disk is full")

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a broken form is answered, not logged


class OpenFile(Protocol):
    """A function of a router that opens the file for a part, given its file name and the fields before it."""

    def __call__(self, name: str, fields: Mapping[str, str], /) -> AbstractContextManager[BinaryIO]: ...


@dataclass(frozen=True)
class SentForm:
    """What came in a form."""

    fields: Mapping[str, str]
    file_bytes: Mapping[str, int]  # by the name of the part


async def receive_form(request: Request, open_file: OpenFile, *, files: Collection[str]) -> SentForm:
    """Write the parts of a form that have one of the names in `files` to files, and return the other fields.

    Parts may be in any order. Raise `Problem` (400) for a broken form, one that breaks off, or too many or too large
    fields. Where anything fails, also the connection, the block of an open file ends with that exception.
    """
    with ExitStack() as stack, _refusing_broken_forms():
        form = _Form(_boundary_of(request), stack, open_file, files)
        await _receive(request, form.write)
        form.require_whole()
    return SentForm(form.fields, form.file_bytes)


async def receive_file(request: Request, file: BinaryIO) -> int:
    """Write the body as it is to a file, and return the number of bytes."""
    await _receive(request, file.write)
    return file.tell()


async def _receive(request: Request, write: Callable[[bytes], object]) -> None:
    try:
        async for piece in request.stream():
            await run_in_threadpool(write, piece)
    except ClientDisconnect:
        raise Problem(400, "incomplete_body", "the connection ended before the body did") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DISK_FULL from None
        raise


class _Form:
    """The parts of a form as they come."""

    def __init__(self, boundary: bytes, stack: ExitStack, open_file: OpenFile, files: Collection[str]) -> None:
        self.fields: dict[str, str] = {}
        self.file_bytes: dict[str, int] = {}
        self._stack, self._open_file, self._files = stack, open_file, files
        self._parts, self._field_bytes, self._is_whole = 0, 0, False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_to_header_name,
                "on_header_value": self._add_to_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open_part,
                "on_part_data": self._write_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def write(self, piece: bytes) -> None:
        """Parse the next piece of the body."""
        if piece:
            self._parser.write(piece)

    def require_whole(self) -> None:
        """Raise `Problem` unless the last boundary has come."""
        if not self._is_whole:
            raise _broken("it breaks off")

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _broken(f"it has more than {MOST_PARTS} parts")
        self._headers: dict[bytes, bytes] = {}
        self._header_name, self._header_value = b"", b""
        self._file: BinaryIO | None = None
        self._value = bytearray()

    def _add_to_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_to_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name, self._header_value = b"", b""

    def _open_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode(errors="replace")
        if not self._name:
            raise _broken("a part has no name")
        if (
            self._headers.get(b"content-transfer-encoding", b"").decode("latin-1").strip().lower()
            not in PLAIN_ENCODINGS
        ):
            raise _broken(f"the part {self._name} has a transfer encoding; send it as it is")
        if self._name in self._files:
            name = options.get(b"filename", b"").decode(errors="replace")
            self.file_bytes.setdefault(self._name, 0)
            self._file = self._stack.enter_context(self._open_file(name, self.fields))
        elif self._name in self.fields:
            raise _broken(f"it has {self._name} twice")

    def _write_data(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self.file_bytes[self._name] += self._file.write(memoryview(data)[start:end])
            return
        self._field_bytes += end - start
        if self._field_bytes > MOST_FIELD_BYTES:
            raise _broken(f"its fields have more than {MOST_FIELD_BYTES:,} bytes")
        self._value += data[start:end]

    def _end_part(self) -> None:
        if self._file:
            self._stack.close()
        else:
            self.fields[self._name] = self._value.decode()

    def _end(self) -> None:
        self._is_whole = True


def _boundary_of(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Problem(400, "invalid_body", "the body must be a form: Content-Type multipart/form-data with a boundary")
    return options[b"boundary"]


@contextmanager
def _refusing_broken_forms() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise _broken(str(error)) from None
    except UnicodeDecodeError:
        raise _broken("a field is not UTF-8") from None


def _broken(why: str) -> Problem:
    return Problem(400, "invalid_body", f"the form cannot be read: {why}")


def answer_from_disk(pieces: Iterable[str], *, media_type: str) -> Response:
    """Return a response of any length: all of it is made first, so that it is right or fails before it begins, and
    what made it does not wait for a slow reader."""
    with ExitStack() as stack:
        file = stack.enter_context(temporary_file())
        for piece in pieces:
            file.write(piece.encode())
        stack.pop_all()
    return answer_file(file, media_type=media_type)


def write_array(values: Iterable[Json]) -> Iterator[str]:
    """Yield an array of JSON in pieces."""
    before = "["
    for value in values:
        yield before + json.dumps(value, ensure_ascii=False)
        before = ","
    yield "[]" if before == "[" else "]"


def answer_file(file: BinaryIO, *, media_type: str) -> Response:
    """Return a response with all that was written to a file, which it closes."""
    length = file.tell()
    file.seek(0)

    async def body() -> AsyncIterator[bytes]:
        with file:
            async for piece in iterate_in_threadpool(iter(lambda: file.read(PIECE_BYTES), b"")):
                yield piece

    return StreamingResponse(body(), media_type=media_type, headers={"Content-Length": str(length)})


def temporary_file() -> BinaryIO:
    """Return a file that is in memory while it is small, and has no name on disk."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES))
