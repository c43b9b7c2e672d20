"""The printed schema and templates agree with the rules, the fields and one another."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from flows.__main__ import app
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from schemas.connection import ConnectionSettings
from schemas.example import EXAMPLE
from schemas.fields import FIELD_NAMES
from schemas.json_schema import record_schema
from tests.flows.importing import import_file
from tests.validation import find_faults


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(app, arguments) == 0
    return capsys.readouterr().out


def test_the_schema_is_valid_and_accepts_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(printed(capsys, "schema"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(EXAMPLE)
    assert not Draft202012Validator(schema).is_valid({**EXAMPLE, "roles": ["a", "a"]})
    assert tuple(schema["properties"]) == FIELD_NAMES
    assert json.loads(printed(capsys, "schema", "--json")) == schema


def test_the_schema_has_the_rules_of_a_connection(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store = Store(Settings(database=tmp_path / "users.duckdb"))
    store.prepare()
    shop = ConnectionSettings(connection="shop", required="username", username_max_length=12)
    add_connection(store, shop)
    text = printed(capsys, "schema", "--connection", "shop", "--database", str(store.path))
    assert json.loads(text) == json.loads(json.dumps(record_schema(shop)))
    assert (json.loads(text)["required"], json.loads(text)["properties"]["username"]["maxLength"]) == (["username"], 12)


def test_the_example_is_valid_and_has_every_field_but_the_second_hash() -> None:
    assert find_faults([EXAMPLE]) == [set()]
    assert {*FIELD_NAMES} - {*EXAMPLE} == {"custom_password_hash"}


def test_the_template_of_json_can_be_imported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(printed(capsys, "template", "json"))
    assert import_file(Settings(database=tmp_path / "users.duckdb"), path).inserted == 1
    assert json.loads(printed(capsys, "template", "json", "--json")) == [EXAMPLE]


def test_the_template_of_csv_is_a_header_of_every_field(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(printed(capsys, "template", "csv"))
    assert path.read_text() == ",".join(FIELD_NAMES) + "\n"
    assert import_file(Settings(database=tmp_path / "users.duckdb"), path).counts == "no users in the file"
    assert json.loads(printed(capsys, "template", "csv", "--json")) == {"columns": [*FIELD_NAMES]}
