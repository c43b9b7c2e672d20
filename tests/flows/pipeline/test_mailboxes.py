"""Two spellings of one mailbox are one user, wherever users are compared."""

import pytest

from flows.pipeline.undo import undo
from flows.settings import Settings
from schemas.job import Mode
from tests.flows.importing import import_records, query_rows, read_users

SPELLINGS = [
    "Ann@münchen.example",
    "ann@xn--mnchen-3ya.example",
    "ann@XN--MNCHEN-3YA.example",
    "ann@mu\u0308nchen.example",
]


def emails_of(settings: Settings) -> list[object]:
    return [user["email"] for user in read_users(settings)]


def test_the_second_spelling_in_a_file_is_a_duplicate(settings: Settings) -> None:
    job = import_records(settings, [{"email": email} for email in SPELLINGS])
    assert (job.inserted, job.errors_by_code) == (1, {"DUPLICATED_USER": 3})
    assert emails_of(settings) == SPELLINGS[:1]


@pytest.mark.parametrize("email", SPELLINGS)
def test_another_spelling_conflicts_on_insert_and_matches_on_upsert(settings: Settings, email: str) -> None:
    import_records(settings, [{"email": SPELLINGS[1], "name": "Ann"}])
    assert import_records(settings, [{"email": email}], Mode.INSERT).errors_by_code == {"CONFLICT_EMAIL": 1}
    job = import_records(settings, [{"email": email, "name": "Ann Lo"}])
    assert (job.updated, job.warnings) == (1, 0)
    assert [(user["email"], user["name"]) for user in read_users(settings)] == [(SPELLINGS[1], "Ann Lo")]
    assert import_records(settings, [{"email": email, "name": "Ann Lo"}]).unchanged == 1


def test_an_undo_restores_the_stored_spelling_and_key(settings: Settings) -> None:
    import_records(settings, [{"email": SPELLINGS[0], "name": "Ann"}])
    before = read_users(settings)
    import_records(settings, [{"email": SPELLINGS[1], "name": "Bo"}], name="second")
    undo("second", dry_run=False, settings=settings, job_id="undo")
    assert [{**user, "updated_at": None} for user in read_users(settings)] == [
        {**u, "updated_at": None} for u in before
    ]
    assert query_rows(settings, "select coalesce(email_folded, email) from users") == [("ann@xn--mnchen-3ya.example",)]
