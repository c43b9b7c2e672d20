"""The rules of usernames follow the settings of the connection."""

import pytest

from schemas.connection import ConnectionSettings
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
