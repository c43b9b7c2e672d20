"""Files and folders that nobody else may read: 0600 and 0700, from the moment they exist."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def private_umask() -> Iterator[None]:
    """Within the block new files are 0600 and new folders 0700; the umask is the whole process's."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def private_folder(path: Path) -> Path:
    """The folder, made with its parents when missing; itself 0700."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def make_private(path: Path) -> None:
    """Take everybody else's rights to a file of ours."""
    if path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid():
        path.chmod(0o600)
