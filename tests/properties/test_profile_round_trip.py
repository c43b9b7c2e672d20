"""Users of the wider record come back equal from the shape of every profile, but for what it cannot say."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.settings import Settings
from flows.store.database import scratch
from schemas.fields import FIELD_NAMES, TIME_FIELDS
from schemas.mapping.language import Mapping as Language
from schemas.mapping.names import vendor_profiles
from tests.flows.readers.mapping.samples import open_sample, read_users
from tests.marks import mostly_slow
from tests.properties.profile_shapes import User, shape_users
from tests.properties.test_round_trip import generate_users
from transforms.field_names import fold_name
from transforms.mapping.profiles import get_profile
from transforms.mapping.records import list_paths
from transforms.mapping.tables import for_table

HEADINGS = {"entra-csv": "Title {} Required", "google-workspace": "{} [Required]"}  # around the name of a column
FACTORS = ({"totp": {"secret": "JBSWY3DPEHPK3PXP"}}, {"phone": {"value": "+491"}}, {"email": {"value": "a@example.net"}})
CASES = [
    (name, form)
    for name in vendor_profiles()
    for form in ("json", "csv")
    if form in get_profile(name).formats
]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch(Settings()) as connection:
        yield connection


def list_users() -> list[User]:
    """Return users with all kinds of second factors."""
    users = enumerate(generate_users(100))
    return [
        {**user, "mfa_factors": [FACTORS[number % 3]]} if "mfa_factors" in user else user for number, user in users
    ]


def list_columns(name: str, mapping: Language) -> list[str]:
    """Return the columns of the profile's tables."""
    columns = {fold_name(path.column): path.column for path in reversed(list_paths(mapping))}
    return [*mapping.header] or [HEADINGS.get(name, "{}").format(column) for column in columns.values()]


def write_table(path: Path, records: Sequence[Mapping[str, Any]], mapping: Language) -> None:
    columns = mapping.header or {column: None for record in records for column in record}
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [*columns])
        if not mapping.header:
            rows.writeheader()
        rows.writerows({name: _cell(value, mapping) for name, value in record.items()} for record in records)


def _cell(value: Any, mapping: Language) -> str:
    return f"{mapping.text_prefix}{value}" if isinstance(value, str) else json.dumps(value)


def comparable(user: User, names: frozenset[str], mapping: Language) -> User:
    """Return the fields of these names, times as times, metadata without what has no field of its own."""
    found = {name: value for name, value in user.items() if name in names and value is not None}
    if "user_metadata" in found:
        found["user_metadata"] = {key: found["user_metadata"][key] for key in found["user_metadata"] if key != mapping.system}
    times = {name: datetime.fromisoformat(found[name]) for name in TIME_FIELDS if name in found}
    return {name: value for name, value in {**found, **times}.items() if value not in ({}, [])}


@pytest.mark.parametrize(("name", "form"), CASES)
def test_users_come_back_equal_but_for_what_a_profile_cannot_say(
    name: str, form: str, tmp_path: Path, engine: duckdb.DuckDBPyConnection
) -> None:
    mapping, path = get_profile(name), tmp_path / f"users.{form}"
    shaped = shape_users(for_table(mapping, list_columns(name, mapping)) if form == "csv" else mapping, list_users())
    if form == "csv":
        write_table(path, shaped.records, mapping)
    else:
        path.write_text(json.dumps({mapping.containers[0]: shaped.records}), encoding="utf-8")
    outcome = read_users(open_sample(path), engine=engine, requested=name)
    print(name, form, sorted(shaped.said), "NOT", sorted((set(mapping.fields)|{"password_hash"}) - shaped.said))
    assert (outcome.errors, outcome.not_users) == ([], 0)
    pairs = zip(outcome.users, shaped.users, strict=True)
    for found, expected in pairs:
        names = shaped.said & expected.keys()
        assert comparable(found, names, mapping) == comparable(expected, names, mapping)
