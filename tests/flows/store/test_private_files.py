"""A file is written whole or not at all, and is private."""

from pathlib import Path

import pytest

from flows.store.private_files import atomic_write


def test_a_written_file_replaces_the_previous_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("old")
    with atomic_write(path) as temp:
        assert temp.suffix == ".csv"
        temp.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [path]


def test_an_error_leaves_the_previous_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), atomic_write(path) as temp:
        temp.write_text("new \ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]
