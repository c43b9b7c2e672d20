"""A purge removes what is past retention; a forgotten user is erased down to the bytes of the files."""

from dataclasses import replace

import pytest

from flows.settings import Settings
from flows.store.database import Store
from flows.store.database_file import temp_path
from flows.store.retention import forget, purge
from schemas.job import Mode
from tests.flows.importing import change_database, import_records, query_rows, read_users
from tests.population import user


def test_a_purge_removes_the_data_of_old_jobs_and_keeps_their_rows(settings: Settings) -> None:
    old = import_records(settings, [user(1), user(1)], Mode.INSERT, name="old")
    new = import_records(settings, [user(2), user(2)], Mode.INSERT)
    change_database(settings, "update import_jobs set finished_at = now() - interval 8 day where job_id = 'old'")
    users = read_users(settings)
    planned = purge(Store(settings), dry_run=True)
    assert (planned.jobs, planned.rejected_users) == ((old.job_id,), 1)
    assert (settings.jobs_folder / old.job_id).exists()
    assert purge(Store(settings)) == planned
    assert not (settings.jobs_folder / old.job_id).exists()
    assert (settings.jobs_folder / new.job_id).exists()
    assert query_rows(settings, "select job_id from rejected_users") == [(new.job_id,)]
    assert len(query_rows(settings, "select job_id from import_jobs")) == 2
    assert read_users(settings) == users
    assert purge(Store(settings)).jobs == ()


@pytest.mark.parametrize("key", ["hidden@example.com", "u-hidden", "HIDDEN_name"])
def test_a_forgotten_user_is_in_no_byte_of_any_file(settings: Settings, key: str) -> None:
    person = {"email": "Hidden@example.com", "user_id": "u-hidden", "username": "hidden_name"}
    import_records(settings, [person | {"name": "Hidden One"}, user(1)], Mode.INSERT)
    import_records(settings, [person | {"name": "Hidden Two"}, user(2)], Mode.UPSERT)
    import_records(settings, [person, user(3)], Mode.INSERT)
    others = [row for row in read_users(settings) if row["user_id"] != "u-hidden"]
    assert forget(Store(settings), key).rows > 0
    assert read_users(settings) == others
    assert len(others) == 3
    left = [
        path
        for path in settings.database.parent.rglob("*")
        if path.is_file() and path.suffix != ".ndjson" and b"idden" in path.read_bytes()
    ]
    assert left == []
    assert sorted(query_rows(settings, "select view_name from duckdb_views() where not internal"))


def test_forgetting_a_user_keeps_users_whose_id_begins_alike(settings: Settings) -> None:
    import_records(settings, [user(1), user(10), user(10)], Mode.INSERT)
    forget(Store(settings), "u-1")
    assert query_rows(settings, "select user_id from users") == [("u-10",)]
    assert len(query_rows(settings, "select * from rejected_users")) == 1


def test_the_database_is_private_and_usable_after_forgetting(settings: Settings) -> None:
    import_records(settings, [user(1), user(2)], Mode.INSERT)
    forget(Store(settings), "u-1")
    assert settings.database.stat().st_mode & 0o777 == 0o600
    assert not temp_path(settings.database).exists()
    assert import_records(settings, [user(1)], Mode.INSERT).inserted == 1
    assert query_rows(settings, "select count(*) from job_overview") == [(2,)]


def test_databases_in_one_folder_do_not_touch_the_jobs_of_another(settings: Settings) -> None:
    second = replace(settings, database=settings.database.with_name("second.duckdb"))
    jobs = {
        database: import_records(database, [user(1), user(1)], Mode.INSERT).job_id for database in (settings, second)
    }
    import_records(settings, [user(2)], Mode.INSERT)
    assert all((settings.jobs_folder / job).exists() for job in jobs.values())
    assert forget(Store(second), "u-1").jobs == (jobs[second],)
    assert (settings.jobs_folder / jobs[settings]).exists()
    renamed = replace(settings, database=settings.database.rename(settings.database.with_name("renamed.duckdb")))
    for database in (second, renamed):
        import_records(database, [user(3)], Mode.INSERT)
    assert forget(Store(renamed), "u-1").jobs == (jobs[settings],)
