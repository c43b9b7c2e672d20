"""The fields of the wider record are read from texts, cells and typed columns."""

import json
from datetime import UTC, datetime

import polars as pl
import pyarrow as pa
import pytest

from schemas.fields import FIELD_NAMES
from schemas.formats.time_zones import TIME_ZONES
from schemas.frames import Layout
from schemas.profiles import PROFILES
from tests.validation import ENGINE, rows, validate_texts
from transforms.fields.columns import open_columns, read_columns
from transforms.fields.json_records import find_fields

NAMES = ("email", "roles", "groups")
CELLS = Layout(textual=True, columns=NAMES)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("admin", ["admin"]),
        (" admin ;  editor;;", ["admin", "editor"]),
        ("admin|editor", ["admin", "editor"]),
        ("a|b;c", ["a|b", "c"]),
        ('say "hi"; back\\slash', ['say "hi"', "back\\slash"]),
        (' ["admin", "a;b"] ', ["admin", "a;b"]),
        ("[]", []),
        ("\\N", None),
        (" ", None),
        (";", []),
    ],
)
def test_a_cell_holds_a_list_as_json_or_with_separators(cell: str, expected: list[str] | None) -> None:
    accepted = validate_texts([{"email": "a@b.c", "roles": cell}], layout=CELLS).accepted
    found = accepted["roles"].item()
    assert (None if found is None else json.loads(found)) == expected


@pytest.mark.parametrize("cell", ["[admin", "{}", '["a"'])
def test_a_cell_that_begins_as_json_and_is_none_is_refused(cell: str) -> None:
    errors = validate_texts([{"email": "a@b.c", "groups": cell}], layout=CELLS).errors
    assert errors.select("code", "path").rows() == [("INVALID_TYPE", "groups")]


def read_times(*times: object, type_: "pa.DataType") -> list[str | None]:
    """Return what is read from a column of times."""
    batch = pa.RecordBatch.from_pydict({"last_login_at": pa.array(times, type_)})
    numbered = rows([{}] * len(times)).select("record", "line")
    read = read_columns(open_columns(batch, numbered, engine=ENGINE), others={}, engine=ENGINE)
    return read.users["last_login_at"].to_list()


def test_times_of_a_typed_column_are_rfc_3339_in_utc() -> None:
    winter, summer = datetime(2024, 1, 31, 23, 30, tzinfo=UTC), datetime(2024, 7, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    expected = ["2024-01-31T23:30:00Z", "2024-07-01T00:00:00.123Z", None]
    assert read_times(winter, summer, None, type_=pa.timestamp("ms", tz="Europe/Berlin")) == expected
    naive = (winter.replace(tzinfo=None), summer.replace(tzinfo=None), None)
    assert read_times(*naive, type_=pa.timestamp("ms")) == expected


@pytest.mark.parametrize("key", ["locale", "\\u006cocale", "loc\\u0061le"])
def test_a_key_that_is_spelled_with_escapes_is_found(key: str) -> None:
    records = ['{"email":"a@b.c"}', f'{{"email":"b@b.c","{key}":"de"}}', f'{{"email":"c@b.c","{key}":5}}']
    validated = validate_texts(records)
    assert validated.accepted["locale"].to_list() == [None, "de"]
    assert validated.errors.select("record", "code", "path").rows() == [(3, "INVALID_TYPE", "locale")]


def test_only_the_wider_fields_that_a_text_has_are_looked_for() -> None:
    texts = pl.Series(['{"email":"a@b.c"}', '{"roles":[]}'])
    found = [field.name for field in find_fields(texts, PROFILES["auth0"])]
    assert [name for name in FIELD_NAMES if name not in found] == [
        *("middle_name", "locale", "zoneinfo", "birthdate", "registered_at", "last_login_at"),
        *("groups", "identities", "source_id"),
    ]
    assert "roles" not in [field.name for field in find_fields(texts, PROFILES["auth0-import"])]


def test_every_declared_time_zone_is_one_that_the_engine_knows() -> None:
    known = {str(name) for (name,) in ENGINE.execute("select name from pg_timezone_names()").fetchall()}
    assert {name for name in TIME_ZONES if name not in known} <= {"America/Coyhaique"}  # of 2025
    assert len({*TIME_ZONES}) == len(TIME_ZONES)
