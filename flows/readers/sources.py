"""Which files a job reads, and the fingerprint each is known by. What is in them is found by `flows.readers.detect`."""

import difflib
import hashlib
import os
import re
import select
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePath
from typing import Literal

from flows.readers.limits import MIB
from schemas.codes import ErrorCode
from schemas.faults import FileFault

STDIN = "-"
STDIN_NAME = "stdin"
EXTENSIONS = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
HIDDEN = (".", "~$")  # "~$" begins the lock files of spreadsheets
COMPRESSIONS: Mapping[str, Literal["gzip", "zstd"]] = {".gz": "gzip", ".zst": "zstd"}
_LOOK_SECONDS = 0.25
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True)
class Source:
    """One file to read, under the name that people know it by."""

    name: str  # safe to print
    path: Path  # of standard input: the private copy
    size: int  # in bytes, as stored


def wait_on() -> None:
    """What a caller does between two looks at a silent pipe who has no reason to give up: nothing."""


def find_sources(names: Sequence[str], *, spool: Path, waiting: Callable[[], None] = wait_on) -> tuple[Source, ...]:
    """The files that the names mean, in order: a file, a folder's files by name, or standard input kept in `spool`.

    `waiting` is called again and again while standard input is read; it may raise to give up.

    Raises:
        FileFault: a name means no file, or something that is none.

    """
    return tuple(source for name in names for source in _sources_of(name, spool=spool, waiting=waiting))


def fingerprint(source: Source) -> str:
    """The SHA-256 of the source's bytes, in hex."""
    with open_source(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_source(source: Source) -> BufferedReader:
    """The source's bytes as they are stored."""
    try:
        return source.path.open("rb")
    except OSError as error:
        raise _unreadable(source.name, error) from error


def promised_format(name: str) -> str | None:
    """The format that the ending of a name promises, compressed or not."""
    path = PurePath(name.lower())
    return EXTENSIONS.get(PurePath(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix)


def compression(name: str) -> Literal["gzip", "zstd"] | None:
    """How a file of this name is compressed: by its ending alone, whatever it holds."""
    return COMPRESSIONS.get(PurePath(name.lower()).suffix)


def _sources_of(name: str, *, spool: Path, waiting: Callable[[], None]) -> Iterator[Source]:
    if name == STDIN:
        yield _spooled(spool, waiting=waiting)
        return
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise _not_found(name) from error
    except OSError as error:
        raise _unreadable(printable(name), error) from error
    if stat.S_ISDIR(mode):
        yield from _files_of(path)
    elif stat.S_ISREG(mode):
        yield _source(path)
    else:
        raise FileFault(
            ErrorCode.FILE_UNREADABLE,
            f"{printable(name)} is a pipe or a device, not a file",
            "give - to read standard input",
        )


def _source(path: Path) -> Source:
    return Source(printable(str(path)), path, path.stat().st_size)


def _files_of(folder: Path) -> Iterator[Source]:
    """The folder's own files of a known ending; what lies deeper or is hidden is left alone."""
    try:
        shown = (path for path in folder.iterdir() if not path.name.startswith(HIDDEN))
        paths = sorted(path for path in shown if promised_format(path.name) and path.is_file())
    except OSError as error:
        raise _unreadable(printable(str(folder)), error) from error
    if not paths:
        raise FileFault(
            ErrorCode.FILE_EMPTY,
            f"the folder {printable(str(folder))} holds no file to import",
            f"files are known by their endings: {' '.join(EXTENSIONS)}, also with {' or '.join(COMPRESSIONS)}",
        )
    yield from map(_source, paths)


def _spooled(spool: Path, *, waiting: Callable[[], None]) -> Source:
    """Standard input as a file that only its owner may read, so that it can be read twice."""
    path = spool / "stdin"
    path.touch(mode=0o600)
    with path.open("wb") as file:
        file.writelines(_standard_input(waiting))
    return Source(STDIN_NAME, path, path.stat().st_size)


def _standard_input(waiting: Callable[[], None]) -> Iterator[bytes]:
    """Its bytes as they come; who writes them may keep it open and say nothing."""
    if sys.stdin is None:  # closed: another file may have got its number
        raise FileFault(ErrorCode.FILE_UNREADABLE, "standard input is closed", "give a file, or send one to it")
    number = sys.stdin.fileno()
    while True:
        waiting()
        try:
            readable, _, _ = select.select([number], [], [], _LOOK_SECONDS)
            chunk = os.read(number, MIB) if readable else None
        except OSError as error:
            raise _unreadable("standard input", error) from error
        if chunk == b"":
            return
        if chunk:
            yield chunk


def printable(name: str) -> str:
    """A file's name with whatever cannot be printed on one line written as an escape."""
    encodable = name.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in encodable)


def _not_found(name: str) -> FileFault:
    if _URL.match(name):
        return FileFault(
            ErrorCode.FILE_NOT_FOUND,
            f"{printable(name)} is an address, and addresses are not fetched",
            "download it first and give the file",
        )
    return FileFault(ErrorCode.FILE_NOT_FOUND, f"there is no file {printable(name)}", _neighbour(name))


def _neighbour(name: str) -> str:
    """A hint with the most similar name in the same folder."""
    folder = Path(name.replace("\0", "")).parent
    try:
        similar = difflib.get_close_matches(Path(name).name, [path.name for path in folder.iterdir()], n=1, cutoff=0.6)
    except OSError:
        return f"there is no folder {printable(str(folder))} either"
    return f"did you mean {printable(str(folder / similar[0]))}?" if similar else "check the name and the folder"


def _unreadable(name: str, error: OSError) -> FileFault:
    reason = (error.strerror or type(error).__name__).lower()
    return FileFault(ErrorCode.FILE_UNREADABLE, f"{name} cannot be read: {reason}", "check the rights to it")
