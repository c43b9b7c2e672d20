"""Of the passwords that a record has, the first that can be kept comes in; each user without any has one warning."""

import duckdb
import pytest

from tests.transforms.mapping.mapped import map_values

EMAIL = '[fields]\nemail = "mail"\n'
BCRYPT = "$2b$10$" + "abcdefghijklmnopqrstuv" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
OLDER = BCRYPT.replace("2b", "2a")
SEVERAL = (
    EMAIL + '[[password]]\nscheme = "spelled"\nparts = { value = "hash" }\n'
    '[[password]]\nscheme = "spelled"\nparts = { value = "old" }\nwhen = "is_old"\n'
    '[[password]]\nplain = "plain"\nunless = "hash"\n'
)
LEFT_OUT = "PASSWORD_LEFT_OUT"


@pytest.mark.parametrize(
    ("given", "kept", "warnings"),
    [
        ({"hash": BCRYPT}, BCRYPT, []),
        ({"hash": BCRYPT, "old": OLDER, "is_old": 1, "plain": "x"}, BCRYPT, []),
        ({"hash": "?", "old": OLDER, "is_old": 1}, OLDER, []),
        ({"hash": "?", "old": "?", "is_old": 1}, None, ["custom_password_hash"]),
        ({"hash": "?", "plain": "x"}, None, ["custom_password_hash"]),
        ({"plain": "x"}, None, ["password_hash"]),
        ({"plain": ""}, None, []),
        ({"old": OLDER}, None, ["custom_password_hash"]),
        ({}, None, []),
    ],
)
def test_the_first_password_that_can_be_kept_counts(
    engine: duckdb.DuckDBPyConnection, given: dict[str, object], kept: str | None, warnings: list[str]
) -> None:
    mapped = map_values(engine, SEVERAL, {"mail": "a@x.example"} | given)
    assert mapped.field("password_hash") == [kept]
    assert mapped.warnings == [(1, LEFT_OUT, path) for path in warnings]
    assert mapped.rest == [{"is_old": 1} if "is_old" in given else {}]


def test_parts_are_read_as_values_are(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = EMAIL + '[[password]]\nscheme = "spelled"\nparts = { value = { from = ["a", "b"], join = "$" } }\n'
    mapping += '[[password]]\nscheme = "spelled"\nparts = { value = { from = "c", pattern = "^x:", replace = "" } }\n'
    head, _, tail = BCRYPT.rpartition("$")
    mapped = map_values(engine, mapping, {"a": head, "b": tail}, {"c": f"x:{BCRYPT}"}, {"c": {"v": 1}})
    assert mapped.field("password_hash") == [BCRYPT, BCRYPT, None]
    assert mapped.warnings == [(3, LEFT_OUT, "custom_password_hash")]


def test_what_is_beside_a_password_in_an_array_is_named(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'leave_out = ["keys[type=otp]"]\n' + EMAIL
    mapping += '[[password]]\nscheme = "spelled"\nparts = { value = "keys[type=password].value" }\n'
    key = {"type": "password", "value": BCRYPT}
    others = ({"type": "otp", "value": "s3"}, {"type": "new", "value": "s3"})
    mapped = map_values(engine, mapping, {"keys": [key]}, {"keys": [key, others[0]]}, {"keys": [key, *others]})
    assert mapped.field("password_hash") == [BCRYPT] * 3
    assert mapped.warnings == [
        (2, "LEFT_OUT", "keys[type=otp]"),
        (3, "LEFT_OUT", "keys"),
        (3, "LEFT_OUT", "keys[type=otp]"),
    ]
    assert mapped.rest == [{}, {}, {}]
