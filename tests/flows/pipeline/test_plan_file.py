"""The plan of a job as a file: one line per row with what it would change, without secrets."""

import json
from pathlib import Path
from uuid import UUID

import polars as pl
import pytest

from flows.settings import Settings
from schemas.job import JobStatus
from tests.flows.importing import import_records, read_users

HASH = f"$2b$10${'a' * 53}"
ADA = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada", "password_hash": HASH}
BOB = {"email": "bob@x.example", "user_id": "u-bob"}
ROWS = [
    {**ADA, "name": "=1+1", "password_hash": HASH.replace("a", "b")},
    BOB,
    {"email": "cyd@x.example"},
    {"email": "ada@x.example", "user_id": "u-bob"},
    {"email": "nobody", "name": ""},
]


@pytest.fixture
def folder(settings: Settings) -> Path:
    """Return the folder of a database with Ada and Bob."""
    import_records(settings, [ADA, BOB])
    return settings.database.parent


def test_every_row_has_a_line(settings: Settings, folder: Path) -> None:
    path = folder / "plan.ndjson"
    import_records(settings, ROWS, dry_run=True, plan=str(path), policy={"password_hash": "replace"})
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    new_user = str(UUID(lines[2]["user_id"]))
    assert [(line["record"], line["line"], line["outcome"], line["user_id"], line["matched_by"]) for line in lines] == [
        (1, 1, "update", "u-ada", "email, user_id"),
        (2, 2, "unchanged", "u-bob", "email, user_id"),
        (3, 3, "insert", new_user, None),
        (4, 4, "refused", None, "email, user_id"),
        (5, 5, "refused", None, None),
    ]
    hidden = {"field": "password_hash", "old": "*****", "new": "*****"}
    assert lines[0]["changes"] == [{"field": "name", "old": "Ada", "new": "=1+1"}, hidden]
    assert [line["codes"] for line in lines[3:]] == [["CONFLICT", "DUPLICATED_USER"], ["FORMAT", "MIN_LENGTH"]]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_csv_plan_has_the_same_content_in_cells(settings: Settings, folder: Path) -> None:
    path = folder / "plan.csv"
    import_records(settings, ROWS, dry_run=True, plan=str(path), policy={"password_hash": "replace"})
    table = pl.read_csv(path)
    assert table["outcome"].to_list() == ["update", "unchanged", "insert", "refused", "refused"]
    assert table["changes"][0] == "name: Ada → =1+1; password_hash: changed"
    assert table["codes"][3] == "CONFLICT; DUPLICATED_USER"


@pytest.mark.parametrize("name", ["plan.xlsx", "plan", "nowhere/plan.csv"])
def test_a_plan_that_cannot_be_written_stops_the_job_before_it_reads(
    settings: Settings, folder: Path, name: str
) -> None:
    before = read_users(settings)
    job = import_records(settings, ROWS, plan=str(folder / name))
    assert (job.status, job.total) == (JobStatus.FAILED, 0)
    assert read_users(settings) == before


def test_a_plan_that_exceeds_a_threshold_is_written_too(settings: Settings, folder: Path) -> None:
    path = folder / "plan.parquet"
    job = import_records(settings, ROWS, plan=str(path), max_errors=1)
    assert job.status is JobStatus.FAILED
    assert pl.read_parquet(path).height == len(ROWS)
