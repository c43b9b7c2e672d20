"""A column has the field that its name means; where two columns mean one field, the user has to choose."""

import json

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


@pytest.mark.parametrize("header", ["Kunde,Straße", "Kunde;Straße;", "Kunde\tStraße"])
def test_the_columns_of_an_unknown_header_are_shown(settings: Settings, header: str) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text(f"{header}\nAnn,Weg 1\n", encoding="utf-8")
    fault = import_file(settings, path).fault or {}
    assert "its columns are named Kunde" in fault["message"]
    assert "Straße" in fault["message"]
    assert "Ann" not in json.dumps(fault)


@pytest.mark.parametrize(
    "line", ["ann@x.example,Ann", "Ann,ann@x.example,name", "ann@x.example;email", '"Ann Lee","ann@x.example","email"']
)
def test_a_first_line_of_data_is_not_a_header_and_is_not_shown(settings: Settings, line: str) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text(f"{line}\nbo@x.example,Bo\n", encoding="utf-8")
    job = import_file(settings, path, unknown_fields="ignore")
    assert "has no header" in (job.fault or {})["message"]
    (row,) = query_rows(settings, "select to_json(import_jobs)::varchar from import_jobs")
    status = "".join(file.read_text(errors="replace") for file in settings.jobs_folder.rglob("*.json"))
    assert not any(word in f"{job} {row} {status}" for word in ("ann@", "Ann"))


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        *((name, "email") for name in ("user_email", "Email *", "* E-Mail", "Email (required)", "EMAIL [Required]")),
        *((name, "phone_number") for name in ("Mobile", "mobile (optional)", "Mobile Phone")),
        ("phone_number_verified", "phone_verified"),
    ],
)
def test_common_names_of_columns_are_known(settings: Settings, cell: str, field: str) -> None:
    values = {"email": "ada@x.example", "phone_number": "+1", "phone_verified": "true"}
    path = settings.database.parent / "users.csv"
    more = "" if field == "email" else ",email\n"
    path.write_text(f"{cell}{more or chr(10)}{values[field]}{more and ',ada@x.example'}\n", encoding="utf-8")
    assert import_file(settings, path).inserted == 1
    assert str(read_users(settings)[0][field]).lower() == values[field]
