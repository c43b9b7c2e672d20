"""Files and folders that nobody else may read: 0600 and 0700, from the moment they exist; and no core dumps."""

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o077  # what is taken from everybody else


class _Umask:
    """The process's umask, which all threads share: private as long as any of them asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0
        self._before = 0

    def take(self) -> None:
        """Make it private."""
        with self._lock:
            if self._asked == 0:
                self._before = os.umask(PRIVATE)
            self._asked += 1

    def release(self) -> None:
        """Make it what it was, when nobody else needs it private."""
        with self._lock:
            self._asked -= 1
            if self._asked == 0:
                os.umask(self._before)


_UMASK = _Umask()


@contextmanager
def private_umask() -> Iterator[None]:
    """Within the block new files are 0600 and new folders 0700, whichever thread or engine makes them."""
    _UMASK.take()
    try:
        yield
    finally:
        _UMASK.release()


def private_folder(path: Path) -> Path:
    """The folder, made with its parents when missing; itself 0700."""
    with private_umask():
        path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def make_private(path: Path) -> None:
    """Take everybody else's rights to a file of ours."""
    if path.stat().st_mode & PRIVATE and path.stat().st_uid == os.getuid():
        path.chmod(0o600)


def no_core_dumps() -> None:
    """Leave no image of this process's memory behind: it holds password hashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
