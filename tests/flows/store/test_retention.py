"""A purge removes what is past retention, and names what it may not remove."""

import json

from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.retention import purge
from schemas.job import Mode
from tests.flows.importing import change_database, import_records, query_rows, read_users
from tests.flows.other_user import folder_for_all, give_to_nobody, needs_root, run_as_nobody
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


def test_a_purge_keeps_errors_without_the_keys_of_their_rows(settings: Settings) -> None:
    job = import_records(settings, [user(1), {"email": "no address"}], Mode.INSERT).job_id
    assert query_rows(settings, "select key from import_errors") == [("no address",)]
    assert purge(Store(settings), days=0).jobs == (job,)
    assert query_rows(settings, "select key, code from import_errors") == [(None, "FORMAT")]


@needs_root
def test_a_purge_names_the_folder_of_another_owner_and_tries_again_next_time() -> None:
    with folder_for_all() as settings:
        job = import_records(settings, [user(1), user(1)], Mode.INSERT).job_id
        folder = settings.jobs_folder / job
        give_to_nobody(settings.database.parent, but=folder)
        purging = ("flows.jobs", "purge", "--days", "0", "--json", "--database", settings.database)
        for extra in ([], ["--dry-run"]):
            done = run_as_nobody("-m", *purging, *extra)
            assert done.returncode == 1, done.stderr
            found = {"jobs": [], "rejected_users": 0, "files": [], "left": [str(folder)], "dry_run": bool(extra)}
            assert json.loads(done.stdout) == found
        assert folder.exists()
        assert query_rows(settings, "select purged_at, (select count(*) from rejected_users) from import_jobs") == [
            (None, 1)
        ]
        assert purge(Store(settings), days=0).jobs == (job,)
        assert not folder.exists()


def test_a_purge_leaves_a_folder_that_a_process_still_holds(settings: Settings) -> None:
    job = import_records(settings, [user(1), user(1)], Mode.INSERT).job_id
    with JobFolder(settings.jobs_folder / job).locked():
        assert purge(Store(settings), days=0).jobs == ()
        assert purge(Store(settings), days=0, dry_run=True).jobs == ()
    assert purge(Store(settings), days=0).jobs == (job,)
