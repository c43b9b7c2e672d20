"""The samples of identity providers become the users in `identity`, also in other containers and orders of columns."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from schemas.mapping.names import vendor_profiles
from tests.flows.readers.mapping.samples import SAMPLES, Outcome, choose_of, list_samples, open_sample, read_users
from tests.flows.readers.outcomes import Reader
from tests.transforms.hashes.verifying import verifies
from transforms.mapping.profiles import get_profile

EXPECTED = Path(__file__).parent / "identity"
MINE = [SAMPLES / path.stem for path in sorted(EXPECTED.glob("*.json"))]
JSON = [path for path in MINE if path.suffix in (".json", ".ndjson")]
TABLES = [path for path in MINE if path.suffix == ".csv" and not get_profile(path.stem).header]


def name_of(path: Path) -> str:
    return path.name


def expect(path: Path) -> dict[str, Any]:
    """Return what is expected of a sample."""
    found: dict[str, Any] = json.loads((EXPECTED / f"{path.name}.json").read_text(encoding="utf-8"))
    return found


def read_text(reader: Reader, text: str, name: str) -> Outcome:
    return read_users(reader.source(text.encode(), name), engine=reader.engine)


def records_of(path: Path) -> list[Any]:
    """Return the records of a JSON sample, without what is around them."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in text.splitlines()]
    whole = json.loads(text)
    containers = get_profile(path.stem).containers
    found: list[Any] = whole if isinstance(whole, list) else next(whole[key] for key in containers if key in whole)
    return found


@pytest.mark.parametrize("path", MINE, ids=name_of)
def test_a_sample_becomes_the_expected_users(path: Path, reading_engine: duckdb.DuckDBPyConnection) -> None:
    found, expected = read_users(open_sample(path), engine=reading_engine), expect(path)
    assert found.users == expected["users"]
    assert (found.not_users, found.warnings, found.errors) == (expected["not_users"], expected["warnings"], [])


@pytest.mark.parametrize("path", [path for path in MINE if "passwords" in expect(path)], ids=name_of)
def test_the_hashes_of_a_sample_are_those_of_its_passwords(path: Path) -> None:
    expected = expect(path)
    hashed = {user["email"]: user for user in expected["users"] if {"password_hash", "custom_password_hash"} & {*user}}
    assert hashed.keys() == expected["passwords"].keys()
    for email, password in expected["passwords"].items():
        custom = hashed[email].get("custom_password_hash")
        assert verifies(
            password,
            password_hash=hashed[email].get("password_hash"),
            custom_password_hash=custom and json.dumps(custom),
        )


@pytest.mark.parametrize("path", list_samples(), ids=name_of)
def test_no_sample_is_taken_for_another_system(path: Path) -> None:
    assert path.stem in vendor_profiles()
    assert choose_of(open_sample(path)) == path.stem


@pytest.mark.parametrize("path", JSON, ids=name_of)
def test_users_are_the_same_in_every_container(path: Path, reader: Reader) -> None:
    records, expected = records_of(path), expect(path)["users"]
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    for text, name in ((json.dumps(records), "users.json"), (lines, "users.ndjson")):
        found = read_text(reader, text, name)
        assert (found.profile, found.users) == (path.stem, expected)


@pytest.mark.parametrize("path", JSON, ids=name_of)
def test_one_user_alone_is_recognised(path: Path, reader: Reader) -> None:
    found = read_text(reader, json.dumps(records_of(path)[0], indent=1), "user.json")
    assert (found.profile, found.users) == (path.stem, expect(path)["users"][:1])


@pytest.mark.parametrize("path", TABLES, ids=name_of)
def test_users_are_the_same_in_every_order_of_columns(path: Path, reader: Reader) -> None:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    above = [line for line in lines if line.startswith("version:")]
    rows = [row[::-1] for row in csv.reader(lines[len(above) :])]
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    found = read_text(reader, "\ufeff" + "\n".join([*above, text.getvalue()]), path.name)
    expected = expect(path)["users"]
    assert found.profile == path.stem
    assert [sort_metadata(user) for user in found.users] == [sort_metadata(user) for user in expected]


def sort_metadata(user: dict[str, Any]) -> dict[str, Any]:
    """Return the user with the lists that follow the order of the columns in order."""
    return {name: sorted(value, key=str) if isinstance(value, list) else value for name, value in user.items()}
