"""A file that changes while it is read is refused; one that is replaced by another is read to its end."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.readers.sources import MOST_HELD, Source
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.job import JobStatus, JobSummary
from schemas.options import JobOptions
from tests.flows.importing import query_rows


@dataclass
class Changing(Observer):
    """Changes a file when the job has opened it, or when it has loaded it."""

    change: Callable[[], object]
    at: JobStatus | None = None

    def on_open(self, sources: Sequence[Source]) -> None:  # noqa: ARG002 - of the observer
        if self.at is None:
            self.change()

    def on_phase(self, status: JobStatus) -> None:
        if self.at == status:
            self.change()


def run(
    settings: Settings, sources: Sequence[Path], change: Callable[[], object], at: JobStatus | None = None
) -> JobSummary:
    options = JobOptions(sources=tuple(map(str, sources)))
    return run_job(options, settings=settings, job_id=str(uuid.uuid4()), observer=Changing(change, at))


def replace_file(path: Path, text: str) -> None:
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_text("email\nann@example.com\n")
    return path


@pytest.mark.parametrize("at", [None, JobStatus.LOADING, JobStatus.READY])
def test_file_that_is_replaced_is_imported_as_it_was_opened(
    settings: Settings, users: Path, at: JobStatus | None
) -> None:
    summary = run(settings, [users], lambda: replace_file(users, "email\nbob@example.com\n"), at)
    assert summary.status is JobStatus.COMPLETED
    assert query_rows(settings, "select email from users") == [("ann@example.com",)]
    again = run(settings, [users], lambda: None)  # the hash was not that of the new file
    assert again.job_id != summary.job_id
    assert query_rows(settings, "select email from users order by 1") == [("ann@example.com",), ("bob@example.com",)]


@pytest.mark.parametrize("at", [None, JobStatus.LOADING])
@pytest.mark.parametrize("ending", ["users.csv", "users.parquet"])
def test_file_that_is_appended_to_while_it_is_read_is_refused(
    settings: Settings, users: Path, at: JobStatus | None, ending: str
) -> None:
    if ending == "users.parquet":
        sample = Path(__file__).parents[3] / "data/samples/users.parquet"
        users = users.with_name(ending)
        users.write_bytes(sample.read_bytes())

    def append() -> None:
        with users.open("a") as file:
            file.write("bob@example.com\n")

    summary = run(settings, [users], append, at)
    assert summary.fault is not None
    assert summary.fault["code"] == ErrorCode.FILE_CHANGED
    assert query_rows(settings, "select count(*) from users") == [(0,)]


def test_parquet_file_that_is_replaced_is_imported_as_it_was_opened(settings: Settings, tmp_path: Path) -> None:
    sample, path = Path(__file__).parents[3] / "data/samples/users.parquet", tmp_path / "users.parquet"
    path.write_bytes(sample.read_bytes())
    assert run(settings, [path], lambda: replace_file(path, "not Parquet")).inserted > 0


def test_any_of_many_files_that_is_replaced_is_noticed(settings: Settings, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number:02}.csv" for number in range(MOST_HELD + 2)]
    for number, path in enumerate(paths):
        path.write_text(f"email\n{number}@example.com\n")
    summary = run(settings, paths, lambda: replace_file(paths[-1], "email\nbob@example.com\n"))
    assert summary.fault is not None
    assert summary.fault["code"] == ErrorCode.FILE_CHANGED


def test_file_that_is_removed_while_it_is_read_is_imported(settings: Settings, users: Path) -> None:
    assert run(settings, [users], users.unlink).status is JobStatus.COMPLETED
