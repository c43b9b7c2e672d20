"""A lock on a file is exclusive and ends with its block; each database has its own slots."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.settings import Settings
from flows.store.locks import file_lock, is_locked, slot, try_file_lock
from schemas.job import Mode
from tests.flows.importing import import_records
from tests.population import user


def test_a_locked_file_cannot_be_locked_again_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    with file_lock(path):
        assert is_locked(path)
        with try_file_lock(path) as is_acquired:
            assert not is_acquired
    assert not is_locked(path)
    with try_file_lock(path) as is_acquired:
        assert is_acquired
        assert is_locked(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_in_a_missing_folder_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), file_lock(tmp_path / "missing" / "lock"):
        pass


def test_each_database_has_its_own_slots_for_a_connection(settings: Settings) -> None:
    second = replace(settings, database=settings.database.with_name("second.duckdb"))
    with slot(settings, connection="default"), slot(settings, connection="default"):
        assert import_records(second, [user(1)], Mode.INSERT).inserted == 1
        refused = import_records(settings, [user(1)], Mode.INSERT)
    assert refused.fault is not None
    assert refused.fault["code"] == "TOO_MANY_JOBS"
