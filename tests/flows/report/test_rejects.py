"""Refused records come back in the format they came in, with what is wrong; corrected, they go in."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from flows.jobs.cli import main
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.faults import FileFault, JobFault
from schemas.job import JobStatus, JobSummary, Mode
from schemas.profiles import ORIGINAL_COLUMN, REJECT_COLUMNS
from tests.flows.importing import Record, import_file, import_records, read_users

GOOD = {"email": "ada@x.example", "name": "Ada"}
FAULTY = {
    "email": "bob@x.example",
    "name": "=HYPERLINK(1)",
    "nickname": "'=1",
    "phone_number": "+49 30",
    "password_hash": "too short",
    "blocked": False,
    "user_metadata": {"tags": ["a", None], "n": 1.5},
}
FIXED = {**FAULTY, "phone_number": "+4930", "password_hash": f"$2b$10${'a' * 53}"}
FORMATS = ("ndjson", "json", "csv", "parquet")


def rejects_of(settings: Settings, job: JobSummary, name: str) -> Path:
    path = settings.database.parent / name
    write_rejects(Store(settings), job.job_id, path)
    return path


def read(path: Path) -> list[dict[str, object]]:
    """The records of a file of refused records, by name."""
    match path.suffix:
        case ".csv":
            with path.open(newline="", encoding="utf-8") as lines:
                return [dict(row) for row in csv.DictReader(lines)]
        case ".parquet":
            return pl.read_parquet(path).to_dicts()
        case ".json":
            return json.loads(path.read_text(encoding="utf-8"))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, records: Sequence[Record]) -> Path:
    """The records as a file of the format that its name says."""
    match path.suffix:
        case ".csv":
            cells = [{name: _cell(value) for name, value in record.items()} for record in records]
            with path.open("w", newline="", encoding="utf-8") as lines:
                writer = csv.DictWriter(lines, list(dict.fromkeys(name for record in cells for name in record)))
                writer.writeheader()
                writer.writerows(cells)
        case ".parquet":
            pl.DataFrame(records, infer_schema_length=None).write_parquet(path)
        case ".json":
            path.write_text(json.dumps(records), encoding="utf-8")
        case _:
            path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else value


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_every_refused_record_goes_in_once_it_is_corrected(settings: Settings, source: str, target: str) -> None:
    records = [GOOD, FAULTY] if source != "parquet" else [{**GOOD, **dict.fromkeys(FAULTY.keys() - GOOD)}, FAULTY]
    job = import_file(settings, write(settings.database.parent / f"users.{source}", records), Mode.INSERT)
    assert (job.inserted, job.failed) == (1, 1)
    path = rejects_of(settings, job, f"rejects.{target}")
    (refused,) = read(path)
    assert refused["import_codes"] == "PATTERN; PATTERN"
    assert refused["import_paths"] == "password_hash; phone_number"
    guard = "'" if target == "csv" else ""
    corrected = {**refused, "phone_number": f"{guard}{FIXED['phone_number']}", "password_hash": FIXED["password_hash"]}
    again = import_file(settings, write(path, [corrected]), Mode.INSERT)
    assert (again.status, again.inserted) == (JobStatus.COMPLETED, 1)
    (bob,) = [row for row in read_users(settings) if row["email"] == FAULTY["email"]]
    values = set(map(str, bob.values()))
    assert {FAULTY["name"], FAULTY["nickname"], FIXED["phone_number"], FIXED["password_hash"]} <= values
    assert json.loads(str(bob["user_metadata"])) == FAULTY["user_metadata"]


def test_cells_that_a_spreadsheet_would_run_are_guarded(settings: Settings) -> None:
    job = import_file(settings, write(settings.database.parent / "users.csv", [GOOD, FAULTY]), Mode.INSERT)
    (refused,) = read(rejects_of(settings, job, "rejects.csv"))
    assert (refused["name"], refused["nickname"], refused["phone_number"]) == ("'=HYPERLINK(1)", "''=1", "'+49 30")


def test_the_columns_of_a_csv_file_keep_their_order(settings: Settings) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text("nickname,email,Family Name,blocked\n,no address,Lovelace,\n", encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT)
    header = rejects_of(settings, job, "rejects.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == [*REJECT_COLUMNS, "nickname", "email", "family_name", "blocked"]


def test_the_format_is_that_of_the_source_unless_the_name_says_otherwise(settings: Settings) -> None:
    job = import_file(settings, write(settings.database.parent / "users.csv", [{"email": "x"}]), Mode.INSERT)
    assert rejects_of(settings, job, "rejects").read_text(encoding="utf-8").startswith("import_line,")
    with pytest.raises(FileFault):
        rejects_of(settings, job, "rejects.xlsx")


def test_records_that_could_not_be_read_are_not_lost(settings: Settings) -> None:
    path = settings.database.parent / "users.ndjson"
    path.write_text('{"email":"a@x.example",}\n[1]\n{"email":"bad"}\n', encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT)
    for target in FORMATS:
        refused = read(rejects_of(settings, job, f"rejects.{target}"))
        originals = [record.get(ORIGINAL_COLUMN) or None for record in refused]
        assert originals == ['{"email":"a@x.example",}', "[1]", None]
        again = import_file(settings, settings.database.parent / f"rejects.{target}", Mode.INSERT)
        assert again.errors_by_code == {"OBJECT_REQUIRED": 2, "FORMAT": 1}


@pytest.mark.parametrize("spoil", [lambda row: f"{row},more", lambda row: row.rpartition(",")[0]])
def test_rows_of_the_wrong_length_are_not_lost(settings: Settings, spoil: Callable[[str], str]) -> None:
    path = settings.database.parent / "users.csv"
    row = spoil("a@x.example,Ada")
    path.write_text(f"email,name\n{row}\n", encoding="utf-8")
    (refused,) = read(rejects_of(settings, import_file(settings, path, Mode.INSERT), "rejects.csv"))
    assert refused[ORIGINAL_COLUMN] == row


def test_records_refused_by_the_plan_come_back_as_they_came(settings: Settings) -> None:
    record = {"email": "ada@x.example", "shoe_size": 44, "name": "Ada"}
    import_records(settings, [GOOD])
    job = import_records(settings, [record], Mode.INSERT, unknown_fields="ignore")
    (refused,) = read(rejects_of(settings, job, "rejects.ndjson"))
    assert {name: value for name, value in refused.items() if name not in REJECT_COLUMNS} == record
    assert refused["import_codes"] == "CONFLICT_EMAIL"


def test_what_was_added_is_not_added_twice(settings: Settings) -> None:
    job = import_records(settings, [{"email": "bad"}])
    second = import_file(settings, rejects_of(settings, job, "first.ndjson"))
    text = rejects_of(settings, second, "second.ndjson").read_text(encoding="utf-8")
    assert all(text.count(f'"{name}"') == 1 for name in REJECT_COLUMNS)


def test_the_file_is_private_and_the_command_says_where_it_is(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    job = import_records(settings, [GOOD, {"email": "bad"}])
    path = settings.database.parent / "rejects.csv"
    database = ["--database", str(settings.database)]
    assert main(["rejects", job.job_id, "-o", str(path), *database]) == 0
    assert "1 refused record written to" in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in settings.database.parent.glob(".*")] == []


def test_a_job_without_refused_records_writes_no_file(settings: Settings) -> None:
    path = rejects_of(settings, import_records(settings, [GOOD]), "rejects.csv")
    assert not path.exists()


def test_purged_records_are_a_clear_fault(settings: Settings) -> None:
    job = import_records(settings, [{"email": "bad"}])
    for part in (settings.jobs_folder / job.job_id).iterdir():
        part.unlink()
    with pytest.raises(JobFault) as caught:
        rejects_of(settings, job, "rejects.csv")
    assert caught.value.code is ErrorCode.REJECTS_PURGED


@pytest.mark.parametrize("is_in_folder", [False, True])
def test_an_imported_file_is_not_overwritten(settings: Settings, tmp_path: Path, *, is_in_folder: bool) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    source = write(folder / "users.csv", [GOOD, {"email": "bad"}])
    before = source.read_bytes()
    job = import_file(settings, folder if is_in_folder else source, Mode.INSERT)
    with pytest.raises(FileFault, match="is an imported file and would be overwritten"):
        write_rejects(Store(settings), job.job_id, source)
    assert source.read_bytes() == before


def test_standard_output_is_no_file_for_secrets(settings: Settings) -> None:
    job = import_records(settings, [{"email": "bad"}], Mode.INSERT)
    with pytest.raises(FileFault, match="not written to standard output"):
        write_rejects(Store(settings), job.job_id, Path("-"))


@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_a_key_that_means_a_field_by_another_name_stays_apart(settings: Settings, target: str) -> None:
    job = import_records(
        settings, [{"email": "bad", "name": "Ada"}, {"Email": "bob@x.example", "name": "Bob"}], Mode.INSERT
    )
    path = rejects_of(settings, job, f"fix.{target}")
    first, second = read(path)
    fixed = [first | {"email": "ada@x.example"}, second | {"email": second["Email"], "Email": None}]
    again = import_file(settings, write(path, fixed), Mode.INSERT)
    assert (again.inserted, again.failed) == (2, 0)
