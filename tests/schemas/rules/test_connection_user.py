"""Which field is required, and the rules of usernames, follow the settings of the connection."""

import pytest
from jsonschema import Draft202012Validator

from schemas.connection import ConnectionSettings, RequiredField
from schemas.json_schema import record_schema
from tests.examples import user
from tests.validation import faults_by_record, rules, validate_texts

STRICT = ConnectionSettings(
    connection="staff",
    username_required=True,
    username_min_length=3,
    username_max_length=5,
    username_pattern="^[a-z]+$",
)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (user(username="jane"), set()),
        (user(), {("OBJECT_REQUIRED", "username")}),
        (user(username=None), {("INVALID_TYPE", "username")}),
        (user(username="ja"), {("MIN_LENGTH", "username")}),
        (user(username="janeth"), {("MAX_LENGTH", "username")}),
        (user(username="JANE"), {("PATTERN", "username")}),
        (user(username="j@ne"), {("PATTERN", "username"), ("NOT_PASSED", "username")}),
        (user(username="j\tne"), {("INVALID_TEXT", "username")}),
    ],
)
def test_a_username_is_validated_by_its_connection(record: object, expected: set[tuple[str, str]]) -> None:
    assert faults_by_record(validate_texts([record], rule_set=rules(connection=STRICT)), 1) == [expected]


def test_the_message_names_the_limit_of_the_connection() -> None:
    validated = validate_texts([user(username="ja"), user(username="janeth")], rule_set=rules(connection=STRICT))
    assert validated.errors["message"].to_list() == [
        "has a length of 2; the minimum is 3",
        "has a length of 6; the maximum is 5",
    ]


def test_two_connections_do_not_share_their_rules() -> None:
    strict, lenient = rules(connection=STRICT), rules()
    assert not validate_texts([user(username="JANE")], rule_set=lenient).errors.height
    assert validate_texts([user(username="JANE")], rule_set=strict).errors.height


KEYED = {"username": "jane", "user_id": "u-1", "phone_number": "+4930123", "email": "jane@example.com"}


@pytest.mark.parametrize(
    ("required", "names", "missing"),
    [
        ("email", ("email",), []),
        ("email", ("username", "user_id"), ["email"]),
        ("username", ("username",), []),
        ("username", ("email",), ["username"]),
        ("user_id", ("user_id",), []),
        ("user_id", (), ["user_id"]),
        ("phone_number", ("phone_number", "user_id"), []),
        ("phone_number", ("phone_number", "username"), []),
        ("phone_number", ("phone_number",), ["email"]),
        ("phone_number", ("email",), ["phone_number"]),
        ("phone_number", (), ["email", "phone_number"]),
    ],
)
def test_a_record_must_have_the_required_field_and_a_key(
    required: RequiredField, names: tuple[str, ...], missing: list[str]
) -> None:
    connection, record = ConnectionSettings(required=required), {name: KEYED[name] for name in names}
    errors = validate_texts([record], rule_set=rules(connection=connection)).errors
    assert sorted(errors.select("path", "code").rows()) == [(path, "OBJECT_REQUIRED") for path in missing]
    assert Draft202012Validator(record_schema(connection)).is_valid(record) == (not missing)


def test_a_username_that_two_settings_require_is_missing_once() -> None:
    connection = ConnectionSettings(required="username", username_required=True)
    errors = validate_texts([user()], rule_set=rules(connection=connection)).errors
    assert errors["message"].to_list() == ["is missing; every user must have one"]
