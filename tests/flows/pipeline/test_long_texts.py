"""Users with long metadata are logged and put back as they were, without DuckDB's dictionary compression."""

from pathlib import Path

import pytest

from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.database import Store
from schemas.job import Mode
from tests.flows.importing import import_records, read_users


def user(number: int, word: str, *, repeated: int) -> dict[str, object]:
    """Return a user with that many notes as metadata."""
    notes = {f"note {place}": f"{word} {number} {place}" for place in range(repeated)}
    return {"email": f"{number}@x.example", "user_id": f"u-{number}", "user_metadata": notes}


def compressions(settings: Settings) -> set[str]:
    """Return how DuckDB compresses the texts in the logged rows."""
    with Store(settings).reading() as connection:
        found = connection.execute(
            "select distinct compression from pragma_storage_info('user_changes')"
            " where column_name = 'row_before' and segment_type = 'VARCHAR'"
        ).fetchall()
    return {str(compression) for (compression,) in found}


@pytest.mark.parametrize(("repeated", "has_dictionaries"), [(3, True), (300, False)])
def test_rows_are_logged_and_put_back(tmp_path: Path, *, repeated: int, has_dictionaries: bool) -> None:
    settings = Settings(database=tmp_path / "users.duckdb")
    import_records(settings, [user(number, "first", repeated=repeated) for number in range(50)], name="first")
    before = read_users(settings)
    second = [user(number, "second", repeated=repeated) for number in range(50)]
    assert import_records(settings, second, name="second", mode=Mode.UPSERT).updated == 50
    assert ("DICT_FSST" in compressions(settings)) is has_dictionaries
    assert undo("second", dry_run=False, settings=settings, job_id="undo").kept == 0
    assert read_users(settings) == before
    assert ("DICT_FSST" in compressions(settings)) is has_dictionaries
