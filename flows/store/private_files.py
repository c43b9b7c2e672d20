"""Files and folders that only their owner can read (0600 and 0700) from the moment they exist; and no core dumps."""

import errno
import os
import resource
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

TEMPORARY_PREFIX = ".user-import-"
PRIVATE = 0o077  # the permissions of group and others, which are masked


class _Umask:
    """The umask of the process, which all threads share: private as long as at least one thread needs it."""

    lock = threading.Lock()
    users = 0
    previous = 0


@contextmanager
def private_umask() -> Iterator[None]:
    """Create files as 0600 and folders as 0700 within the block, whichever thread or engine creates them."""
    with _Umask.lock:
        if _Umask.users == 0:
            _Umask.previous = os.umask(PRIVATE)
        _Umask.users += 1
    try:
        yield
    finally:
        with _Umask.lock:
            _Umask.users -= 1
            if _Umask.users == 0:
                os.umask(_Umask.previous)


@contextmanager
def atomic_write(path: Path, *, temporary: Path | None = None, keep_owner: bool = False) -> Iterator[Path]:
    """Yield the path of a private temporary file, and rename that file to `path` at the end of the block.

    An exception removes the temporary file and leaves `path` as it was. By default the temporary file is beside
    `path`: a new file whose name nobody can foresee, with the same ending. With `keep_owner` it gets owner and
    permissions of the file that it replaces.
    """
    with temporary_file(path) if temporary is None else nullcontext(temporary) as temp:
        try:
            with private_umask():
                yield temp
            if keep_owner:
                before = path.stat()
                os.chown(temp, before.st_uid, before.st_gid)
                temp.chmod(stat.S_IMODE(before.st_mode))
            temp.replace(path)
        finally:
            temp.unlink(missing_ok=True)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Yield the path of a new private file beside `path`, with the same ending, which is removed after the block."""
    number, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=path.suffix[:16], dir=path.parent)
    os.close(number)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def open_regular(path: Path, flags: int) -> int:
    """Open a file (0600, if it is created) that is neither a link nor a pipe or device, and wait for no other process;
    raise `OSError` if it is one: others may put those in a folder that they share with us."""
    number = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    if stat.S_ISREG(os.fstat(number).st_mode):
        return number
    os.close(number)
    raise OSError(errno.EINVAL, "Not a regular file", str(path))


def private_folder(path: Path, *, owner: int | None = None) -> Path:
    """Create the folder (0700) and its parents if they are missing, and return its path; one that exists stays as it
    is. Root gives what it creates to the owner."""
    is_new = not path.exists()
    with private_umask():
        path.mkdir(parents=True, exist_ok=True)
    if is_new and owner is not None and os.geteuid() == 0:
        os.chown(path, owner, -1, follow_symlinks=False)
    return path


def no_core_dumps() -> None:
    """Disable core dumps of this process: its memory holds password hashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
