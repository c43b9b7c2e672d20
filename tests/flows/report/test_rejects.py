"""Refused records are written in the format of their source with their errors; once corrected, they can be imported."""

import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.jobs.cli import app
from flows.readers.limits import ReadLimits
from flows.report.command_line import main
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.faults import FileFault, JobFault
from schemas.job import JobStatus, JobSummary, Mode
from schemas.profiles import ORIGINAL_COLUMN, REJECT_COLUMNS
from tests.flows.importing import Record, import_file, import_records
from tests.marks import mostly_slow

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


def reject_file(settings: Settings, job: JobSummary, name: str) -> Path:
    """Write the refused records of a job to a file of that name beside the database."""
    path = settings.database.parent / name
    write_rejects(Store(settings), job.job_id, path)
    return path


def read(path: Path) -> list[dict[str, object]]:
    """Return the records of a file of refused records."""
    records: list[dict[str, object]]
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open(newline="", encoding="utf-8") as lines:
                reader = csv.DictReader(lines, delimiter="\t" if path.suffix == ".tsv" else ",")
                records = [dict(row) for row in reader]
        case ".parquet":
            records = pl.read_parquet(path).to_dicts()
        case ".json":
            records = json.loads(path.read_text(encoding="utf-8"))
        case _:
            records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return records


def write(path: Path, records: Sequence[Record]) -> Path:
    """Write the records in the format of the file's suffix."""
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


@pytest.mark.parametrize(
    ("source", "target"),
    mostly_slow(product(FORMATS, FORMATS), quick=[*zip(FORMATS, FORMATS[1:] + FORMATS[:1], strict=True)]),
)
def test_every_refused_record_is_imported_once_it_is_corrected(settings: Settings, source: str, target: str) -> None:
    good = GOOD if source != "parquet" else {**dict.fromkeys(FAULTY), **GOOD}
    records: list[Record] = [good, FAULTY]
    job = import_file(settings, write(settings.database.parent / f"users.{source}", records), Mode.INSERT)
    assert (job.inserted, job.failed) == (1, 1)
    path = reject_file(settings, job, f"rejects.{target}")
    (refused,) = read(path)
    assert refused["import_codes"] == "PATTERN; PATTERN"
    assert refused["import_paths"] == "password_hash; phone_number"
    apostrophe = "'" if target == "csv" else ""
    corrected = {
        **refused,
        "phone_number": f"{apostrophe}{FIXED['phone_number']}",
        "password_hash": FIXED["password_hash"],
    }
    again = import_file(settings, write(path, [corrected]), Mode.INSERT)
    assert (again.status, again.inserted) == (JobStatus.COMPLETED, 1)
    with Store(settings).reading() as connection:
        (bob,) = connection.sql("from users where email = $email", params={"email": FAULTY["email"]}).pl().to_dicts()
    fixed = ("name", "nickname", "phone_number", "password_hash")
    assert [bob[name] for name in fixed] == [FIXED[name] for name in fixed]
    assert json.loads(bob["user_metadata"]) == FAULTY["user_metadata"]


def test_cells_that_are_formulas_for_a_spreadsheet_are_escaped(settings: Settings) -> None:
    job = import_file(settings, write(settings.database.parent / "users.csv", [GOOD, FAULTY]), Mode.INSERT)
    (refused,) = read(reject_file(settings, job, "rejects.csv"))
    assert (refused["name"], refused["nickname"], refused["phone_number"]) == ("'=HYPERLINK(1)", "''=1", "'+49 30")


def test_columns_of_a_csv_file_keep_their_order(settings: Settings) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text("nickname,email,Family Name,blocked\n,no address,Lovelace,\n", encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT)
    header = reject_file(settings, job, "rejects.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == [*REJECT_COLUMNS, "nickname", "email", "family_name", "blocked"]


def test_format_is_that_of_the_source_unless_the_file_name_has_another(settings: Settings) -> None:
    job = import_file(settings, write(settings.database.parent / "users.csv", [{"email": "x"}]), Mode.INSERT)
    assert reject_file(settings, job, "rejects").read_text(encoding="utf-8").startswith("import_line,")
    with pytest.raises(FileFault, match=r"cannot be written as \*\.xlsx"):
        reject_file(settings, job, "rejects.xlsx")


def test_unreadable_records_are_kept_as_text(settings: Settings) -> None:
    path = settings.database.parent / "users.ndjson"
    path.write_text('{"email":"a@x.example",}\n[1]\n{"email":"bad"}\n', encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT)
    for target in FORMATS:
        refused = read(reject_file(settings, job, f"rejects.{target}"))
        originals = [record.get(ORIGINAL_COLUMN) or None for record in refused]
        assert originals == ['{"email":"a@x.example",}', "[1]", None]
        again = import_file(settings, settings.database.parent / f"rejects.{target}", Mode.INSERT)
        assert again.errors_by_code == {"OBJECT_REQUIRED": 2, "FORMAT": 1}


@pytest.mark.parametrize("spoil", [lambda row: f"{row},more", lambda row: row.rpartition(",")[0]])
def test_rows_of_the_wrong_length_are_kept_as_text(settings: Settings, spoil: Callable[[str], str]) -> None:
    path = settings.database.parent / "users.csv"
    row = spoil("a@x.example,Ada")
    path.write_text(f"email,name\n{row}\n", encoding="utf-8")
    (refused,) = read(reject_file(settings, import_file(settings, path, Mode.INSERT), "rejects.csv"))
    assert refused[ORIGINAL_COLUMN] == row


def test_records_refused_by_the_plan_are_written_unchanged(settings: Settings) -> None:
    record = {"email": "ada@x.example", "shoe_size": 44, "name": "Ada"}
    import_records(settings, [GOOD])
    job = import_records(settings, [record], Mode.INSERT, unknown_fields="ignore")
    (refused,) = read(reject_file(settings, job, "rejects.ndjson"))
    assert {name: value for name, value in refused.items() if name not in REJECT_COLUMNS} == record
    assert refused["import_codes"] == "CONFLICT_EMAIL"


def test_columns_of_errors_are_not_added_twice(settings: Settings) -> None:
    job = import_records(settings, [{"email": "bad"}])
    second = import_file(settings, reject_file(settings, job, "first.ndjson"))
    text = reject_file(settings, second, "second.ndjson").read_text(encoding="utf-8")
    assert all(text.count(f'"{name}"') == 1 for name in REJECT_COLUMNS)


def test_file_is_private_and_the_command_prints_its_path(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    job = import_records(settings, [GOOD, {"email": "bad"}])
    path = settings.database.parent / "rejects.csv"
    database = ["--database", str(settings.database)]
    assert main(app, ["rejects", job.job_id, "-o", str(path), *database]) == 0
    assert "1 refused record written to" in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in settings.database.parent.glob(".*")] == []


def test_job_without_refused_records_writes_no_file(settings: Settings) -> None:
    path = reject_file(settings, import_records(settings, [GOOD]), "rejects.csv")
    assert not path.exists()


def test_purged_records_raise_a_fault_of_their_own(settings: Settings) -> None:
    job = import_records(settings, [{"email": "bad"}])
    for part in (settings.jobs_folder / job.job_id).iterdir():
        part.unlink()
    with pytest.raises(JobFault) as caught:
        reject_file(settings, job, "rejects.csv")
    assert caught.value.code is ErrorCode.REJECTS_PURGED


@pytest.mark.parametrize("is_in_folder", [False, True])
def test_imported_file_is_not_overwritten(settings: Settings, tmp_path: Path, *, is_in_folder: bool) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    source = write(folder / "users.csv", [GOOD, {"email": "bad"}])
    before = source.read_bytes()
    job = import_file(settings, folder if is_in_folder else source, Mode.INSERT)
    with pytest.raises(FileFault, match="is an imported file and would be overwritten"):
        write_rejects(Store(settings), job.job_id, source)
    assert source.read_bytes() == before


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_not_a_file_is_not_replaced(settings: Settings, tmp_path: Path, kind: str) -> None:
    job = import_records(settings, [{"email": "bad"}], Mode.INSERT)
    target = tmp_path / "target.csv"
    match kind:
        case "pipe":
            os.mkfifo(target)
        case "link":
            target.symlink_to("/dev/null")
        case _:
            target.mkdir()
    before = target.lstat()
    with pytest.raises(FileFault, match="is not a file, and is not replaced by one"):
        write_rejects(Store(settings), job.job_id, target)
    assert target.lstat() == before


def test_the_name_of_a_source_that_is_gone_is_free(settings: Settings, tmp_path: Path) -> None:
    source = write(tmp_path / "users.csv", [GOOD, {"email": "bad"}])
    job = import_file(settings, source, Mode.INSERT)
    source.unlink()
    assert write_rejects(Store(settings), job.job_id, source).records == 1


def test_secrets_are_not_written_to_standard_output(settings: Settings) -> None:
    job = import_records(settings, [{"email": "bad"}], Mode.INSERT)
    with pytest.raises(FileFault, match="not written to standard output"):
        write_rejects(Store(settings), job.job_id, Path("-"))


@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_two_names_of_one_field_stay_separate_columns(settings: Settings, target: str) -> None:
    job = import_records(settings, [{"email": "bad", "name": "Ada"}, {"Email": "bob", "name": "Bob"}], Mode.INSERT)
    path = reject_file(settings, job, f"fix.{target}")
    first, second = read(path)
    fixed = [first | {"email": "ada@x.example"}, second | {"email": f"{second['Email']}@x.example", "Email": None}]
    again = import_file(settings, write(path, fixed), Mode.INSERT)
    assert (again.inserted, again.failed) == (2, 0)


IDS = [1234567890123456789, 9007199254740993, 2**64 - 1, 12345678901234567890123]


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (IDS[:2], pl.Int64()),
        (IDS[:3], pl.UInt64()),
        (IDS, pl.Decimal(38, 0)),
        ([*IDS[:3], -5], pl.Decimal(38, 0)),
        ([2**53 + 1, 0.25], pl.Decimal(38, 2)),
        ([1e300, 0.5], pl.Float64()),
        ([10**40 + 1, 0.5], pl.String()),
        ([True, 5], pl.String()),
        ([5, "x"], pl.String()),
    ],
)
def test_numbers_keep_every_digit_in_parquet(settings: Settings, ids: list[object], kind: pl.DataType) -> None:
    records = [{"email": f"{place}x.example", "user_id": value} for place, value in enumerate(ids)]
    path = reject_file(settings, import_records(settings, records, Mode.INSERT), "fix.parquet")
    found = pl.read_parquet(path)["user_id"]
    assert found.dtype == kind
    is_text = kind == pl.String()
    assert found.to_list() == (
        [value if isinstance(value, str) else json.dumps(value) for value in ids] if is_text else ids
    )


@pytest.mark.parametrize("target", ["csv", "tsv", "json", "ndjson"])
def test_numbers_keep_every_digit(settings: Settings, target: str) -> None:
    job = import_records(settings, [{"email": "x", "user_id": value} for value in IDS], Mode.INSERT)
    found = read(reject_file(settings, job, f"fix.{target}"))
    assert [int(str(record["user_id"])) for record in found] == IDS


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.decimal128(20, 0), pa.date32(), pa.float64(), pa.bool_()])
def test_columns_of_a_parquet_file_keep_their_values(settings: Settings, kind: pa.DataType) -> None:
    samples: dict[pa.DataType, list[Any]] = {
        pa.int64(): [2**62 + 1, -5],
        pa.uint64(): [2**64 - 1, 5],
        pa.decimal128(20, 0): [Decimal(10**19 + 1), Decimal(1)],
        pa.date32(): [date(2024, 2, 29), date(1, 1, 1)],
        pa.float64(): [1e300, 0.1],
        pa.bool_(): [True, False],
    }
    values = samples[kind]
    table = pa.table({"email": ["a@x.example", "b@x.example"], "user_id": pa.array(values, kind), "pin": [1, 2]})
    path = settings.database.parent / "users.parquet"
    pq.write_table(table, path)
    job = import_file(settings, path, Mode.INSERT)
    rejected = reject_file(settings, job, "fix.parquet")
    found = [record["user_id"] for record in read(rejected)]
    assert found == ([str(value) for value in values] if kind == pa.date32() else values)
    again = import_file(settings, rejected, Mode.INSERT)
    assert (again.failed, again.errors_by_code) == (job.failed, job.errors_by_code)


@pytest.mark.parametrize("target", ["csv", "tsv", "json", "ndjson", "parquet"])
def test_numbers_in_metadata_are_kept_as_they_are_written(settings: Settings, target: str) -> None:
    metadata = '{"zero": -0, "price": 1.50, "big": 12345678901234567890123, "long": 0.10000000000000000555, "e": 1E5}'
    path = settings.database.parent / "users.ndjson"
    path.write_text(f'{{"email":"bad","user_metadata":{metadata},"rate":2.50}}\n', encoding="utf-8")
    for name in (f"fix.{target}", f"fix-again.{target}"):
        path = reject_file(settings, import_file(settings, path, Mode.INSERT), name)
        text = json.dumps(read(path)[0]["user_metadata"]) if target == "parquet" else path.read_text(encoding="utf-8")
        assert metadata in text.replace('\\"', '"').replace('""', '"')


@pytest.mark.parametrize("target", ["csv", "tsv", "json", "ndjson", "parquet"])
def test_cells_refused_by_the_plan_keep_their_numbers(settings: Settings, target: str) -> None:
    metadata = '{"zero":-0,"price":1.50,"long":0.10000000000000000555,"e":1E5}'
    cell = metadata.replace('"', '""')
    path = settings.database.parent / "users.csv"
    path.write_text(f'email,user_metadata\nada@x.example,\nADA@x.example,"{cell}"\n', encoding="utf-8")
    path = reject_file(settings, import_file(settings, path, Mode.INSERT), f"fix.{target}")
    text = json.dumps(read(path)[0]["user_metadata"]) if target == "parquet" else path.read_text(encoding="utf-8")
    assert metadata in text.replace('\\"', '"').replace('""', '"')


@pytest.mark.parametrize("target", ["csv", "tsv", "parquet"])
def test_escaped_characters_are_characters_in_a_table(settings: Settings, target: str) -> None:
    name = "Zoë \U0001f600 \\ \x0b\x1f|"
    path = settings.database.parent / "users.ndjson"
    path.write_text(json.dumps({"email": "bad", "name": name, "rate": 1.5}) + "\n", encoding="ascii")
    (record,) = read(reject_file(settings, import_file(settings, path, Mode.INSERT), f"fix.{target}"))
    assert record["name"] == name


@pytest.mark.parametrize("target", FORMATS)
def test_numbers_of_thousands_of_digits_come_back(settings: Settings, target: str) -> None:
    number = "1" * 5_000
    path = settings.database.parent / "users.ndjson"
    record = f'{{"email":"bad","user_id":{number},"rate":0.5,"user_metadata":{{"n":{number}}}}}\n'
    path.write_text(record, encoding="ascii")
    path = reject_file(settings, import_file(settings, path, Mode.INSERT), f"fix.{target}")
    found = str(read(path)) if target == "parquet" else path.read_text(encoding="utf-8")
    assert found.count(number) == 2


@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_record_with_a_repeated_key_is_kept_as_text_in_a_table(settings: Settings, target: str) -> None:
    lines = ['{"email":"ada@x.example","email":"eva@x.example"}', '{"email":"bad","user_metadata":{"a":1,"a":2}}']
    path = settings.database.parent / "users.ndjson"
    path.write_text("\n".join(lines), encoding="utf-8")
    path = reject_file(settings, import_file(settings, path, Mode.INSERT), f"fix.{target}")
    first, second = read(path)
    assert (first[ORIGINAL_COLUMN], first["email"] or None) == (lines[0], None)
    assert (second[ORIGINAL_COLUMN] or None, second["user_metadata"]) == (None, '{"a":1,"a":2}')


def test_booleans_beside_texts_are_booleans_again(settings: Settings) -> None:
    values: list[object] = [True, False, "true", "yes", None]
    records = [{"email": f"{place}x.example", "blocked": value} for place, value in enumerate(values)]
    path = reject_file(settings, import_records(settings, records, Mode.INSERT), "fix.parquet")
    assert [record["blocked"] for record in read(path)] == ["true", "false", '"true"', "yes", None]
    corrected = [{**record, "email": f"{place}@x.example"} for place, record in enumerate(read(path))]
    again = import_file(settings, write(path, corrected), Mode.INSERT)
    assert (again.inserted, again.errors_by_code) == (3, {"INVALID_TYPE": 2})


@pytest.mark.parametrize("source", mostly_slow(["csv", "ndjson"], quick=["ndjson"]))
@pytest.mark.parametrize("target", mostly_slow(["csv", "parquet", "ndjson"], quick=["csv"]))
def test_very_wide_records_are_written_in_little_memory(settings: Settings, source: str, target: str) -> None:
    record: Record = {"email": "bad", "blocked": True, **{f"key {number}": f"v{number}" for number in range(2_000)}}
    job = import_file(settings, write(settings.database.parent / f"users.{source}", [record] * 3), Mode.INSERT)
    small = replace(settings, memory_limit="60MB")
    path = settings.database.parent / f"fix.{target}"
    write_rejects(Store(small), job.job_id, path)
    assert [row["key 1999"] for row in read(path)] == ["v1999"] * 3


def test_more_keys_than_a_table_can_have_are_refused(settings: Settings) -> None:
    records = [{"email": "bad", **{f"{record} {number}": 1 for number in range(30)}} for record in range(2)]
    job = import_records(settings, records, Mode.INSERT)
    narrow = replace(settings, limits=ReadLimits(keys=50))
    with pytest.raises(FileFault, match="61 different keys"):
        write_rejects(Store(narrow), job.job_id, settings.database.parent / "fix.csv")
    assert write_rejects(Store(narrow), job.job_id, settings.database.parent / "fix.json").records == 2


@pytest.mark.parametrize("target", ["rejects.csv", "rejects.ndjson"])
def test_rows_that_lack_a_separator_are_written_as_they_were(settings: Settings, target: str) -> None:
    rows = [
        'bob@x.example,Bob"Doe, Junior",bd',
        ' "b@x.example" ,"two\r\nlines", "a ""b"" c",d"x',
        '"=b@x.example",\u00a0\'=1",b"\\N"c"',
    ]
    path = settings.database.parent / "users.csv"
    path.write_bytes("\n".join(["email,name,nickname", *rows, 'no address, "Lo, Ann", " A "']).encode())
    job = import_file(settings, path, Mode.INSERT)
    assert job.errors_by_code == {"MALFORMED_RECORD": 3, "FORMAT": 1}
    written = read(reject_file(settings, job, target))
    assert [row[ORIGINAL_COLUMN] for row in written[:3]] == rows
    assert (written[3]["name"], written[3]["nickname"]) == ("Lo, Ann", " A ")


@pytest.mark.parametrize(
    "row", ["no address,\\N,T,\\N", "no address, \\N , T\u00a0, \\N ", '"no address", ,"\tt","\n"']
)
def test_absent_cells_stay_absent_in_other_formats(settings: Settings, row: str) -> None:
    path = settings.database.parent / "users.csv"
    path.write_text(f"email,name,blocked,shoe\n{row}\n", encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT)
    (refused,) = read(reject_file(settings, job, "rejects.ndjson"))
    assert {name: value for name, value in refused.items() if name not in REJECT_COLUMNS} == {
        "email": "no address",
        "blocked": True,
    }
