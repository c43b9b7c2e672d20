"""Fetch a URL into the job's folder. It is read once: content hash, retries and readers work on the copy."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from flows.readers.limits import ReadLimits
from flows.readers.remote.http_source import open_http
from flows.readers.remote.object_store import open_object
from flows.readers.sources import Identity, Source, changed, printable, spooled_path
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.source_names import REMOTE, without_secrets


class Download(Protocol):
    """Content that is being fetched."""

    @property
    def size(self) -> int | None:
        """The number of bytes, if it is known."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the content; raise `FileFault` if that fails."""

    def has_changed(self) -> bool:
        """Return whether the source is not what it was when it was opened."""


@dataclass(frozen=True)
class Fetch:
    """What fetching a URL needs."""

    folder: Path  # of the job
    limits: ReadLimits
    waiting: Callable[[], None]  # called again and again; may raise to stop
    may_be_private: Callable[[str], bool]  # whether a URL may lead to a private address

    def __call__(self, url: str) -> Source:
        """Return the source that the URL leads to, copied into the folder.
        Raise `FileFault` if it cannot be fetched, is too large or changes meanwhile."""
        name = printable(without_secrets(url))
        path = spooled_path(self.folder)
        with self._open(url, name) as download, path.open("wb") as file:
            self._check_size(download.size or 0, name)
            for chunk in download.chunks():
                self.waiting()
                file.write(chunk)
                self._check_size(file.tell(), name)
            file.flush()
            identity = Identity.of(os.fstat(file.fileno()))
            if download.size not in (None, identity.size):
                what = f"the connection ended after {identity.size:,} of {download.size:,} bytes"
                message = f"{name} cannot be read: {what}"
                raise FileFault(ErrorCode.FILE_UNREADABLE, message, "import it again")
            if download.has_changed():
                raise changed(Source(name, path, identity.size))
        last = PurePosixPath(unquote(urlsplit(url).path)).name
        return Source(name, path, identity.size, identity, content_name=printable(last))

    def _open(self, url: str, name: str) -> "AbstractContextManager[Download]":
        try:
            split = urlsplit(url)
            _ = split.port
        except ValueError:
            raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{name} is not a valid URL", "correct it") from None
        if split.scheme in ("http", "https"):
            return open_http(split, name=name, may_be_private=self.may_be_private(url))
        if split.scheme in REMOTE:
            return open_object(url, name=name)
        known = ", ".join(f"{scheme}://" for scheme in REMOTE)
        message = f"{name} is a URL of a kind that is not fetched"
        raise FileFault(ErrorCode.FILE_NOT_FOUND, message, f"use one of {known}, or download the file first")

    def _check_size(self, size: int, name: str) -> None:
        most = self.limits.fetched_bytes
        if size > most:
            hint = "download the file first, or raise IMPORT_FETCHED_BYTES"
            raise FileFault(ErrorCode.FILE_UNREADABLE, f"{name} has more than {most:,} bytes", hint)
