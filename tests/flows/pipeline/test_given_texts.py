"""White space around texts is taken off in every format and mode; words for absent values are found in cells only."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from flows.readers.limits import ReadLimits
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from schemas.fields import TRIMMED_FIELDS
from schemas.job import JobSummary, Mode
from tests.flows.importing import import_file, import_records, query_rows, read_users
from transforms.stored_warnings import MOST_STORED

FOUND = "select record, code, path, severity from import_errors where job_id = $job order by all"


def write(path: Path, records: list[dict[str, str]]) -> Path:
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open("w", newline="", encoding="utf-8") as file:
                separator = "," if path.suffix == ".csv" else "\t"
                writer = csv.DictWriter(file, list(records[0]), delimiter=separator, quoting=csv.QUOTE_ALL)
                writer.writeheader()
                writer.writerows(records)
        case ".parquet":
            pl.DataFrame(records).write_parquet(path)
        case ".json":
            path.write_text(json.dumps(records), encoding="utf-8")
        case _:
            path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def found(settings: Settings, job: JobSummary) -> list[tuple[object, ...]]:
    return query_rows(settings, FOUND, job=job.job_id)


def users_by_email(settings: Settings) -> dict[str, object]:
    return {str(user["email"]): user["name"] for user in read_users(settings)}


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "ndjson", "parquet"])
def test_white_space_is_taken_off_in_every_format(settings: Settings, tmp_path: Path, ending: str) -> None:
    records = [
        {"email": "ann@x.example ", "user_id": "a1", "name": "\u00a0Ann Lo\u200b"},
        {"email": "\u3000bo@x.example", "user_id": "b1\u2003", "name": "Bo"},
        {"email": "cy@x.example", "user_id": "c\u200b1", "name": "Cy"},
        {"email": "di@x.example", "user_id": "d1", "name": " \u2009"},
    ]
    job = import_file(settings, write(tmp_path / f"users.{ending}", records), Mode.INSERT)
    is_text = ending in {"csv", "tsv"}
    assert found(settings, job) == [
        (1, "TRIMMED", "email", "warning"),
        (1, "TRIMMED", "name", "warning"),
        (2, "TRIMMED", "email", "warning"),
        (2, "TRIMMED", "user_id", "warning"),
        (3, "PATTERN", "user_id", "error"),
        *([] if is_text else [(4, "MIN_LENGTH", "name", "error")]),
        (4, "TRIMMED", "name", "warning"),
    ]
    assert job.warnings == 5
    expected = {"ann@x.example": "Ann Lo", "bo@x.example": "Bo", **({"di@x.example": None} if is_text else {})}
    assert users_by_email(settings) == expected


def test_a_key_is_trimmed_before_it_is_matched(settings: Settings) -> None:
    import_records(settings, [{"email": "ann@x.example", "user_id": "a1", "name": "Ann"}], Mode.INSERT)
    again = import_records(settings, [{"email": " Ann@x.example", "user_id": "a1 ", "name": "Ann\t"}], Mode.UPSERT)
    assert (again.unchanged, again.failed, again.warnings) == (1, 0, 3)


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson", "parquet"])
def test_refused_rows_are_written_as_they_came(settings: Settings, tmp_path: Path, ending: str) -> None:
    record = {"email": " ann@x.example", "user_id": "a1\u00a0", "name": "Ann Lo ", "nickname": "  "}
    faulty = {**record, "email": "\u200bbo@x.example ", "user_id": "b1", "nickname": "bo"}
    rows = [{**record, "user_id": "first", "nickname": "a"}, {**record, "nickname": "a"}, faulty]
    job = import_file(settings, write(tmp_path / f"users.{ending}", rows), Mode.INSERT)
    assert (job.inserted, job.errors_by_code) == (1, {"DUPLICATED_USER": 1, "FORMAT": 1})
    rejects = tmp_path / "fix.ndjson"
    write_rejects(Store(settings), job.job_id, rejects)
    refused = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert [{name: one[name] for name in record} for one in refused] == rows[1:]


def test_a_blank_cell_is_in_the_rejects_as_it_came(settings: Settings, tmp_path: Path) -> None:
    rows = [{"email": f"{space}ann@x.example", "name": "  ", "blocked": "false"} for space in ("", " ")]
    job = import_file(settings, write(tmp_path / "users.csv", rows), Mode.INSERT)
    assert (job.inserted, job.failed) == (1, 1)
    rejects = tmp_path / "fix.csv"
    write_rejects(Store(settings), job.job_id, rejects)
    with rejects.open(newline="", encoding="utf-8") as file:
        (refused,) = csv.DictReader(file)
    assert (refused["email"], refused["name"], refused["blocked"]) == (" ann@x.example", "  ", "false")


def test_auth0_import_takes_nothing_off_and_is_named_in_the_summary(settings: Settings, tmp_path: Path) -> None:
    records = [
        {"email": "ann@x.example", "name": " Ann ", "nickname": " "},
        {"email": " bo@x.example", "name": "Bo"},
        {"email": "cy@x.example", "user_id": "c1\u2003"},
        {"email": "di@x.example", "name": None},
        {"email": "ed@x.example", "name": "Ed\n"},
    ]
    path = tmp_path / "users.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT, profile="auth0-import")
    assert found(settings, job) == [
        (2, "FORMAT", "email", "error"),
        (3, "PATTERN", "user_id", "error"),
        (4, "INVALID_TYPE", "name", "error"),
        (5, "INVALID_TEXT", "name", "error"),
    ]
    assert (job.profile, job.warnings, users_by_email(settings)) == ("auth0-import", 0, {"ann@x.example": " Ann "})
    assert import_file(settings, path, Mode.INSERT).profile == "auth0"


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_a_word_for_an_absent_value_refuses_its_row_as_a_key(settings: Settings, tmp_path: Path, ending: str) -> None:
    rows = [
        {"email": "ann@x.example", "username": "NULL", "name": "Ann", "phone_number": "+49301"},
        {"email": "bo@x.example", "username": "bo", "name": " NULL ", "phone_number": "n/a"},
        {"email": "cy@x.example", "username": "nullable", "name": "null", "phone_number": "+49301"},
        {"email": "None", "username": "di", "name": "Null", "phone_number": "+49301"},
    ]
    job = import_file(settings, write(tmp_path / f"users.{ending}", rows), Mode.INSERT)
    assert found(settings, job) == [
        (1, "PATTERN", "username", "error"),
        (2, "LOOKS_ABSENT", "name", "warning"),
        (2, "PATTERN", "phone_number", "error"),
        (2, "TRIMMED", "name", "warning"),
        (3, "LOOKS_ABSENT", "name", "warning"),
        (4, "PATTERN", "email", "error"),
    ]
    assert users_by_email(settings) == {"cy@x.example": "null"}


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_words_for_absent_values_are_texts_where_absence_can_be_said(
    settings: Settings, tmp_path: Path, ending: str
) -> None:
    rows = [{"email": "ann@x.example", "username": "NULL", "name": "null"}]
    job = import_file(settings, write(tmp_path / f"users.{ending}", rows), Mode.INSERT)
    assert (job.inserted, job.warnings) == (1, 0)


def test_a_corrected_file_of_refused_rows_is_checked_for_such_words_again(settings: Settings, tmp_path: Path) -> None:
    rows = [{"email": "ann@x.example", "username": "NULL", "name": "n/a"}]
    job = import_file(settings, write(tmp_path / "users.csv", rows), Mode.INSERT)
    fix = tmp_path / "fix.csv"
    write_rejects(Store(settings), job.job_id, fix)
    assert import_file(settings, fix, Mode.INSERT).errors_by_code == {"PATTERN": 1}
    fix.write_text(fix.read_text(encoding="utf-8").replace("ann@x.example,NULL", "ann@x.example,ann"), encoding="utf-8")
    corrected = import_file(settings, fix, Mode.INSERT)
    assert (corrected.inserted, corrected.warnings) == (1, 1)


def test_a_space_in_every_row_is_counted_and_costs_one_column(tmp_path: Path) -> None:
    settings = Settings(database=tmp_path / "users.duckdb", limits=ReadLimits(batch_rows=800))
    rows = MOST_STORED * 3
    records = [
        {"email": f"u{n}@x.example", "name": f"Ann {n} ", "user_metadata": {"note": f"{n}" * 20}} for n in range(rows)
    ]
    job = import_records(settings, records, Mode.INSERT)
    assert (job.inserted, job.warnings, len(found(settings, job))) == (rows, rows, MOST_STORED)
    folder = JobFolder(settings.jobs_folder / job.job_id)
    assert folder.parts("originals") == []
    kept = pl.concat([pl.read_parquet(part) for part in folder.parts("trimmed")])
    assert kept.select(pl.exclude("record", "name").is_null().all()).row(0) == (True,) * (len(TRIMMED_FIELDS) - 1)
    assert kept["name"].to_list() == [record["name"] for record in records]
