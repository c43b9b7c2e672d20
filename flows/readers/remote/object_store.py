"""Fetch from an object store (s3://, gs://) by fsspec, with the credentials of the environment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flows.readers.limits import MIB
from schemas.codes import ErrorCode
from schemas.faults import FileFault

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BLOCK_BYTES = 8 * MIB
_OPTIONS: Mapping[str, Mapping[str, object]] = {  # time-outs in seconds
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 30}},
    "gs": {"requests_timeout": 30},
}
_VERSION = ("size", "ETag", "etag", "LastModified", "generation", "mtime", "updated", "created")


@dataclass(frozen=True)
class ObjectDownload:
    """An object whose content is not read yet."""

    store: "AbstractFileSystem"
    url: str
    name: str
    info: Mapping[str, Any]

    @property
    def size(self) -> int | None:
        """The number of bytes that the store says."""
        size = self.info.get("size")
        return size if isinstance(size, int) else None

    def chunks(self) -> Iterator[bytes]:
        """Yield the content in order."""
        with (
            _faults(self.name),
            self.store.open(self.url, "rb", block_size=_BLOCK_BYTES, cache_type="readahead") as file,
        ):
            while chunk := file.read(_BLOCK_BYTES):
                yield chunk

    def has_changed(self) -> bool:
        """Return whether the store now has another version."""
        with _faults(self.name):
            self.store.invalidate_cache()
            now = self.store.info(self.url)
        return any(self.info.get(name) != now.get(name) for name in _VERSION)


@contextmanager
def open_object(url: str, *, name: str) -> Iterator[ObjectDownload]:
    """Open an object. Raise `FileFault` if it does not exist or must not be read, or fsspec is not installed."""
    split = urlsplit(url)
    if split.username is not None or not split.netloc:
        wrong = "has credentials" if split.username is not None else "names no bucket"
        hint = "leave them out: those of the environment are used" if split.username else "write BUCKET/KEY after ://"
        raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{name} {wrong}", hint)
    try:
        import fsspec  # noqa: PLC0415 - an extra, and slow to load

        with _faults(name):
            store = fsspec.filesystem(split.scheme, skip_instance_cache=True, **_OPTIONS[split.scheme])
    except ImportError:
        message = f"{name} is in an object store, and what reads those is not installed"
        hint = "install it: `pip install 'user-import[remote]'`"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, hint) from None
    with _faults(name):
        info = store.info(url)
    if info.get("type") != "file":
        raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{name} is not an object", "name a single one: folders are not read")
    yield ObjectDownload(store, url, name, info)


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Raise a fault in place of what the store's client raises, whose texts can have secrets."""
    try:
        yield
    except (FileFault, ImportError):
        raise
    except FileNotFoundError:
        raise FileFault(ErrorCode.FILE_NOT_FOUND, f"{name} does not exist", "check bucket and key") from None
    except PermissionError:
        message = f"{name} must not be read with these credentials"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, "check its permissions") from None
    except Exception as error:  # noqa: BLE001 - each client has its own
        message = f"{name} cannot be read: {type(error).__name__}"
        raise FileFault(
            ErrorCode.FILE_UNREADABLE, message, "check credentials and network, and import it again"
        ) from None
