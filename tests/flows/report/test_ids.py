"""The id map of a job: which records it has, in every format, and when there is none."""

import shutil
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.pipeline.undo import undo
from flows.report.ids import write_ids
from flows.settings import Settings
from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.faults import Fault
from schemas.job import Mode
from tests.flows.importing import import_file, import_records, query_rows

BEFORE = [{"email": "a@x.example", "user_id": "u-a"}, {"email": "b@x.example", "user_id": "u-b", "name": "B"}]
RECORDS = [
    {"email": "a@x.example", "name": "A", "source_id": "=17"},
    {"email": "b@x.example", "name": "B"},
    {"email": "no address"},
    {"email": "c@x.example", "user_id": "u-c"},
    {"email": "d@x.example", "user_id": "u-d", "source_id": "0018"},
    {"email": "e@x.example"},
    {"email": "c@x.example"},
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(database=tmp_path / "users.duckdb")
    import_records(settings, BEFORE, Mode.INSERT)
    import_records(settings, RECORDS, name="job")
    return settings


def read(path: Path) -> pl.DataFrame:
    match path.suffix:
        case ".csv":
            return pl.read_csv(path, schema_overrides={"source_id": pl.String})
        case ".ndjson":
            return pl.read_ndjson(path)
        case _:
            return pl.read_parquet(path)


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_users_that_were_inserted_updated_or_unchanged_have_their_ids(settings: Settings, ending: str) -> None:
    path = settings.database.parent / f"ids.{ending}"
    assert write_ids(Store(settings), "job", path).records == 5
    ((generated,),) = query_rows(settings, "select user_id from users where email = 'e@x.example'")
    guard = "'" if ending == "csv" else ""
    expected = pl.DataFrame(
        {
            "record": [1, 2, 4, 5, 6],
            "line": [1, 2, 4, 5, 6],
            "source_id": [f"{guard}=17", None, "u-c", "0018", None],
            "user_id": ["u-a", "u-b", "u-c", "u-d", generated],
            "outcome": ["update", "unchanged", "insert", "insert", "insert"],
        }
    )
    found = read(path)
    assert found["source"].str.ends_with(".ndjson").all()
    assert_frame_equal(found.drop("source"), expected)
    assert UUID(str(generated)).version == 8


def test_a_plan_shows_the_id_that_an_insert_gives(settings: Settings, tmp_path: Path) -> None:
    plan = tmp_path / "plan.ndjson"
    import_records(settings, [{"email": "f@x.example"}, {"email": "g"}], name="planned", plan=str(plan))
    ((generated,),) = query_rows(settings, "select user_id from users where email = 'f@x.example'")
    assert pl.read_ndjson(plan).select("outcome", "user_id").rows() == [("insert", generated), ("refused", None)]


def test_each_record_names_its_own_file(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in {
        "1.ndjson": '{"email":"h@x.example"}\n',
        "2.json": "[]",
        "3.csv": "email\ni@x.example\n",
    }.items():
        (folder / name).write_text(text)
    import_file(settings, folder, name="files")
    write_ids(Store(settings), "files", tmp_path / "ids.parquet")
    sources = pl.read_parquet(tmp_path / "ids.parquet")["source"]
    assert [Path(source).name for source in sources] == ["1.ndjson", "3.csv"]


def test_a_job_that_merged_no_users_has_no_ids(settings: Settings, tmp_path: Path) -> None:
    import_records(settings, [{"email": "f@x.example"}], name="dry", dry_run=True)
    undo("job", dry_run=False, settings=settings, job_id="undo")
    for job in ("dry", "undo"):
        assert write_ids(Store(settings), job, tmp_path / "ids.csv").records == 0
    assert not (tmp_path / "ids.csv").exists()


def test_a_job_whose_records_are_purged_has_no_ids_any_more(settings: Settings, tmp_path: Path) -> None:

    shutil.rmtree(settings.jobs_folder / "job")
    with pytest.raises(Fault) as raised:
        write_ids(Store(settings), "job", tmp_path / "ids.csv")
    assert raised.value.code is ErrorCode.STAGED_PURGED


@pytest.mark.parametrize("name", ["ids.xlsx", "ids", "ids.json"])
def test_a_name_without_the_ending_of_a_format_is_refused(settings: Settings, tmp_path: Path, name: str) -> None:
    with pytest.raises(Fault, match="is not a valid name for an id map"):
        write_ids(Store(settings), "job", tmp_path / name)
