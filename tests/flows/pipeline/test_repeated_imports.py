"""What a completed job has imported is not imported twice, as long as no other job has changed the users since."""

from collections.abc import Callable, Mapping

import pytest

from flows.pipeline.undo import undo
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.retention import purge
from schemas.connection import ConnectionSettings
from schemas.job import JobSummary, Mode
from tests.flows.importing import import_file, import_records, read_users

STATES: Mapping[str, str] = {
    "a": "email,user_id,name\nada@x.example,u-ada,Ada\n",
    "b": "email,user_id,name\nada@x.example,u-ada,Ada Lund\n",
}


def import_state(settings: Settings, state: str, *, dry_run: bool = False) -> JobSummary:
    """Import a file with that state of the users, unless it has been imported."""
    path = settings.database.parent / f"{state}.csv"
    path.write_text(STATES[state])
    return import_file(settings, path, again=False, dry_run=dry_run)


def name_of_ada(settings: Settings) -> object:
    return read_users(settings)[0]["name"]


def test_a_file_that_returns_to_an_earlier_state_is_imported(settings: Settings) -> None:
    first = import_state(settings, "a")
    assert import_state(settings, "a") == first
    second = import_state(settings, "b")
    assert import_state(settings, "b") == second
    third = import_state(settings, "a")
    assert (third.updated, name_of_ada(settings)) == (1, "Ada")
    assert import_state(settings, "a") == third
    assert (import_state(settings, "b").updated, name_of_ada(settings)) == (1, "Ada Lund")


def insert_another_user(settings: Settings) -> None:
    import_records(settings, [{"email": "bob@x.example"}], Mode.INSERT)


def undo_an_earlier_job(settings: Settings) -> None:
    undo("earlier", dry_run=False, settings=settings, job_id="undo")


def fail_a_threshold(settings: Settings) -> None:
    import_records(settings, [{"email": "ada@x.example", "name": "X"}, {"email": "no"}], max_errors=0)


def look_only(settings: Settings) -> None:
    import_records(settings, [{"email": "ada@x.example", "name": "X"}], dry_run=True)


def change_nothing(settings: Settings) -> None:
    import_records(settings, [{"email": "ada@x.example", "name": "Ada"}, {"email": "no"}])


def change_another_connection(settings: Settings) -> None:
    add_connection(Store(settings), ConnectionSettings(connection="crm"))
    import_records(settings, [{"email": "ada@x.example", "name": "X"}], connection="crm")


def purge_everything(settings: Settings) -> None:
    purge(Store(settings), days=0)


@pytest.mark.parametrize(
    ("meanwhile", "is_imported"),
    [
        (insert_another_user, True),
        (undo_an_earlier_job, True),
        (fail_a_threshold, False),
        (look_only, False),
        (change_nothing, False),
        (change_another_connection, False),
        (purge_everything, False),
    ],
)
def test_only_a_job_that_changed_users_of_the_connection_counts(
    settings: Settings, meanwhile: Callable[[Settings], None], is_imported: bool
) -> None:
    import_records(settings, [{"email": "eve@x.example"}], name="earlier")
    first = import_state(settings, "a")
    meanwhile(settings)
    assert (import_state(settings, "a") != first) is is_imported


def test_a_dry_run_is_never_answered_with_an_earlier_job_and_does_not_count_as_one(settings: Settings) -> None:
    looked = import_state(settings, "a", dry_run=True)
    first = import_state(settings, "a")
    assert (looked.inserted, first.inserted) == (1, 1)
    assert import_state(settings, "a", dry_run=True).unchanged == 1
    assert import_state(settings, "a") == first
