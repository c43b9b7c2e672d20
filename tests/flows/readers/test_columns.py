"""A column has the field that its name means; where two columns mean one field, the user has to choose."""

import pytest

from flows.settings import Settings
from schemas.job import Mode
from tests.flows.importing import import_file, query_rows, read_users


@pytest.mark.parametrize(
    ("header", "ignored"),
    [
        ("email,phone,Mobile", "Mobile"),
        ("mail,Phone,telephone", "telephone"),
        ("email,phone,phone_number", "phone_number (ignored)"),
    ],
)
def test_the_first_of_two_columns_for_a_field_is_kept_if_others_are_ignored(
    settings: Settings, header: str, ignored: str
) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text(f"{header}\nada@x.example,+1,+2\n", encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT, unknown_fields="ignore")
    assert (job.inserted, job.warnings) == (1, 1)
    assert [user["phone_number"] for user in read_users(settings)] == ["+1"]
    assert query_rows(settings, "select code, path from import_errors") == [("UNKNOWN_FIELD", ignored)]


@pytest.mark.parametrize("header", ["email,phone,Mobile", "email,phone, Phone "])
def test_two_columns_for_a_field_refuse_the_file_and_are_named(settings: Settings, header: str) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text(f"{header}\nada@x.example,+1,+2\n", encoding="utf-8")
    is_synonym = "Mobile" in header
    job = import_file(settings, path, Mode.INSERT, unknown_fields="refuse" if is_synonym else "ignore")
    assert job.fault is not None
    _, first, second = map(str.strip, header.split(","))
    assert job.fault["message"].endswith(f"two columns for phone_number: {first}, {second}")
    assert ("--unknown-fields ignore" in job.fault["hint"]) is is_synonym
    assert read_users(settings) == []
