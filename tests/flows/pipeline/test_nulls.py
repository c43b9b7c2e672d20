"""What a null of JSON means to a job: from the option to the tables, in every format and mode, and back again."""

import json
from pathlib import Path

import polars as pl
import pytest

from flows.pipeline.undo import undo
from flows.report.rejects import write_rejects
from flows.settings import Settings, format_import
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.diff import find_changes
from flows.store.jobs import find_errors
from schemas.connection import ConnectionSettings
from schemas.fields import FIELD_NAMES
from schemas.job import JobSummary, Mode
from schemas.options import InboxOptions, JobOptions
from tests.flows.importing import Record, import_file, import_records, query_rows, read_users
from tests.flows.readers.excel.workbooks import write_xlsx
from tests.marks import mostly_slow

HASH = f"$2b$10${'a' * 53}"
ADA: Record = {
    "email": "ada@x.example",
    "email_verified": True,
    "phone_number": "+491",
    "phone_verified": True,
    "user_id": "u-ada",
    "username": "ada",
    "given_name": "Ada",
    "family_name": "Lund",
    "name": "Ada Lund",
    "nickname": "al",
    "picture": "https://x.example/ada.png",
    "blocked": False,
    "password_hash": HASH,
    "app_metadata": {"plan": "pro"},
    "user_metadata": {"color": None},
    "mfa_factors": [{"phone": {"value": "+491"}}],
    "middle_name": "M.",
    "locale": "de",
    "zoneinfo": "Europe/Berlin",
    "birthdate": "1990-12-31",
    "registered_at": "2024-02-29T13:05:00Z",
    "last_login_at": "2024-02-29T13:05:00Z",
    "roles": ["editor"],
    "groups": ["a"],
    "identities": [{"provider": "p", "user_id": "1"}],
    "source_id": "17",
}
KEYS = ("email", "user_id", "username")
NULLS: Record = {"email": ADA["email"], **{name: None for name in FIELD_NAMES if name not in KEYS}}
NEVER_OR_FILLED = {"phone_number", "password_hash", "mfa_factors"}
FORMATS = ("json", "ndjson", "csv", "parquet", "xlsx")


def write(settings: Settings, form: str, record: Record) -> Path:
    """Write one record, an absent value of a table as an empty cell."""
    path = settings.database.parent / f"nulls.{form}"
    match form:
        case "json":
            path.write_text(json.dumps([record]))
        case "ndjson":
            path.write_text(json.dumps(record))
        case "csv":
            path.write_text(f"{','.join(record)}\n{','.join(str(value or '') for value in record.values())}\n")
        case "xlsx":
            path.write_bytes(write_xlsx([*record], [*record.values()]))
        case _:
            pl.DataFrame([record], schema=dict.fromkeys(record, pl.String)).write_parquet(path)
    return path


def faults(settings: Settings, job: JobSummary) -> set[tuple[str, str]]:
    return {(str(error["code"]), str(error["path"])) for error in find_errors(Store(settings), job.job_id)}


def nulls_left_out(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


@pytest.mark.parametrize("form", mostly_slow(FORMATS, quick=("json", "csv", "parquet")))
@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.UPDATE])
@pytest.mark.parametrize("null", ["refuse", "absent", "clear"])
def test_only_a_null_of_json_says_anything(settings: Settings, form: str, mode: Mode, null: str) -> None:
    import_records(settings, [ADA])
    before = read_users(settings)
    job = import_file(settings, write(settings, form, NULLS), mode, null=null)
    if form in ("csv", "parquet", "xlsx") or null == "absent":
        assert (job.unchanged, job.warnings, read_users(settings)) == (1, 0, before)
    elif null == "refuse":
        assert (job.failed, read_users(settings)) == (1, before)
        assert faults(settings, job) == {("INVALID_TYPE", name) for name in NULLS if name != "email"}
    else:
        assert (job.updated, job.warnings) == (1, 3)
        assert faults(settings, job) == {("NOT_CHANGED", name) for name in NEVER_OR_FILLED}
        (user,) = read_users(settings)
        left = {name for name in FIELD_NAMES if user[name] is not None}
        assert left == {*KEYS, *NEVER_OR_FILLED, "email_verified", "phone_verified"}
        assert (user["email_verified"], user["phone_verified"]) == (False, False)


@pytest.mark.parametrize("form", mostly_slow(FORMATS, quick=("ndjson", "csv")))
@pytest.mark.parametrize("mode", [Mode.INSERT, Mode.UPSERT])
def test_a_new_user_is_as_if_nulls_were_absent(settings: Settings, form: str, mode: Mode) -> None:
    nulls = {**dict.fromkeys(FIELD_NAMES), "email": "ada@x.example", "user_id": "u-ada"}
    job = import_file(settings, write(settings, form, nulls), mode, null="clear")
    (user,) = read_users(settings)
    given = {name: value for name in FIELD_NAMES if (value := user[name]) is not None}
    assert (job.inserted, job.warnings) == (1, 0)
    assert given == {**nulls_left_out(nulls), "email_verified": False, "phone_verified": False}


@pytest.mark.parametrize("policy", ["replace", "fill", "keep"])
def test_a_policy_says_whether_a_null_clears(settings: Settings, policy: str) -> None:
    import_records(settings, [ADA])
    names = ("name", "password_hash", "app_metadata", "roles", "email_verified")
    record = {"email": ADA["email"], **dict.fromkeys(names)}
    job = import_records(settings, [record], null="clear", policy=dict.fromkeys(names, policy))
    (user,) = read_users(settings)
    if policy == "replace":
        assert (job.updated, job.warnings, [user[name] for name in names]) == (1, 0, [None] * 4 + [False])
    else:
        assert (job.unchanged, faults(settings, job)) == (1, {("NOT_CHANGED", name) for name in names})
    again = import_records(settings, [record], null="clear", policy=dict.fromkeys(names, policy))
    assert (again.unchanged, again.warnings) == (1, job.warnings)


def test_what_was_cleared_is_planned_shown_and_restored(settings: Settings) -> None:
    import_records(settings, [ADA])
    before, plan = read_users(settings), settings.database.parent / "plan.ndjson"
    record = {"email": ADA["email"], "name": None, "password_hash": None, "roles": None}
    policy = {"password_hash": "replace"}
    import_records(settings, [record], null="clear", policy=policy, dry_run=True, plan=str(plan))
    assert read_users(settings) == before
    changes = [
        {"field": "name", "old": "Ada Lund", "new": None},
        {"field": "roles", "old": ["editor"], "new": None},
        {"field": "password_hash", "old": "*****", "new": None},
    ]
    planned = json.loads(plan.read_text())
    assert (planned["outcome"], planned["changes"]) == ("update", changes)
    job = import_records(settings, [record], null="clear", policy=policy)
    (diff,) = find_changes(Store(settings), job.job_id)
    assert [(change.field, change.shown) for change in diff.changes] == [
        ("name", ("Ada Lund", "")),
        ("roles", ('["editor"]', "")),
        ("password_hash", ("", "changed")),
    ]
    history = "select name_before, roles_before::varchar, len(changes) from user_history where job_id = $job"
    assert query_rows(settings, history, job=job.job_id) == [("Ada Lund", '["editor"]', 3)]
    undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
    assert read_users(settings) == before


@pytest.mark.parametrize(
    ("record", "code", "path"),
    [
        ({"email": "ada@x.example", "username": None}, "INVALID_TYPE", "username"),
        ({"email": "ada@x.example", "user_id": None}, "INVALID_TYPE", "user_id"),
        ({"email": None, "user_id": "u-ada"}, "INVALID_TYPE", "email"),
    ],
)
def test_an_update_cannot_clear_a_key(settings: Settings, record: Record, code: str, path: str) -> None:
    import_records(settings, [ADA])
    before = read_users(settings)
    other = {"email": "ada@x.example", "name": "Other"}
    job = import_records(settings, [{**record, "name": None}, {**other, "user_id": "u-2"}], null="clear")
    assert (job.updated, job.failed) == (1, 1)  # the refused row is repeated by none
    (error,) = find_errors(Store(settings), job.job_id)[:1]
    assert (error["code"], error["path"]) == (code, path)
    assert "cannot" in str(error["message"])
    undo(job.job_id, dry_run=False, settings=settings, job_id="undo")
    assert read_users(settings) == before


def test_a_key_can_be_cleared_of_a_user_who_lacks_it(settings: Settings) -> None:
    add_connection(Store(settings), ConnectionSettings(connection="shop", required="user_id"))
    import_records(settings, [{"user_id": "u-1", "name": "A"}], connection="shop")
    job = import_records(
        settings, [{"user_id": "u-1", "email": None, "username": None, "name": None}], connection="shop", null="clear"
    )
    assert (job.updated, job.warnings) == (1, 0)
    refused = import_records(settings, [{"user_id": None, "email": "a@x.example"}], connection="shop", null="clear")
    sentence = "must be a string, not null; every user must have one, so it cannot be cleared"
    assert [error["message"] for error in find_errors(Store(settings), refused.job_id)] == [sentence]


def test_the_required_field_is_missing_where_null_is_absent(settings: Settings) -> None:
    job = import_records(settings, [{"email": None, "user_id": "u-1"}], null="absent")
    assert job.errors_by_code == {"OBJECT_REQUIRED": 1}


def test_a_refused_record_keeps_the_nulls_that_clear(settings: Settings) -> None:
    import_records(settings, [ADA])
    record = {"email": "ada@x.example", "username": None, "name": None, "roles": ["a"]}
    job = import_records(settings, [record], null="clear")
    path = settings.database.parent / "rejects.ndjson"
    write_rejects(Store(settings), job.job_id, path)
    (line,) = path.read_text().splitlines()
    kept = {name: value for name, value in json.loads(line).items() if not name.startswith("import_")}
    assert kept == record


def test_a_mapping_can_clear_and_the_option_takes_precedence(settings: Settings) -> None:
    import_records(settings, [ADA])
    before = read_users(settings)
    mapping = settings.database.parent / "mapping.toml"
    mapping.write_text('null = "clear"\n[fields]\nemail = "mail"\nname = "cn"\npicture = "photo"\nroles = "r"\n')
    path = settings.database.parent / "people.ndjson"
    path.write_text(json.dumps({"mail": "ada@x.example", "cn": None, "photo": None, "r": None}))
    assert import_file(settings, path, mapping=str(mapping), null="refuse").errors_by_code == {"INVALID_TYPE": 3}
    assert import_file(settings, path, mapping=str(mapping), null="absent").unchanged == 1
    assert read_users(settings) == before
    assert import_file(settings, path, mapping=str(mapping)).updated == 1
    (user,) = read_users(settings)
    assert [user[name] for name in ("name", "picture", "roles")] == [None] * 3
    assert user["nickname"] == "al"


def test_the_meaning_of_null_is_part_of_what_was_imported(settings: Settings) -> None:
    path = write(settings, "ndjson", {"email": "ada@x.example", "name": None})
    first = import_file(settings, path, null="absent", again=False)
    assert import_file(settings, path, null="absent", again=False) == first
    assert import_file(settings, path, null="clear", again=False).unchanged == 1


def test_the_option_is_kept_by_commands_and_the_inbox(settings: Settings) -> None:
    command = format_import(JobOptions(sources=("a.json",), null="clear"), database=settings.database)
    assert "--null clear" in command
    assert InboxOptions(inbox="folder", null="absent").for_file("a.json").null == "absent"
