"""Workers that share an object store with the job, and no folder: the same result, and nothing is left in the store."""

import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from flows.pipeline.job import Observer
from flows.pipeline.slices import gather
from flows.pipeline.slices.gather import _Run
from flows.settings import Settings, settings_from
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.retention import purge, purge_job
from flows.store.slices.bucket import Bucket
from schemas.faults import JobFault
from schemas.job import JobStatus
from tests.flows.pipeline.slices.in_this_process import DaskInThisProcess
from tests.flows.pipeline.slices.test_dask import Cluster, cluster
from tests.flows.pipeline.slices.test_gather import JOB, outcome, run, settings_in, wait_until, write_lines

__all__ = ["cluster"]  # the fixture
URL = "memory://bucket/prefix"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryFileSystem]:
    """A store in memory, and workers that use it."""
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    monkeypatch.setattr("flows.pipeline.load.choose_runner", lambda *_, **__: DaskInThisProcess("tcp://none"))
    store = fsspec.filesystem("memory")
    yield store
    for path in store.find("/"):
        store.rm(path)


def in_bucket(folder: Path, url: str = URL) -> Settings:
    return replace(settings_in(folder, "none"), staging_url=url)


def lose(monkeypatch: pytest.MonkeyPatch, settings: Settings, path: Path) -> None:
    """Run a job that ends once its slices are loaded, before they are gathered."""
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "gather", lambda _: (_ for _ in ()).throw(KeyError("lost")))
        assert run(settings, path).status is JobStatus.FAILED


def test_slices_in_a_store_give_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryFileSystem
) -> None:
    lines, table = write_lines(tmp_path / "a.ndjson", records=800, seed=1), tmp_path / "b.csv"
    table.write_text("email\n" + "".join(f" v{n}@example.com\n" for n in range(100)))
    settings = in_bucket(tmp_path / "db")
    staged: list[str] = []
    gathered = _Run.gather

    def look(run: _Run) -> object:
        staged.extend(store.find("/bucket"))
        return gathered(run)

    monkeypatch.setattr(_Run, "gather", look)
    found = outcome(settings, run(settings, table, lines))
    assert len([path for path in staged if path.endswith("/manifest.json")]) > 3
    assert {path.split("/")[3] for path in staged} == {JOB}
    assert store.find("/bucket") == []
    monkeypatch.setattr("flows.pipeline.load.choose_runner", lambda *_, **__: None)
    whole = settings_in(tmp_path / "whole", "none")
    assert found == outcome(whole, run(whole, table, lines))


def test_workers_of_a_scheduler_need_no_folder_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 20_000)
    path = write_lines(tmp_path / "a.ndjson", records=1000, seed=2)
    whole, stored = settings_in(tmp_path / "whole", "none"), settings_in(tmp_path / "stored", f"dask={cluster.address}")
    stored = replace(stored, staging_url=f"file://{tmp_path}/store")
    folders: set[str] = set()
    received = Bucket.download

    def look(bucket: Bucket, attempt: Path) -> None:
        assert not attempt.exists(), "the worker wrote to the store only"
        folders.update(path.name for path in (tmp_path / "store" / JOB).iterdir())
        received(bucket, attempt)

    monkeypatch.setattr(Bucket, "download", look)
    assert outcome(stored, run(stored, path)) == outcome(whole, run(whole, path))
    assert len(folders) > 3
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_what_only_the_job_can_see_is_not_given_to_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryFileSystem
) -> None:
    uploads: list[Path] = []
    monkeypatch.setattr(Bucket, "upload", lambda _, attempt: uploads.append(attempt))
    with zipfile.ZipFile(tmp_path / "users.zip", "w") as archive:
        archive.writestr("users.csv", "email\nv@example.com\n")
    (tmp_path / "b.csv").write_text("email\nw@example.com\n")
    summary = run(in_bucket(tmp_path / "db"), tmp_path / "users.zip", tmp_path / "b.csv")
    assert (summary.fault, summary.inserted) == (None, 2)
    assert (uploads, store.find("/bucket")) == ([], [])


def test_finished_slices_in_the_store_are_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryFileSystem
) -> None:
    path = write_lines(tmp_path / "a.ndjson", records=800, seed=3)
    settings = in_bucket(tmp_path / "db")
    lose(monkeypatch, settings, path)
    JobFolder(settings.slices_of(JOB)).remove()  # as on another machine
    finished = {found for found in store.find("/bucket") if found.endswith("manifest.json")}
    removed = min(finished)
    store.rm(removed)
    loaded: list[str] = []
    uploaded = Bucket.upload

    def count(bucket: Bucket, attempt: Path) -> None:
        loaded.append(attempt.name[:5])
        uploaded(bucket, attempt)

    monkeypatch.setattr(Bucket, "upload", count)
    assert run(settings, path).fault is None
    assert loaded == [removed.split("/")[-2][:5]]
    assert store.find("/bucket") == []


@pytest.mark.parametrize("remove", [lambda store: purge(store, days=0), lambda store: purge_job(store, JOB)])
def test_a_purge_removes_what_a_failed_job_left_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryFileSystem, remove: Callable[[Store], object]
) -> None:
    settings = in_bucket(tmp_path / "db")
    lose(monkeypatch, settings, write_lines(tmp_path / "a.ndjson", records=400, seed=4))
    assert store.find("/bucket")
    remove(Store(settings))
    assert store.find("/bucket") == []
    assert not (settings.jobs_folder / JOB).exists()


def test_a_job_whose_store_is_away_is_purged_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryFileSystem
) -> None:
    settings = in_bucket(tmp_path / "db")
    lose(monkeypatch, settings, write_lines(tmp_path / "a.ndjson", records=400, seed=4))
    away = Store(replace(settings, staging_url="nostore://bucket/prefix"))
    purged = purge(away, days=0)
    assert (purged.jobs, purged.left) == ((), (settings.jobs_folder / JOB,))
    assert store.find("/bucket")
    assert purge(Store(settings), days=0).jobs == (JOB,)
    assert store.find("/bucket") == []


def test_a_store_that_cannot_be_used_ends_the_job(tmp_path: Path, store: MemoryFileSystem) -> None:
    settings = in_bucket(tmp_path / "db", "nostore://bucket/prefix")
    summary = run(settings, write_lines(tmp_path / "a.ndjson", records=400, seed=5))
    assert summary.fault is not None
    assert (summary.status, summary.fault["code"]) == (JobStatus.FAILED, "RUNNER_UNAVAILABLE")
    assert store.find("/") == []


def test_a_store_that_is_away_after_the_merge_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MemoryFileSystem
) -> None:
    settings, warnings = in_bucket(tmp_path / "db"), list[str]()
    monkeypatch.setattr(Observer, "on_warning", lambda _, sentence: warnings.append(sentence))
    gathered = _Run.gather

    def go_away(run: _Run) -> object:
        found = gathered(run)
        monkeypatch.setattr(MemoryFileSystem, "find", lambda *_, **__: (_ for _ in ()).throw(OSError("away")))
        return found

    monkeypatch.setattr(_Run, "gather", go_away)
    summary = run(settings, write_lines(tmp_path / "a.ndjson", records=400, seed=6))
    monkeypatch.undo()
    assert summary.fault is None
    assert warnings == [
        f"slices cannot be staged in {URL}/{JOB}: OSError: what workers staged is still there",
    ]
    assert store.find("/bucket")
    purge(Store(settings), days=0)
    assert store.find("/bucket") == []


@pytest.mark.usefixtures("store")
def test_a_request_to_cancel_in_the_store_reaches_a_worker_within_two_seconds(tmp_path: Path) -> None:
    bucket, folder = Bucket(f"{URL}/{JOB}"), JobFolder(tmp_path)
    with bucket.passing_cancel(folder):
        assert not folder.cancel_requested
        threading.Timer(0.2, bucket.request_cancel).start()
        began = time.monotonic()
        wait_until(lambda: folder.cancel_requested)
        assert time.monotonic() - began < 2
    bucket.discard_cancel()
    bucket.discard_cancel()
    assert fsspec.filesystem("memory").find("/bucket") == []


@pytest.mark.slow
def test_a_cancelled_job_stops_workers_that_see_the_store_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    monkeypatch.setattr(gather, "SLICE_BYTES", 1_000_000)
    path = tmp_path / "a.ndjson"
    path.write_text("".join(f'{{"email": "u{n}@example.com", "name": "{"x" * 100}"}}\n' for n in range(100_000)))
    settings = replace(settings_in(tmp_path / "db", f"dask={cluster.address}"), staging_url=f"file://{tmp_path}/store")
    folder = JobFolder(settings.jobs_folder / JOB)

    def cancel() -> None:
        wait_until(lambda: [*(tmp_path / "store").rglob("manifest.json")])
        folder.request_cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    summary = run(settings, path)
    thread.join()
    assert summary.status is JobStatus.CANCELED
    assert (tmp_path / "store" / JOB / "cancel").exists()
    time.sleep(3)  # a slice that was all but loaded is finished
    count = len([*(tmp_path / "store").rglob("manifest.json")])
    time.sleep(2)
    assert len([*(tmp_path / "store").rglob("manifest.json")]) == count < path.stat().st_size / 1_000_000


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket/a/b"])
def test_a_store_is_named_by_the_environment(url: str) -> None:
    settings = settings_from({"IMPORT_STAGING": url, "IMPORT_ROOTS": "/srv", "IMPORT_DATABASE": "/srv/users.duckdb"})
    assert (settings.staging, settings.staging_url) == (None, url)


@pytest.mark.parametrize(
    "url", ["s3://", "s3://bucket", "s3://bucket/", "https://a/b", "s3://key:secret@bucket/a", "ftp://b/c"]
)
def test_what_is_not_below_a_prefix_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="IMPORT_STAGING is ") as caught:
        settings_from({"IMPORT_STAGING": url})
    assert "secret" not in str(caught.value)


def test_a_store_without_its_client_is_a_fault_with_the_command_that_installs_it() -> None:
    with pytest.raises(JobFault, match="not installed") as caught, Bucket(URL)._open():
        raise ImportError
    assert "user-import[dask,remote]" in caught.value.hint
