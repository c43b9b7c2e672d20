"""A purge removes what is past retention; a forgotten user is erased down to the bytes of the files."""

from dataclasses import replace

import pytest

from flows.settings import Settings
from flows.store.database import Store
from flows.store.database_file import temp_path
from flows.store.retention import forget, purge
from schemas.job import Mode
from tests.flows.importing import asked, edited, imported, users_of
from tests.population import user


def test_a_purge_removes_the_data_of_old_jobs_and_keeps_their_rows(settings: Settings) -> None:
    old = imported(settings, [user(1), user(1)], Mode.INSERT, name="old")
    new = imported(settings, [user(2), user(2)], Mode.INSERT)
    edited(settings, "update import_jobs set finished_at = now() - interval 8 day where job_id = 'old'")
    users = users_of(settings)
    planned = purge(Store(settings), dry_run=True)
    assert (planned.jobs, planned.rejected_users) == ((old.job_id,), 1)
    assert (settings.jobs_folder / old.job_id).exists()
    assert purge(Store(settings)) == planned
    assert not (settings.jobs_folder / old.job_id).exists()
    assert (settings.jobs_folder / new.job_id).exists()
    assert asked(settings, "select job_id from rejected_users") == [(new.job_id,)]
    assert len(asked(settings, "select job_id from import_jobs")) == 2
    assert users_of(settings) == users
    assert purge(Store(settings)).jobs == ()


@pytest.mark.parametrize("key", ["hidden@example.com", "u-hidden", "HIDDEN_name"])
def test_a_forgotten_user_is_in_no_byte_of_any_file(settings: Settings, key: str) -> None:
    person = {"email": "Hidden@example.com", "user_id": "u-hidden", "username": "hidden_name"}
    imported(settings, [person | {"name": "Hidden One"}, user(1)], Mode.INSERT)
    imported(settings, [person | {"name": "Hidden Two"}, user(2)], Mode.UPSERT)
    imported(settings, [person, user(3)], Mode.INSERT)
    others = asked(settings, "from users where user_id <> 'u-hidden' order by connection, user_id")
    assert forget(Store(settings), key).rows > 0
    assert users_of(settings) == others
    assert len(others) == 3
    left = [
        path
        for path in settings.database.parent.rglob("*")
        if path.is_file() and path.suffix != ".ndjson" and b"idden" in path.read_bytes()
    ]
    assert left == []
    assert sorted(asked(settings, "select view_name from duckdb_views() where not internal"))


def test_forgetting_a_user_keeps_users_whose_id_begins_alike(settings: Settings) -> None:
    imported(settings, [user(1), user(10), user(10)], Mode.INSERT)
    forget(Store(settings), "u-1")
    assert asked(settings, "select user_id from users") == [("u-10",)]
    assert len(asked(settings, "select * from rejected_users")) == 1


def test_the_database_is_private_and_usable_after_forgetting(settings: Settings) -> None:
    imported(settings, [user(1), user(2)], Mode.INSERT)
    forget(Store(settings), "u-1")
    assert settings.database.stat().st_mode & 0o777 == 0o600
    assert not temp_path(settings.database).exists()
    assert imported(settings, [user(1)], Mode.INSERT).inserted == 1
    assert asked(settings, "select count(*) from job_overview") == [(2,)]


def test_databases_in_one_folder_do_not_touch_the_jobs_of_another(settings: Settings) -> None:
    second = replace(settings, database=settings.database.with_name("second.duckdb"))
    jobs = {database: imported(database, [user(1), user(1)], Mode.INSERT).job_id for database in (settings, second)}
    imported(settings, [user(2)], Mode.INSERT)
    assert all((settings.jobs_folder / job).exists() for job in jobs.values())
    assert forget(Store(second), "u-1").jobs == (jobs[second],)
    assert (settings.jobs_folder / jobs[settings]).exists()
    renamed = replace(settings, database=settings.database.rename(settings.database.with_name("renamed.duckdb")))
    for database in (second, renamed):
        imported(database, [user(3)], Mode.INSERT)
    assert forget(Store(renamed), "u-1").jobs == (jobs[settings],)
