"""A run reads and writes in the folders of `IMPORT_ROOTS` only, whatever its paths and links lead to."""

import os
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

import pytest

from flows.jobs.backup import back_up
from flows.readers import sources
from flows.report.rejects import write_rejects
from flows.settings import Settings, is_in_roots, settings_from
from flows.store.database import Store
from schemas.faults import FileFault
from schemas.job import JobStatus, JobSummary
from tests.flows.importing import import_file, import_records

OUTSIDE = "is outside of the folders that runs may use (IMPORT_ROOTS)"


@pytest.fixture
def rooted(settings: Settings) -> Settings:
    """Settings of runs that may use the folder of the database only."""
    return replace(settings, roots=(settings.database.parent,))


@pytest.fixture
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file outside of the roots."""
    path = tmp_path_factory.mktemp("secret") / "users.csv"
    path.write_text("email\nann@example.com\n")
    return path


def fault_of(summary: JobSummary) -> tuple[str, bool]:
    assert summary.fault is not None
    assert (summary.status, summary.total) == (JobStatus.FAILED, 0)
    return summary.fault["code"], OUTSIDE in summary.fault["message"]


def test_sources_in_the_roots_are_imported(rooted: Settings) -> None:
    assert import_records(rooted, [{"email": "ann@example.com"}]).inserted == 1


def test_source_outside_is_refused_be_it_there_or_not(rooted: Settings, secret: Path) -> None:
    for path in (secret, secret.parent, secret.with_name("none"), rooted.database.parent / ".." / ".." / "x.csv"):
        assert fault_of(import_file(rooted, path)) == ("FILE_UNREADABLE", True)


def test_path_with_a_null_character_leads_nowhere(tmp_path: Path) -> None:
    assert is_in_roots(Path("a\0b"), ())
    assert not is_in_roots(tmp_path / "a\0b", (tmp_path,))


def test_link_that_leads_outside_is_not_followed(rooted: Settings, secret: Path) -> None:
    link, folder = rooted.database.parent / "link.csv", rooted.database.parent / "folder"
    link.symlink_to(secret)
    folder.mkdir()
    (folder / "users.csv").symlink_to(secret)
    for path in (link, folder):
        assert fault_of(import_file(rooted, path)) == ("FILE_UNREADABLE", True)


@pytest.mark.parametrize("target", ["users.csv", "none.csv"])
def test_link_in_a_folder_is_refused_by_its_name_whether_or_not_it_leads_to_a_file(
    rooted: Settings, secret: Path, target: str
) -> None:
    folder = rooted.database.parent / "folder"
    folder.mkdir()
    (folder / "link.csv").symlink_to(secret.with_name(target))
    fault = import_file(rooted, folder).fault
    assert fault is not None
    assert fault["message"] == f"{folder / 'link.csv'} {OUTSIDE}"


@pytest.mark.parametrize("place", [0, 9])
def test_link_that_is_swapped_in_before_the_opening_is_not_read(
    rooted: Settings, secret: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Whether the file is held open or, as one of many, only for a moment: what was opened is looked at."""
    folder = rooted.database.parent / "folder"
    folder.mkdir()
    paths = [folder / f"{number}.csv" for number in range(10)]
    for number, path in enumerate(paths):
        path.write_text(f"email\nuser{number}@example.com\n")
    open_source = sources.open_source

    def swap(path: Path, *, to_link: bool) -> None:
        path.unlink()
        path.symlink_to(secret) if to_link else path.write_text("email\neve@example.com\n")

    def open_swapped(source: sources.Source) -> BufferedReader:
        if source.path != paths[place]:
            return open_source(source)
        swap(paths[place], to_link=True)
        opened = open_source(source)
        swap(paths[place], to_link=False)
        return opened

    monkeypatch.setattr(sources, "open_source", open_swapped)
    assert fault_of(import_file(rooted, folder)) == ("FILE_UNREADABLE", True)


def test_outputs_outside_are_refused(rooted: Settings, secret: Path) -> None:
    job = import_records(rooted, [{"email": "x"}, {"email": "ann@example.com"}])
    summary = import_records(rooted, [{"email": "bo@example.com"}], plan=str(secret.with_name("plan.csv")))
    assert fault_of(summary) == ("FILE_UNREADABLE", True)
    for write in (
        lambda: write_rejects(Store(rooted), job.job_id, secret.with_name("fix.csv")),
        lambda: back_up(Store(rooted), secret.with_name("backup.duckdb")),
    ):
        with pytest.raises(FileFault, match="is outside of the folders"):
            write()
    assert [path.name for path in secret.parent.iterdir()] == ["users.csv"]


def test_database_outside_of_the_variable_is_refused(tmp_path: Path) -> None:
    roots = os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])
    found = settings_from({"IMPORT_ROOTS": roots, "IMPORT_DATABASE": str(tmp_path / "b" / "users.duckdb")})
    assert found.roots == (tmp_path / "a", tmp_path / "b")
    for database in (tmp_path / "users.duckdb", tmp_path / "a" / ".." / "users.duckdb", Path("users.duckdb")):
        with pytest.raises(ValueError, match="is outside of the folders"):
            settings_from({"IMPORT_ROOTS": roots}, database=database)
    assert settings_from({}, roots=[tmp_path], database=tmp_path / "users.duckdb").roots == (tmp_path,)
    assert settings_from({}).roots == ()
