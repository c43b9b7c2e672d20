"""The files in `data/samples` get the errors listed beside them, in every format."""

import json
from pathlib import Path

import pytest

from flows.settings import Settings
from flows.store.database import Store
from flows.store.jobs import find_errors
from schemas.job import JobStatus, Mode
from tests.flows.importing import import_file, query_rows
from tests.samples.people import CLEAN, FAULTY

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
FORMATS = ("json", "ndjson", "csv", "parquet", "xlsx")


@pytest.mark.parametrize("form", FORMATS)
def test_faulty_users_get_the_errors_listed_beside_them(settings: Settings, form: str) -> None:
    summary = import_file(settings, SAMPLES / f"faulty.{form}", Mode.INSERT)
    found = [(e["record"], e["line"], e["code"], e["path"]) for e in find_errors(Store(settings), summary.job_id)]
    lines = (SAMPLES / f"faulty.{form}.expected.ndjson").read_text(encoding="utf-8").splitlines()
    expected = [(e["record"], e["line"], e["code"], e["path"]) for e in map(json.loads, lines)]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert summary.status is JobStatus.COMPLETED_WITH_ERRORS
    assert summary.failed == len({record for record, *_ in expected})
    assert summary.inserted + summary.failed == summary.total


@pytest.mark.parametrize("form", FORMATS)
def test_clean_users_are_stored_completely(settings: Settings, form: str) -> None:
    summary = import_file(settings, SAMPLES / f"users.{form}", Mode.INSERT)
    assert (summary.status, summary.inserted, summary.total) == (JobStatus.COMPLETED, len(CLEAN), len(CLEAN))
    stored = query_rows(settings, "select email, username, given_name, blocked, user_metadata::varchar from users")
    given = [
        (
            user["email"],
            user.get("username"),
            user.get("given_name"),
            user.get("blocked"),
            json.dumps(user["user_metadata"], ensure_ascii=False, separators=(",", ":"))
            if "user_metadata" in user
            else None,
        )
        for user in CLEAN
    ]
    assert sorted(stored, key=str) == sorted(given, key=str)


def test_the_samples_show_most_codes() -> None:
    assert len({code for person in FAULTY for code, _ in person.errors}) >= 18
