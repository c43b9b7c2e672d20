"""Find the files that a job reads, open them and hash them. Their content is inspected in `flows.readers.detect`."""

import difflib
import hashlib
import os
import select
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader
from itertools import count
from pathlib import Path, PurePath
from typing import Self

from flows.readers.compression import COMPRESSIONS
from flows.readers.encodings import UTF8
from flows.readers.limits import MIB
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.source_names import is_url

STDIN = "-"
STDIN_NAME = "stdin"
EXTENSIONS = {
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".ods": "excel",
    ".ldif": "ldif",
    ".ldf": "ldif",
}
WRITABLE = {
    ending: form for ending, form in EXTENSIONS.items() if form not in ("excel", "ldif")
}  # of files that are written
ARCHIVE = ".zip"
SPOOLED = "spooled-"  # before the number of a file that a job has unpacked or fetched
HIDDEN = (".", "~$")  # spreadsheets name their lock files "~$…"
MOST_HELD = 8  # a process may have few open files
LIKENESS = 0.75  # of two names, of which one may be a slip for the other
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Identity:
    """A file and its version, as far as they can be told without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """Return the identity of a file from its status."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True)
class Span:
    """A part of a source that is read by itself: bytes of whole lines, or row groups; the end is not part of it."""

    begin: int
    end: int
    first_line: int = 1  # the number of its first line in the source


@dataclass(frozen=True)
class Source:
    """One file to read, with the name to show for it."""

    name: str  # safe to print
    path: Path  # for standard input: its private copy
    size: int  # in bytes, as stored
    identity: Identity | None = None  # what every opening must find
    encoding: str = UTF8  # of text, as the options say
    content_name: str = ""  # of a file in an archive, or of what a URL leads to
    span: Span | None = None  # None: the whole of it

    @property
    def file_name(self) -> str:
        """The name that says what the content is."""
        return self.content_name or self.name


def find_sources(
    names: Sequence[str],
    *,
    spool: Path,
    waiting: Callable[[], None] | None = None,
    fetch: Callable[[str], Source] | None = None,
) -> tuple[Source, ...]:
    """Return the sources in the order of their names: files, the files of folders, or standard input kept in `spool`;
    of a URL what `fetch` returns.

    Raise `FileFault` if a name is not that of a readable file or folder. `waiting` is called repeatedly while standard
    input is read; it may raise to stop the reading.
    """
    return tuple(source for name in names for source in _find_sources(name, spool, waiting=waiting, fetch=fetch))


def spooled_path(folder: Path) -> Path:
    """Return the path of a new file in a job's folder, which only its owner may read."""
    number = next(number for number in count() if not (folder / f"{SPOOLED}{number}").exists())
    path = folder / f"{SPOOLED}{number}"
    path.touch(mode=0o600)
    return path


@contextmanager
def held_open(
    sources: Sequence[Source], *, check: Callable[[Source, Path], None] = lambda *_: None
) -> Iterator[tuple[Source, ...]]:
    """Yield the sources such that each opening within the block finds the same file in the same version, or raises
    `FileFault` (`FILE_CHANGED`): a file that replaces one of the first is not read in its place. `check` is called with
    each source and a path that leads to what was opened; it may raise."""
    with ExitStack() as files:
        held = [_hold(source, files, check) for source in sources[:MOST_HELD]]
        yield (*held, *(_note_version(source, check) for source in sources[MOST_HELD:]))


def require_unchanged(sources: Sequence[Source]) -> None:
    """Raise `FileFault` (`FILE_CHANGED`) if one of the sources has another identity by now."""
    for source in sources:
        if source.identity not in (None, _look_at(source)):
            raise changed(source)


def fingerprint(source: Source, *, algorithm: str = "sha256", waiting: Callable[[], None] | None = None) -> str:
    """Return a hash of the source's stored bytes, in hex; `waiting` may raise to stop the reading."""
    digest = hashlib.new(algorithm)
    with open_source(source) as file:
        while chunk := file.read(MIB):
            digest.update(chunk)
            if waiting is not None:
                waiting()
    return digest.hexdigest()


def open_source(source: Source) -> BufferedReader:
    """Open the source's bytes as they are stored."""
    try:
        file = open(source.path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise _unreadable(source.name, error) from error
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or source.identity not in (None, Identity.of(found)):
        file.close()
        raise changed(source)
    return file


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for the writer of a pipe that may have taken its place."""
    return os.open(path, flags | os.O_NONBLOCK)


def format_from_name(name: str) -> str | None:
    """Return the format of a file by its extension, before that of a compression."""
    path = PurePath(name.lower())
    return EXTENSIONS.get(PurePath(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix)


def _find_sources(
    name: str, spool: Path, *, waiting: Callable[[], None] | None, fetch: Callable[[str], Source] | None
) -> Iterator[Source]:
    if name == STDIN:
        yield _spool_stdin(spool, waiting=waiting)
        return
    if fetch is not None and is_url(name):
        yield fetch(name)
        return
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise _not_found(name) from error
    except OSError as error:
        raise _unreadable(printable(name), error) from error
    if stat.S_ISDIR(mode):
        yield from _find_in_folder(path)
    elif stat.S_ISREG(mode):
        yield _make_source(path)
    else:
        message = f"{printable(name)} is a pipe or a device, not a file"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "use - to read from standard input")


def _make_source(path: Path) -> Source:
    return Source(printable(str(path)), path, path.stat().st_size)


def _find_in_folder(folder: Path) -> Iterator[Source]:
    """Yield the folder's visible files with a known extension, by name; subfolders are not searched."""
    try:
        visible = (path for path in folder.iterdir() if not path.name.startswith(HIDDEN))
        paths = sorted(path for path in visible if _is_importable(path.name) and path.is_file())
    except OSError as error:
        raise _unreadable(printable(str(folder)), error) from error
    if not paths:
        extensions = f"{' '.join((*EXTENSIONS, ARCHIVE))}, if compressed followed by {' or '.join(COMPRESSIONS)}"
        message = f"the folder {printable(str(folder))} contains no files to import"
        raise FileFault(ErrorCode.FILE_EMPTY, message, f"give the files one of the extensions {extensions}")
    yield from map(_make_source, paths)


def _is_importable(name: str) -> bool:
    return format_from_name(name) is not None or name.lower().endswith(ARCHIVE)


def _spool_stdin(spool: Path, *, waiting: Callable[[], None] | None) -> Source:
    """Copy standard input to a file that only its owner may read, so that it can be read twice."""
    path = spool / "stdin"
    path.touch(mode=0o600)
    with path.open("wb") as file:
        file.writelines(_read_stdin(waiting))
    return Source(STDIN_NAME, path, path.stat().st_size)


def _read_stdin(waiting: Callable[[], None] | None) -> Iterator[bytes]:
    """Yield the bytes of standard input as they arrive; the writer may pause for any time."""
    if sys.stdin is None:  # closed: its descriptor may belong to another file by now
        raise FileFault(ErrorCode.FILE_UNREADABLE, "standard input is closed", "name a file, or pipe one in")
    number = sys.stdin.fileno()
    while True:
        if waiting is not None:
            waiting()
        try:
            readable, _, _ = select.select([number], [], [], _POLL_SECONDS)
            chunk = os.read(number, MIB) if readable else None
        except OSError as error:
            raise _unreadable("standard input", error) from error
        if chunk == b"":
            return
        if chunk:
            yield chunk


def absolute_name(name: str) -> str:
    """Return the absolute path of a file without `..`, links as they are; standard input and URLs stay."""
    return name if name == STDIN_NAME or is_url(name) else os.path.abspath(name)  # noqa: PTH100 - `Path.resolve` follows links


def printable(name: str) -> str:
    """Return a file's name with characters that cannot be printed on one line as escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in escape_bytes(name))


def escape_bytes(name: str) -> str:
    """Return a file's name with bytes that are not UTF-8 as escapes: no database and no document can store them."""
    return name.encode("utf-8", "backslashreplace").decode()


def _note_version(source: Source, check: Callable[[Source, Path], None]) -> Source:
    """Return the source with the identity of what is opened for a moment: no link can lead elsewhere meanwhile."""
    with ExitStack() as files:
        return replace(_hold(source, files, check), path=source.path)


def _hold(source: Source, files: ExitStack, check: Callable[[Source, Path], None]) -> Source:
    """Open the file until the stack is closed, and return a source that leads to it under whatever name."""
    file = files.enter_context(open_source(source))
    identity = Identity.of(os.fstat(file.fileno()))
    path = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")  # where there is none, the check at the opening must do
    held = replace(source, path=path if path.exists() else source.path, size=identity.size, identity=identity)
    check(source, held.path)
    return held


def _look_at(source: Source) -> Identity:
    try:
        return Identity.of(source.path.stat())
    except OSError:
        raise changed(source) from None


def changed(source: Source) -> FileFault:
    """Return the fault of a source that is not what was opened."""
    message = f"{source.name} changed while it was read; nothing was merged"
    return FileFault(ErrorCode.FILE_CHANGED, message, "import it again once nothing writes to it")


def _not_found(name: str) -> FileFault:
    return FileFault(ErrorCode.FILE_NOT_FOUND, f"{printable(name)} does not exist", _suggest_name(name))


def _suggest_name(name: str) -> str:
    """Return a hint with the most similar name in the same folder."""
    folder, missing = Path(name.replace("\0", "")).parent, Path(name).name
    try:
        near = [path.name for path in folder.iterdir() if _is_like(path.name, missing)]
        similar = difflib.get_close_matches(missing, near, n=1, cutoff=0)
    except OSError:
        return f"check the path: the folder {printable(str(folder))} does not exist either"
    return f"did you mean {printable(str(folder / similar[0]))}?" if similar else "check the name and the folder"


def _is_like(name: str, other: str) -> bool:
    """Return whether two names may be meant for each other: what is before their endings, which many files share."""
    stem, other_stem = (text.lower().partition(".")[0] for text in (name, other))
    return difflib.SequenceMatcher(a=stem, b=other_stem).ratio() >= LIKENESS


def _unreadable(name: str, error: OSError) -> FileFault:
    reason = (error.strerror or type(error).__name__).lower()
    return FileFault(ErrorCode.FILE_UNREADABLE, f"{name} cannot be read: {reason}", "check its permissions")
