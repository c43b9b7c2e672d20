"""Files of other systems are imported by a mapping: the same in every format, whole, and without a value lost."""

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from flows.readers.limits import ReadLimits
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from schemas.job import JobSummary, Mode
from tests.flows.importing import import_file, query_rows, read_users

MAPPING = """
system = "club"
null_words = ["n/a"]
leave_out = ["avatar"]

[fields]
user_id = "id"
email = "mail"
name = { from = ["first", "last"], join = " " }
blocked = { from = "state", map = { gone = true, here = false } }
phone_number = { from = "phone", fits = '^\\+[0-9]+$' }

[[password]]
plain = "code"

[[skip]]
where = "kind"
is = ["bot"]
"""
ANN = {
    "id": "007", "mail": "ann@x.example", "first": "Ann", "last": "Lo", "state": "Here", "phone": "+491",
    "code": "s3cret", "avatar": "a.png", "kind": "user", "dept": 'Sales, "EU"',
}  # fmt: skip
ROWS: list[dict[str, str]] = [
    ANN,
    {**ANN, "id": "2", "mail": "bo@x.example", "state": "elsewhere"},
    {**ANN, "id": "3", "mail": "bot", "kind": "Bot"},
    {**ANN, "id": "4", "mail": "broken", "state": "gone"},
    {**ANN, "id": "5", "mail": "Ann@x.example", "code": ""},
    {**ANN, "id": "6", "mail": "cy@x.example", "state": "GONE", "last": "n/a", "phone": "call me", "avatar": "",
     "code": ""},
]  # fmt: skip
ENDINGS = ("json", "ndjson", "csv", "tsv", "parquet")
FOUND = "select record, code, path, severity from import_errors where job_id = $job order by all"
LINES = "select record, line from import_errors where job_id = $job and severity = 'error' order by all"


def write(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    match path.suffix:
        case ".csv" | ".tsv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), delimiter="," if path.suffix == ".csv" else "\t")
                writer.writeheader()
                writer.writerows(rows)
        case ".parquet":
            pl.DataFrame(rows).write_parquet(path)
        case ".json":
            path.write_text(json.dumps({"made": "today", "users": rows}, indent=1), encoding="utf-8")
        case _:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    """The path of the mapping."""
    path = tmp_path / "club.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return str(path)


def users_of(settings: Settings) -> list[dict[str, object]]:
    names = ("user_id", "email", "name", "blocked", "phone_number", "password_reset_required", "user_metadata")
    return [{name: user[name] for name in names} for user in read_users(settings)]


def counts(job: JobSummary) -> dict[str, int]:
    return {name: getattr(job, name) for name in ("total", "inserted", "unchanged", "failed", "warnings", "not_users")}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_same(settings: Settings, tmp_path: Path, mapping: str, ending: str) -> None:
    job = import_file(settings, write(tmp_path / f"members.{ending}", ROWS), Mode.INSERT, mapping=mapping)
    assert (job.profile, job.fault) == ("mapping", None)
    assert counts(job) == {"total": 5, "inserted": 2, "unchanged": 0, "failed": 3, "warnings": 7, "not_users": 1}
    assert users_of(settings) == [
        {
            "user_id": "007", "email": "ann@x.example", "name": "Ann Lo", "blocked": False, "phone_number": "+491",
            "password_reset_required": True,
            "user_metadata": '{"club":{"kind":"user","dept":"Sales, \\"EU\\""}}',
        },
        {
            "user_id": "6", "email": "cy@x.example", "name": "Ann", "blocked": True, "phone_number": None,
            "password_reset_required": False,
            "user_metadata": '{"club":{"kind":"user","dept":"Sales, \\"EU\\"","state":"GONE","phone":"call me"}}',
        },
    ]  # fmt: skip
    assert query_rows(settings, FOUND, job=job.job_id) == [
        (1, "LEFT_OUT", "avatar", "warning"),
        (1, "PASSWORD_LEFT_OUT", "password_hash", "warning"),
        (2, "INVALID_TYPE", "blocked", "error"),
        (2, "LEFT_OUT", "avatar", "warning"),
        (2, "PASSWORD_LEFT_OUT", "password_hash", "warning"),
        (4, "FORMAT", "email", "error"),
        (4, "LEFT_OUT", "avatar", "warning"),
        (4, "PASSWORD_LEFT_OUT", "password_hash", "warning"),
        (5, "DUPLICATED_USER", "email", "error"),
        (5, "LEFT_OUT", "avatar", "warning"),
    ]


@pytest.mark.parametrize(("ending", "first"), [("ndjson", 1), ("csv", 2), ("tsv", 2), ("parquet", None)])
def test_errors_name_the_lines_of_the_file(
    settings: Settings, tmp_path: Path, mapping: str, ending: str, first: int | None
) -> None:
    job = import_file(settings, write(tmp_path / f"members.{ending}", ROWS), Mode.INSERT, mapping=mapping)
    expected = [(record, None if first is None else record - 1 + first) for record in (2, 4, 5)]
    assert query_rows(settings, LINES, job=job.job_id) == expected


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rejected", ["ndjson", "csv"])
def test_refused_rows_can_be_resubmitted(
    settings: Settings, tmp_path: Path, mapping: str, ending: str, rejected: str
) -> None:
    job = import_file(settings, write(tmp_path / f"members.{ending}", ROWS), Mode.INSERT, mapping=mapping)
    path = tmp_path / f"fix.{rejected}"
    assert write_rejects(Store(settings), job.job_id, path).records == 3
    text = path.read_text(encoding="utf-8")
    again = import_file(settings, path, Mode.INSERT, mapping=mapping)
    assert (again.total, again.failed, again.not_users) == (3, 3, 0)
    path.write_text(text.replace("elsewhere", "here").replace("broken", "di@x.example"), encoding="utf-8")
    fixed = import_file(settings, path, Mode.INSERT, mapping=mapping)
    assert (fixed.total, fixed.inserted, fixed.failed) == (3, 2, 1)
    bo = next(user for user in users_of(settings) if user["user_id"] == "2")
    assert json.loads(str(bo["user_metadata"])) == {"club": {"kind": "user", "dept": ANN["dept"]}}


def test_a_cell_that_databases_export_as_absent_is_absent(settings: Settings, tmp_path: Path, mapping: str) -> None:
    import_file(settings, write(tmp_path / "members.csv", [{**ANN, "last": r"\N", "phone": r"\N"}]), mapping=mapping)
    (ann,) = users_of(settings)
    assert (ann["name"], ann["phone_number"]) == ("Ann", None)


def test_importing_twice_changes_nothing(settings: Settings, tmp_path: Path, mapping: str) -> None:
    path = write(tmp_path / "members.json", ROWS)
    import_file(settings, path, Mode.UPSERT, mapping=mapping)
    before = read_users(settings)
    again = import_file(settings, path, Mode.UPSERT, mapping=mapping)
    assert (again.inserted, again.unchanged, again.failed) == (0, 2, 3)
    assert read_users(settings) == before


def many_rows() -> list[dict[str, str]]:
    chance = random.Random(17)  # noqa: S311 - rows of a test
    states = ("here", "gone", "HERE", "", "elsewhere")
    return [
        {
            **ANN, "id": str(number), "mail": f"user{number}@x.example" if number % 7 else "broken",
            "state": chance.choice(states), "kind": chance.choice(("user", "bot", "")),
            "phone": chance.choice(("+491", "none", "")), "dept": chance.choice(("é \u2028", '"', "", "\\")),
        }
        for number in range(300)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "ending", ["json", "csv", *(pytest.param(ending, marks=pytest.mark.slow) for ending in ("ndjson", "parquet"))]
)
def test_batches_and_the_order_of_rows_never_change_the_result(tmp_path: Path, mapping: str, ending: str) -> None:
    rows = many_rows()
    results = []
    for place, (limits, order) in enumerate(
        [
            (ReadLimits(), rows),
            (ReadLimits(batch_rows=7, batch_bytes=900), rows),
            (ReadLimits(batch_rows=50), rows[::-1]),
        ]
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        settings = Settings(database=folder / "users.duckdb", limits=limits)
        Store(settings).prepare()
        job = import_file(settings, write(folder / f"members.{ending}", order), Mode.INSERT, mapping=mapping)
        assert job.total == job.inserted + job.failed
        assert job.total + job.not_users == len(rows)
        results.append((counts(job), job.errors_by_code, users_of(settings)))
    assert results[0] == results[1] == results[2]
    assert results[0][0]["inserted"] > 50


HOSTILE = [
    (r'{"mail":"a@x.example","s":"\ud800"}', {"INVALID_TEXT"}),
    (r'{"mail":"b@x.example","k\udc00":1}', {"INVALID_TEXT"}),
    ('{"mail":"c@x.example","mail":"d@x.example"}', {"DUPLICATE_KEY"}),
    ('{"mail":"e@x.example","o":{"a":1,"a":2}}', {"DUPLICATE_KEY"}),
    (r'{"mail":"f@x.example","c":"\u0001"}', {"INVALID_TEXT"}),
    ("5", {"NOT_AN_OBJECT"}),
    ("{bad", {"MALFORMED_RECORD"}),
    ('{"mail":["a@x.example"]}', {"INVALID_TYPE"}),
    ('{"mail":"g@x.example","state":[]}', {"INVALID_TYPE"}),
]


def test_each_fault_of_a_record_is_named_once(settings: Settings, tmp_path: Path, mapping: str) -> None:
    path = tmp_path / "members.ndjson"
    path.write_text("\n".join(text for text, _ in HOSTILE), encoding="utf-8")
    job = import_file(settings, path, Mode.INSERT, mapping=mapping)
    found = query_rows(settings, FOUND, job=job.job_id)
    assert [(record, code) for record, code, *_ in found] == [
        (record, code) for record, (_, codes) in enumerate(HOSTILE, start=1) for code in codes
    ]
    assert (job.failed, read_users(settings)) == (len(HOSTILE), [])


def test_secrets_are_shown_nowhere(settings: Settings, tmp_path: Path, mapping: str) -> None:
    rows = [{**row, "api_key": "s3cret", "note": '{"password": "s3cret"}'} for row in ROWS]
    job = import_file(settings, write(tmp_path / "members.ndjson", rows), Mode.INSERT, mapping=mapping)
    stored = [*query_rows(settings, "from import_errors where job_id = $job", job=job.job_id), *read_users(settings)]
    assert "s3cret" not in str(stored)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[fields]\nemial = "mail"\n', "line 2: fields.emial isn't a field of a user; did you mean email?"),
        ("[fields\n", "line 1: is not TOML: expected ']' at the end of a table declaration"),
    ],
)
def test_a_broken_mapping_is_refused_before_anything_is_read(
    settings: Settings, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    job = import_file(settings, write(tmp_path / "members.csv", ROWS), Mode.INSERT, mapping=str(path))
    assert job.fault is not None
    assert (job.fault["code"], job.fault["message"]) == ("MAPPING_INVALID", f"broken.toml cannot be used; {message}")
    assert (job.total, read_users(settings)) == (0, [])


def test_a_table_without_the_columns_of_the_mapping_is_refused(
    settings: Settings, tmp_path: Path, mapping: str
) -> None:
    path = write(tmp_path / "members.csv", [{"a": "1", "b": "2"}])
    job = import_file(settings, path, Mode.INSERT, mapping=mapping)
    assert job.fault is not None
    assert (job.fault["code"], read_users(settings)) == ("FILE_FORMAT", [])
