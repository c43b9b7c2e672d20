"""Test what becomes of nulls in place of fields before the rules see them."""

from collections.abc import Mapping

import pytest

from schemas.fields import FIELD_NAMES
from schemas.job import NullMeaning
from schemas.profiles import PROFILES
from tests.validation import ENGINE, rows
from transforms.fields.json_records import read_json_records
from transforms.null_values import read_nulls

HASH = {"algorithm": "md5"}


def types_and_cleared(null: NullMeaning, *records: object) -> list[tuple[Mapping[str, str], str | None]]:
    """Return of each record the JSON types of the fields that it has, and what it clears."""
    values = read_json_records(rows(records), engine=ENGINE, profile=PROFILES["auth0"])
    users = read_nulls(values.users, null=null, required="email")
    types = ({name: row[f"{name}:type"] for name in FIELD_NAMES} for row in users.rows(named=True))
    given = [{name: kind for name, kind in found.items() if kind} for found in types]
    return list(zip(given, users["cleared"], strict=True))


def test_a_null_that_is_refused_keeps_its_type() -> None:
    found = types_and_cleared("refuse", {"email": None, "name": None, "blocked": True})
    assert found == [({"email": "null", "name": "null", "blocked": "boolean"}, None)]


def test_a_null_can_be_absent_in_every_field() -> None:
    assert types_and_cleared("absent", dict.fromkeys(FIELD_NAMES), {"name": "A"}) == [
        ({}, None),
        ({"name": "string"}, None),
    ]


def test_a_null_can_clear_every_field_but_the_required_one() -> None:
    others = [name for name in FIELD_NAMES if name not in ("email", "custom_password_hash")]
    found = types_and_cleared("clear", dict.fromkeys(FIELD_NAMES), {"name": "A"})
    assert found == [({"email": "null"}, ",".join(("email", *others))), ({"name": "string"}, None)]


def test_nulls_inside_of_a_field_are_part_of_its_value() -> None:
    record = {"user_metadata": {"a": None}, "custom_password_hash": {"salt": None}, "roles": [None]}
    kinds = {"user_metadata": "object", "custom_password_hash": "object", "roles": "array"}
    for null in ("absent", "clear"):
        assert types_and_cleared(null, record) == [(kinds, None)]


@pytest.mark.parametrize(
    ("record", "cleared"),
    [
        ({"password_hash": None}, "password_hash"),
        ({"custom_password_hash": None}, "custom_password_hash"),
        ({"password_hash": None, "custom_password_hash": None}, "password_hash"),
        ({"password_hash": "$2b$10$a", "custom_password_hash": None}, None),
        ({"password_hash": None, "custom_password_hash": HASH}, None),
    ],
)
def test_a_null_beside_the_other_kind_of_hash_clears_none(record: Mapping[str, object], cleared: str | None) -> None:
    ((_, found),) = types_and_cleared("clear", record)
    assert found == cleared
