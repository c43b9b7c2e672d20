"""Numbers in metadata are stored as the file has them, whatever its format, and come back that way after an undo."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.database import Store
from flows.store.diff import FieldChange, find_changes
from tests.flows.importing import import_file, query_rows

METADATA = '{"a":-0,"b":1.50,"c":[1e2,0.1000000000000000055511151231257827],"d":12345678901234567890123}'
RECORD = f'{{"email":"ann@example.com","user_metadata":{METADATA}}}'


def write(path: Path) -> Path:
    cells = {"email": ["ann@example.com"], "user_metadata": [METADATA]}
    match path.suffix:
        case ".csv":
            pl.DataFrame(cells).write_csv(path)
        case ".parquet":
            pl.DataFrame(cells).write_parquet(path)
        case _:
            path.write_text(f"[{RECORD}]" if path.suffix == ".json" else RECORD, encoding="utf-8")
    return path


def stored(settings: Settings) -> list[tuple[object, ...]]:
    return query_rows(settings, "select user_metadata::varchar from users")


@pytest.mark.parametrize("name", ["users.csv", "users.json", "users.ndjson", "users.parquet"])
def test_numbers_are_stored_as_every_format_has_them(settings: Settings, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    import_file(settings, path)
    assert stored(settings) == [(METADATA,)]
    assert import_file(settings, path).unchanged == 1


def test_an_undo_puts_numbers_back_as_they_were(settings: Settings, tmp_path: Path) -> None:
    import_file(settings, write(tmp_path / "users.ndjson"))
    other = tmp_path / "other.ndjson"
    other.write_text(json.dumps({"email": "ann@example.com", "user_metadata": {"a": 1}}), encoding="utf-8")
    assert import_file(settings, other, name="second").updated == 1
    undo("second", dry_run=False, settings=settings, job_id="undo")
    assert stored(settings) == [(METADATA,)]


def test_merged_metadata_keep_their_numbers(settings: Settings, tmp_path: Path) -> None:
    import_file(settings, write(tmp_path / "users.ndjson"))
    path = tmp_path / "other.ndjson"
    metadata = ['{"b":1.50,"a":-0}', '{"e":2.50,"c":null}', '{"f":[-0.0,"-0 \\"1.50\\""]}']
    for changes, patch in enumerate(metadata):
        path.write_text(f'{{"email":"ann@example.com","user_metadata":{patch}}}', encoding="utf-8")
        assert import_file(settings, path, metadata="merge").updated == min(changes, 1)
    merged = '{"a":-0,"b":1.50,"d":12345678901234567890123,"e":2.50,"f":[-0.0,"-0 \\"1.50\\""]}'
    assert stored(settings) == [(merged,)]


def test_metadata_that_are_merged_into_nothing_keep_their_numbers(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "users.ndjson"
    path.write_text('{"email":"ann@example.com","user_metadata":{"a":-0,"x":null,"b":1.50}}', encoding="utf-8")
    assert import_file(settings, path, metadata="merge").inserted == 1
    assert stored(settings) == [('{"a":-0,"b":1.50}',)]


MERGED = METADATA.removesuffix("}") + ',"e":2.50}'


@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_a_merge_its_plan_its_diff_and_its_undo_have_numbers_as_written(
    settings: Settings, tmp_path: Path, ending: str
) -> None:
    import_file(settings, write(tmp_path / "users.ndjson"))
    patch, plan = tmp_path / "patch.ndjson", tmp_path / f"plan.{ending}"
    patch.write_text('{"email":"ann@example.com","user_metadata":{"e":2.50}}', encoding="utf-8")
    import_file(settings, patch, name="merged", metadata="merge", plan=str(plan))
    assert stored(settings) == [(MERGED,)]
    text = str(pl.read_parquet(plan)["changes"].to_list()) if ending == "parquet" else plan.read_text("utf-8")
    assert METADATA in text.replace('""', '"')
    assert MERGED in text.replace('""', '"')
    (user,) = find_changes(Store(settings), "merged")
    assert user.changes == (FieldChange("user_metadata", METADATA, MERGED),)
    assert f'"old":{METADATA},"new":{MERGED}' in user.document
    assert import_file(settings, patch, metadata="merge").unchanged == 1
    undo("merged", dry_run=False, settings=settings, job_id="undo")
    assert stored(settings) == [(METADATA,)]


def test_a_new_user_that_is_merged_has_numbers_as_written(settings: Settings, tmp_path: Path) -> None:
    import_file(settings, write(tmp_path / "users.ndjson"), policy={"user_metadata": "merge"})
    assert stored(settings) == [(METADATA,)]
