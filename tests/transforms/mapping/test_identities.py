"""Accounts at other providers are the items of an array."""

import json

import duckdb
import polars as pl
import pytest

from schemas.frames import RECORDS
from schemas.mapping.language import Mapping, Rule
from tests.transforms.mapping.mapped import map_values
from transforms.mapping.identities import read_identities
from transforms.mapping.rules import Words
from transforms.mapping.values_at import read_values

EACH = {"each": {"provider": {"from": "p", "map": {"google-oauth2": "google"}}, "user_id": "id", "email": "mail"}}
ACCOUNT = {"p": "google-oauth2", "id": 12345678901234567890, "mail": None, "extra": "é"}


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ({"from": "x"} | EACH, [ACCOUNT], [{"provider": "google", "user_id": "12345678901234567890"}]),
        ({"from": "x[]"} | EACH, [ACCOUNT], [{"provider": "google", "user_id": "12345678901234567890"}]),
        ({"from": "x"} | EACH, [{"p": 'a"b\\', "id": "1"}, "text", {}, None], [{"provider": 'a"b\\', "user_id": "1"}]),
        ({"from": "x"} | EACH, [], None),
        ({"from": "x"} | EACH, None, None),
        ({"from": "x"} | EACH, "text", None),
        ("x", [{"provider": "a", "user_id": "1"}], [{"provider": "a", "user_id": "1"}]),
    ],
)
def test_identities_are_written(
    engine: duckdb.DuckDBPyConnection, rule: object, given: object, expected: object
) -> None:
    rules = [Rule.model_validate(rule)]
    texts = [json.dumps({"x": given}), "{}", json.dumps({"x": given})]
    frame = pl.DataFrame({"record": [3, 4, 5], "line": [1, 2, 3], "text": texts}, schema=RECORDS)
    items = [path if path.is_many else path.items for path in rules[0].at]
    found = read_values(frame, [*rules[0].at, *items], used=(), engine=engine)
    words = Words.of(Mapping.model_validate({"fields": {"email": "e"}}))
    written = read_identities(found, rules, words, engine=engine).columns[0].to_list()
    assert [text and json.loads(text) for text in written] == [expected, None, expected]


OF_RECORD = """[fields]
email = "mail"
[[fields.identities]]
each = { provider = { value = "google.com" }, user_id = "google_id", email = "google_mail" }
[[fields.identities]]
each = { provider = "service", user_id = "service_id" }
"""


@pytest.mark.parametrize(
    ("given", "identities", "warnings"),
    [
        ({"google_id": 7}, '[{"provider":"google.com","user_id":"7"}]', []),
        (
            {"google_id": "7", "google_mail": "g@x.example", "service": "ldap", "service_id": "a"},
            '[{"provider":"google.com","user_id":"7","email":"g@x.example"},{"provider":"ldap","user_id":"a"}]',
            [],
        ),
        ({"google_id": "", "service": None}, None, []),
        ({"google_mail": "g@x.example"}, None, [(1, "LEFT_OUT", "identities")]),
        ({"service": "ldap"}, None, [(1, "LEFT_OUT", "identities")]),
    ],
)
def test_a_record_itself_can_have_the_members_of_identities(
    engine: duckdb.DuckDBPyConnection, given: dict[str, object], identities: object, warnings: object
) -> None:
    mapped = map_values(engine, OF_RECORD, {"mail": "a@x.example"} | given)
    assert (mapped.field("identities"), mapped.warnings, mapped.rest) == ([identities], warnings, [{}])


ONE = """
[fields]
email = "email"
[[fields.identities]]
each = { provider = "service", user_id = "data.id" }
[[fields.identities]]
each = { provider = { value = "google" }, user_id = "google.id", email = "google.email" }
"""


def test_an_account_can_be_that_of_the_record_itself(engine: duckdb.DuckDBPyConnection) -> None:
    both = {"service": "ldap", "data": {"id": 7}, "google": {"id": "g", "email": "a@x.example", "scope": 1}}
    mapped = map_values(engine, ONE, both, {"service": "ldap"}, {"email": "b@x.example"})
    assert mapped.field("identities") == [
        '[{"provider":"ldap","user_id":"7"},{"provider":"google","user_id":"g","email":"a@x.example"}]',
        None,
        None,
    ]
    assert mapped.rest == [{"google": {"scope": 1}}, {}, {}]
    assert mapped.warnings == [(2, "LEFT_OUT", "identities")]
