"""Nothing is dropped silently: what no field takes is in the metadata or named in a warning; secrets never stay."""

import json

import duckdb
import pytest

from tests.transforms.mapping.mapped import map_values

EMAIL = '[fields]\nemail = "mail"\n'
USER = {"mail": "a@x.example"}


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({"x": 1, "f": False, "z": 0, "t": "text"}, {"x": 1, "f": False, "z": 0, "t": "text"}),
        ({"n": None, "e": "", "o": {}, "l": []}, {}),
        ({"o": {"n": None, "e": "", "x": [None, {}]}}, {"o": {"n": None, "e": "", "x": [None, {}]}}),
        ({"a.b": 1, "a/b": 2, "a~b": 3, "": 4, "*": 5}, {"a.b": 1, "a/b": 2, "a~b": 3, "": 4, "*": 5}),
        ({'q"': 1, "b\\": 2, "é": 3, "tab\t": 4, "\x01": 5}, {'q"': 1, "b\\": 2, "é": 3, "tab\t": 4, "\x01": 5}),
        ({"a.b": "", "a/b": None, 'q"': {}, "b\\": [], "\x01": "", "": None, "é": 1}, {"é": 1}),
        ({"t": 'quote " and \\ and \n and \u2028'}, {"t": 'quote " and \\ and \n and \u2028'}),
    ],
)  # fmt: skip
def test_what_no_rule_reads_is_kept(
    engine: duckdb.DuckDBPyConnection, given: dict[str, object], rest: dict[str, object]
) -> None:
    mapped = map_values(engine, EMAIL, USER | given)
    assert (mapped.rest, mapped.warnings, mapped.keys) == ([rest], [], [])


def test_numbers_are_kept_as_they_are_written(engine: duckdb.DuckDBPyConnection) -> None:
    text = '{"mail":"a@x.example","big":12345678901234567890123.4500,"o":{"v":1e400,"w":-0,"x":0.10}}'
    mapped = map_values(engine, EMAIL, text)
    assert mapped.field("user_metadata") == [
        '{"source":{"big":12345678901234567890123.4500,"o":{"v":1e400,"w":-0,"x":0.10}}}'
    ]


def test_escaped_names_are_the_same_names(engine: duckdb.DuckDBPyConnection) -> None:
    mapped = map_values(engine, EMAIL, '{"m\\u0061il":"\\u0061@x.example","\\u00e9":"\\u0041"}')
    assert (mapped.field("email"), mapped.rest) == (["a@x.example"], [{"é": "A"}])


@pytest.mark.parametrize(
    ("mapping", "given", "rest"),
    [
        ('name = ["x", "y"]', {"x": "Ann", "y": "Bo"}, {"y": "Bo"}),
        ('name = ["x", "y"]', {"x": "Ann", "y": "Ann"}, {}),
        ('name = ["x", "y"]', {"x": None, "y": "Bo"}, {}),
        ('name = { from = "x", fits = "^[a-z]+$" }', {"x": "ANN"}, {"x": "ANN"}),
        ('name = { from = "x", fits = "^[a-z]+$" }', {"x": {"a": 1}}, {"x": {"a": 1}}),
        ('name = { from = "x", fits = "^[a-z]+$" }\nnickname = "x"', {"x": "ANN"}, {}),
        ('name = { from = "x", fits = "^a" }\nnickname = { from = "x", fits = "^b" }', {"x": "b"}, {}),
        ('name = { from = "x", fits = "^a" }\nnickname = { from = "x", fits = "^b" }', {"x": "c"}, {"x": "c"}),
        ('name = [{ from = ["x", "y"], join = " " }, "z"]', {"x": "A", "y": "B", "z": "C"}, {"z": "C"}),
        ('blocked = ["x", "y"]', {"x": True, "y": "no"}, {"y": "no"}),
        ('blocked = { from = "x", present = true }', {"x": "2020-01-01"}, {"x": "2020-01-01"}),
        ('name = "x.y"', {"x": {"y": "Ann", "z": {"k": None}}}, {"x": {"z": {"k": None}}}),
        ('name = ["x.y", { from = "x", fits = "." }]', {"x": {"y": "Ann", "z": 1}}, {"x": {"z": 1}}),
        ('name = ["x.y", { from = "x", fits = "." }]', {"x": {"y": "Ann"}}, {}),
        ('name = ["x.y", { from = "x", fits = "." }]', {"x": "Ann"}, {}),
        ('name = ["x.y", { from = "x", fits = "^B" }]', {"x": "Ann"}, {"x": "Ann"}),
        ('name = ["x[].y", { from = "x", fits = "." }]', {"x": [{"y": "Ann"}, {"y": "Bo"}]}, {"x": [{"y": "Bo"}]}),
        ('name = ["x[].y", { from = "x", fits = "." }]', {"x": "Ann"}, {}),
        ('roles = "x[].y[]"', {"x": [{"y": ["a", "b"], "z": 1}, {"z": 2}]}, {"x": [{"z": 1}, {"z": 2}]}),
        ('name = "x[].y.z"', {"x": [{"w": 1}, {"y": {"z": "Ann"}}]}, {"x": [{"w": 1}, {"y": {}}]}),
        ('name = "x.y"', {"x": "Ann"}, {"x": "Ann"}),
        ('name = "x.y"', {"x": ["Ann"]}, {"x": ["Ann"]}),
        ('name = "x.y.z"', {"x": {"y": 5}}, {"x.y": 5}),
        ('name = "x[0]"', {"x": ["Ann"]}, {}),
        ('name = "x[0]"', {"x": ["Ann", "Bo"]}, {"x": ["Bo"]}),
        ('name = "x[1]"', {"x": ["Ann", "Bo"]}, {"x": ["Ann"]}),
        ('name = "x[0]"', {"x": "Ann"}, {"x": "Ann"}),
        ('name = "x[0]"', {"x": {"a": 1}}, {"x": {"a": 1}}),
        ('name = "x[0].n"', {"x": [{"n": "Ann", "m": 1}, {"n": "Bo"}]}, {"x": [{"m": 1}, {"n": "Bo"}]}),
        ('name = "x[]"', {"x": ["Ann", "Bo"]}, {"x": ["Bo"]}),
        ('name = "x[].n"', {"x": [{"n": None, "m": 1}, {"n": "Bo"}, {"n": "C"}]},
         {"x": [{"n": None, "m": 1}, {"n": "C"}]}),
        ('name = "x[k=a].n"', {"x": [{"k": "a", "n": "Ann"}]}, {}),
        ('name = "x[k=a].n"', {"x": [{"k": "a", "n": "Ann", "m": 1}, {"k": "b", "n": "Bo"}, "t"]},
         {"x": [{"m": 1}, {"k": "b", "n": "Bo"}, "t"]}),
        ('name = "x[k=a].n"\nnickname = "x[0].m"', {"x": [{"k": "a", "n": "Ann", "m": "A"}]}, {}),
        ('name = "x.*"', {"x": {"a": "Ann"}}, {"x": {"a": "Ann"}}),
        ('name = { from = "x.y[0]", fits = "^[a-z]+$" }', {"x": {"y": ["ANN", "bo"]}},
         {"x.y[0]": "ANN", "x.y": ["bo"]}),
        ('mfa_factors = { from = "x[]", factor = "phone" }', {"x": ["+1", "+2"]}, {}),
        ('mfa_factors = { from = "x[k=p].v", factor = "phone" }', {"x": [{"k": "p", "v": "+1"}, {"k": "q"}]},
         {"x": [{"k": "q"}]}),
        ('name = "x"\n[user_metadata]\nk = ["y", "z"]', {"y": 1, "z": 2}, {"z": 2}),
    ],
)  # fmt: skip
def test_what_rules_pass_by_is_kept(
    engine: duckdb.DuckDBPyConnection, mapping: str, given: dict[str, object], rest: dict[str, object]
) -> None:
    mapped = map_values(engine, f"{EMAIL}{mapping}\n", USER | given)
    assert (mapped.rest, mapped.warnings) == ([rest], [])


def test_what_is_ignored_is_not_kept(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'ignore = ["i", "j.k", "l[].m"]\n' + EMAIL
    given = {"i": 5, "j": {"k": 1, "l": 2}, "l": [{"m": 1, "n": 2}]}
    mapped = map_values(engine, mapping, USER | given, USER | {"j": "text", "l": []})
    assert mapped.rest == [{"j": {"l": 2}, "l": [{"n": 2}]}, {"j": "text"}]
    assert mapped.warnings == []


def test_what_is_left_out_is_named(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'leave_out = ["x", "l[type=a]", "o.k"]\n' + EMAIL
    full = {"x": 1, "l": [{"type": "a"}, {"type": "b"}], "o": {"k": "1", "z": 2}}
    mapped = map_values(engine, mapping, USER | full, USER | {"x": None, "l": [], "o": {"k": ""}})
    assert mapped.rest == [{"o": {"z": 2}, "l": [{"type": "b"}]}, {}]
    assert mapped.warnings == [(1, "LEFT_OUT", "l[type=a]"), (1, "LEFT_OUT", "o.k"), (1, "LEFT_OUT", "x")]


def test_what_is_around_a_user_is_kept(engine: duckdb.DuckDBPyConnection) -> None:
    records = ({"user": USER | {"x": 1}, "id": 5}, {"user": "text", "id": 6}, {"id": 7})
    mapped = map_values(engine, 'record = "user"\n' + EMAIL, *records)
    assert mapped.rest == [{"x": 1, "around": {"id": 5}}, {"user": "text", "around": {"id": 6}}, {"around": {"id": 7}}]


def test_the_rest_can_be_refused(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'rest = "refuse"\n' + EMAIL + 'name = { from = "n", fits = "^a" }\n'
    mapped = map_values(engine, mapping, USER | {"x.y": 1, "n": "b", "o": {"p": 1}}, USER | {"n": "a", "z": None})
    assert mapped.keys == [(1, "n", 1), (1, "o", 1), (1, "x.y", 1)]
    assert mapped.field("user_metadata") == [None, None]


SECRET = [
    {"password": "s3"},
    {"Passwort_Password": "s3"},
    {"userPassword": ["s3"]},
    {"pwd": "s3"},
    {"apiKey": "s3"},
    {"api_key": "s3"},
    {"mfaSecret": 123},
    {"token": -1},
    {"o": {"privateKey": "s3"}},
    {"l": [1, {"deep": [{"recovery_codes": ["s3"]}]}]},
    {"a": {"password": {"value": "s3"}}},
    {'secret"s': "s3"},
    {"sec\\ret secret": "s3"},
    {"text": '{"password": "s3"}'},
    {"text": '{"a": {"b": "{\\"password\\": \\"s3\\"}"}}'},
    {"passwordPolicy": {"secret": "s3"}},
    {"totp\n": "s3"},
]


@pytest.mark.parametrize("given", SECRET)
def test_secrets_are_left_out_at_any_depth(engine: duckdb.DuckDBPyConnection, given: dict[str, object]) -> None:
    mapped = map_values(engine, EMAIL, USER | given | {"kept": 1})
    assert mapped.rest == [{"kept": 1}]
    assert [(record, code) for record, code, _ in mapped.warnings] == [(1, "LEFT_OUT")]


@pytest.mark.parametrize("given", SECRET)
def test_secrets_are_left_out_of_metadata_that_rules_give(
    engine: duckdb.DuckDBPyConnection, given: dict[str, object]
) -> None:
    mapping = EMAIL + 'app_metadata = "am"\nuser_metadata = "um"\n[user_metadata]\nown = "own"\n'
    mapped = map_values(
        engine, mapping, USER | {"am": given | {"kept": 1}, "um": json.dumps(given | {"u": 1}), "own": given}
    )
    assert mapped.field("app_metadata") == ['{"kept":1}']
    assert mapped.field("user_metadata") == ['{"u":1}']
    assert len(mapped.warnings) == 3


def test_an_escaped_name_of_a_secret_is_found(engine: duckdb.DuckDBPyConnection) -> None:
    mapped = map_values(engine, EMAIL, '{"mail":"a@x.example","p\\u0061ssword":"s3","o":{"s\\u0065cret":"s3"}}')
    assert mapped.rest == [{}]
    assert mapped.warnings == [(1, "LEFT_OUT", "o"), (1, "LEFT_OUT", "password")]


def test_what_is_said_about_secrets_stays(engine: duckdb.DuckDBPyConnection) -> None:
    given = {
        "passwordChangedAt": "2020", "password_hint": "x", "passwordResetRequired": True, "hash_algorithm": "x",
        "password": None, "secret": "", "note": 'say "password": yes', "o": {"token": [], "x": 1, "salt": {}},
    }  # fmt: skip
    expected = {name: value for name, value in given.items() if value not in (None, "")}
    mapped = map_values(engine, EMAIL, USER | {**given, "o": {"x": 1}})
    assert (mapped.rest, mapped.warnings) == ([{**expected, "o": {"x": 1}}], [])


def test_a_value_that_does_not_fit_is_left_out_if_it_is_a_secret(engine: duckdb.DuckDBPyConnection) -> None:
    mapped = map_values(engine, EMAIL + 'name = { from = "token", fits = "^a" }\n', USER | {"token": "s3"})
    assert (mapped.rest, mapped.warnings) == ([{}], [(1, "LEFT_OUT", "token")])


def test_metadata_have_members_of_rules_beside_the_rest(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'system = "club"\n' + EMAIL + 'user_metadata = "um"\n'
    mapping += '[user_metadata]\ncity = "address.city"\nfixed = { value = 5 }\n[app_metadata]\nplan = "plan"\n'
    records: list[dict[str, object]] = [
        {"um": {"a": 1}, "address": {"city": "X", "zip": "1"}, "plan": ["p"]},
        {"um": {}, "x": 1},
        {"um": "text", "x": 1},
        {},
    ]
    mapped = map_values(engine, mapping, *(USER | record for record in records))
    assert mapped.field("user_metadata") == [
        '{"a":1,"city":"X","fixed":5,"club":{"address":{"zip":"1"}}}',
        '{"fixed":5,"club":{"x":1}}',
        "(string)",
        '{"fixed":5}',
    ]
    assert mapped.field("app_metadata") == ['{"plan":["p"]}', None, None, None]
