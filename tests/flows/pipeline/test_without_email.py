"""Users without an e-mail address are imported, matched, changed, undone and forgotten."""

from pathlib import Path

import pytest

from flows.jobs.forget import forget
from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.forget import WantedUser
from schemas.connection import ConnectionSettings
from schemas.job import JobSummary, Mode
from tests.flows.importing import Record, import_records, query_rows

USERS: tuple[Record, ...] = (
    {"username": "Ann", "phone_number": "+491"},
    {"username": "ben", "phone_number": "+491", "user_id": "u-2"},
    {"user_id": "u-3", "phone_number": "+493"},
    {"user_id": "u-4", "phone_number": "+494"},
)
NAMES = "select username, user_id from users where starts_with(user_id, 'u-') order by user_id"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(database=tmp_path / "users.duckdb")
    Store(settings).prepare()
    add_connection(Store(settings), ConnectionSettings(connection="shop", required="phone_number"))
    return settings


def imported(settings: Settings, *records: Record, mode: Mode = Mode.UPSERT, name: str | None = None) -> JobSummary:
    return import_records(settings, records, mode, name=name, connection="shop")


def test_users_without_an_address_are_no_duplicates_of_one_another(settings: Settings) -> None:
    assert imported(settings, *USERS, mode=Mode.INSERT).counts == "4 inserted, 0 updated, 0 unchanged, 0 failed of 4"
    assert query_rows(settings, NAMES) == [("ben", "u-2"), (None, "u-3"), (None, "u-4")]


def test_users_without_an_address_are_matched_by_their_other_keys(settings: Settings) -> None:
    imported(settings, *USERS, mode=Mode.INSERT)
    again = imported(settings, {**USERS[0], "username": "ANN", "name": "A"}, {**USERS[2], "name": "C"}, USERS[1])
    assert again.counts == "0 inserted, 2 updated, 1 unchanged, 0 failed of 3"
    assert query_rows(settings, "select name from users order by name nulls last") == [("A",), ("C",), (None,), (None,)]


def test_a_conflict_of_a_user_without_an_address_is_named_by_its_key(settings: Settings) -> None:
    imported(settings, *USERS, mode=Mode.INSERT)
    imported(settings, *USERS[1:3], {**USERS[0], "username": "ann"}, mode=Mode.INSERT, name="again")
    errors = query_rows(
        settings, "select key, code, path from import_errors where job_id = 'again' order by record, path"
    )
    assert errors == [
        ("u-2", "CONFLICT", "user_id"),
        ("u-2", "CONFLICT_USERNAME", "username"),
        ("u-3", "CONFLICT", "user_id"),
        ("ann", "CONFLICT_USERNAME", "username"),
    ]


def test_a_row_with_nothing_to_match_by_is_refused(settings: Settings) -> None:
    imported(settings, *USERS, {"phone_number": "+495"}, name="job")
    errors = query_rows(settings, "select record, key, code, path, message from import_errors")
    sentence = "is missing, as are user_id and username; a user is matched by one of them"
    assert errors == [(5, None, "OBJECT_REQUIRED", "email", sentence)]


def test_changes_of_users_without_an_address_are_undone(settings: Settings) -> None:
    imported(settings, *USERS, mode=Mode.INSERT, name="first")
    before = query_rows(settings, "from users order by user_id")
    imported(settings, {**USERS[2], "name": "C"}, {"username": "eve", "phone_number": "+1"}, name="second")
    undo("second", dry_run=False, settings=settings, job_id="undo second")
    assert query_rows(settings, "from users order by user_id") == before
    undo("first", dry_run=False, settings=settings, job_id="undo first")
    assert query_rows(settings, "select count(*) from users") == [(0,)]


def test_only_the_wanted_user_without_an_address_is_forgotten(settings: Settings) -> None:
    imported(settings, *USERS, mode=Mode.INSERT)
    imported(settings, *({**record, "name": "N"} for record in USERS))
    forget(Store(settings), WantedUser("u-3", "user_id"), connection_id="shop")
    assert query_rows(settings, NAMES) == [("ben", "u-2"), (None, "u-4")]
    assert query_rows(settings, "select count(*) from user_changes") == [(3,)]


def test_another_connection_still_requires_an_address(settings: Settings) -> None:
    assert import_records(settings, USERS[:1]).errors_by_code == {"OBJECT_REQUIRED": 1}
