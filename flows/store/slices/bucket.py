"""Slices in an object store, by fsspec: the parts and the manifest of each attempt, and the request to stop.

Names and content are those of slices in a folder; what they mean is in `flows.pipeline.slices`.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.settings import Settings
from flows.store.job_folder import CANCEL_FILE, LAYOUTS_FILE, JobFolder
from flows.store.private_files import atomic_write, private_folder, private_umask
from schemas.codes import ErrorCode
from schemas.faults import Fault, JobFault

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

MANIFEST = "manifest.json"  # written last: what has none is not finished
POLL_SECONDS = 1.0
_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60}},
    "gs": {"requests_timeout": 60},
    "file": {"auto_mkdir": True},  # which stands for a store in tests
}


@dataclass(frozen=True)
class Bucket:
    """The slices of one job in an object store. Every method raises `JobFault` if the store does not do it."""

    url: str

    def upload(self, attempt: Path) -> None:
        """Copy what was staged in the folder of an attempt, the manifest last."""
        staged = sorted(path for path in attempt.iterdir() if path.suffix == ".parquet" or path.name == LAYOUTS_FILE)
        with self._open() as store:
            if staged:
                store.put([*map(str, staged)], [f"{self.url}/{attempt.name}/{path.name}" for path in staged])
            store.pipe_file(f"{self.url}/{attempt.name}/{MANIFEST}", (attempt / MANIFEST).read_bytes())

    def download(self, attempt: Path) -> None:
        """Copy a finished attempt into its folder here, unless that is complete."""
        if (attempt / MANIFEST).exists():
            return
        url = f"{self.url}/{attempt.name}"
        with self._open() as store, private_umask():
            private_folder(attempt)
            staged = [path for path in store.find(url) if not path.endswith(f"/{MANIFEST}")]
            if staged:
                store.get(staged, [str(attempt / path.rpartition("/")[2]) for path in staged])
            with atomic_write(attempt / MANIFEST) as temp:
                temp.write_bytes(store.cat_file(f"{url}/{MANIFEST}"))

    def manifests(self, pattern: str) -> Iterator[tuple[str, str]]:
        """Yield the names of the attempts that match, and their manifests."""
        with self._open() as store:
            for path in sorted(store.glob(f"{self.url}/{pattern}/{MANIFEST}")):
                yield path.split("/")[-2], store.cat_file(path).decode()

    def request_cancel(self) -> None:
        """Request that the workers stop."""
        with self._open() as store:
            store.pipe_file(f"{self.url}/{CANCEL_FILE}", b"")

    def discard_cancel(self) -> None:
        """Remove the request that stopped an earlier attempt of the job."""
        with self._open() as store:
            if store.exists(f"{self.url}/{CANCEL_FILE}"):
                store.rm_file(f"{self.url}/{CANCEL_FILE}")

    @contextmanager
    def passing_cancel(self, folder: JobFolder) -> Iterator[None]:
        """Within the block, request in the folder that the job stops when it is requested in the store."""
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(POLL_SECONDS):
                with suppress(JobFault), self._open() as store:
                    if store.exists(f"{self.url}/{CANCEL_FILE}"):
                        folder.request_cancel()

        watcher = threading.Thread(target=look, name="bucket-watcher", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def remove(self) -> None:
        """Remove all slices of the job."""
        with self._open() as store:
            if paths := store.find(self.url):
                store.rm(paths)

    @contextmanager
    def _open(self) -> "Iterator[AbstractFileSystem]":
        scheme = self.url.partition("://")[0]
        try:
            import fsspec  # noqa: PLC0415 - an extra, and slow to load

            yield fsspec.filesystem(scheme, use_listings_cache=False, **_OPTIONS.get(scheme, {}))
        except Fault:
            raise
        except ImportError:
            message = f"IMPORT_STAGING is {self.url}, and what reads object stores is not installed"
            hint = "install it here and on the workers: pip install 'user-import[dask,remote]'"
            raise JobFault(ErrorCode.RUNNER_UNAVAILABLE, message, hint) from None
        except Exception as error:  # noqa: BLE001 - each client has its own, whose texts can have secrets
            message = f"slices cannot be staged in {self.url}: {type(error).__name__}"
            hint = "check bucket, credentials and network, or set IMPORT_TASK_RUNNER=none"
            raise JobFault(ErrorCode.RUNNER_UNAVAILABLE, message, hint) from None


def bucket_of(settings: Settings, job_id: str) -> Bucket | None:
    """Return where the slices of a job are, if that is an object store."""
    return Bucket(f"{settings.staging_url.rstrip('/')}/{job_id}") if settings.staging_url else None


def remove_slices(settings: Settings, job_id: str) -> None:
    """Remove what workers staged of a job, wherever that is. Raise `JobFault` if a store does not do it."""
    JobFolder(settings.slices_of(job_id)).remove()
    if bucket := bucket_of(settings, job_id):
        bucket.remove()
