"""What is at the paths of a rule becomes a field; what does not fit is left for the rules of the record to refuse."""

import json

import duckdb
import polars as pl
import pytest

from schemas.fields import Field, JsonType
from schemas.frames import RECORDS
from schemas.mapping.language import Mapping, Rule
from tests.transforms.mapping.mapped import map_values
from transforms.mapping.rules import Words, read_field
from transforms.mapping.values_at import read_values


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ('"x"', "Ann", "Ann"),
        ('"x"', 12, "12"),
        ('"x"', -1.5, "-1.5"),
        ('"x"', True, "(boolean)"),
        ('"x"', {"a": 1}, "(object)"),
        ('"x"', ["Ann"], "(array)"),
        ('"x"', None, None),
        ('"x"', "", None),
        ('"x"', 'é\n"q"\\ \u2028', 'é\n"q"\\ \u2028'),
        ('{ value = "c" }', "Ann", "c"),
        ("{ value = 5 }", "Ann", "5"),
        ('{ from = "x", default = "d" }', "Ann", "Ann"),
        ('{ from = "x", default = "d" }', None, "d"),
        ('{ from = "x", default = "d" }', "", "d"),
        ('{ from = "x", map = { a = "A", b = 2 } }', "a", "A"),
        ('{ from = "x", map = { a = "A", b = 2 } }', " B ", "2"),
        ('{ from = "x", map = { a = "A" } }', "c", "c"),
        ('{ from = "x", map = { 1 = "one" } }', 1, "one"),
        ('{ from = "x", map = { "außer dienst" = "gone" } }', "Außer Dienst", "gone"),
        ('{ from = "x", map = { a = "A" } }', {"a": 1}, "(object)"),
        ('{ from = "x", map = { a = "A" }, default = "d" }', None, "d"),
        ('{ from = "x", pattern = "^cn=([^,]*)" }', "cn=ann,ou=x", "ann,ou=x"),
        ('{ from = "x", pattern = "^cn=([^,]*),.*$" }', "cn=ann,ou=x", "ann"),
        ('{ from = "x", pattern = "^cn=([^,]*),.*$" }', "ann", "ann"),
        ('{ from = "x", pattern = "^(a)(b)$", replace = "$2-$1st" }', "ab", "b-ast"),
        ('{ from = "x", pattern = "b", replace = "[$0]" }', "abc", "a[b]c"),
        ('{ from = "x", pattern = "^a$", replace = "" }', "a", None),
        ('{ from = "x", pattern = "a" }', ["a"], "(array)"),
        ('{ from = "x", pattern = "^x_", replace = "", map = { a = "A" } }', "x_a", "A"),
        ('{ from = "x", fits = "^[a-z]+$" }', "ann", "ann"),
        ('{ from = "x", fits = "^[a-z]+$" }', "ANN", None),
        ('{ from = "x", fits = "^[a-z]+$", default = "d" }', "ANN", "d"),
        ('{ from = "x", fits = "^[0-9]+$", pattern = "^n", replace = "" }', "n12", "12"),
        ('{ from = "x", time = "epoch" }', 1700000000, "2023-11-14T22:13:20Z"),
        ('{ from = "x", time = "epoch" }', "1700000000", "2023-11-14T22:13:20Z"),
        ('{ from = "x", time = ["epoch", "iso"] }', "2020-01-02", "2020-01-02T00:00:00Z"),
        ('{ from = "x", time = "%d/%m/%Y", zone = "Europe/Berlin" }', "02/01/2020", "2020-01-01T23:00:00Z"),
        ('{ from = "x", time = "iso" }', "yesterday", "yesterday"),
        ('{ from = "x.y[1].z" }', {"y": [0, {"z": "Ann"}]}, "Ann"),
        ('{ from = "x[]" }', ["Ann", "Bo"], "Ann"),
        ('{ from = "x[k=b].v" }', [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}], "2"),
    ],
)
def test_a_text_is_read(engine: duckdb.DuckDBPyConnection, rule: str, given: object, expected: object) -> None:
    mapped = map_values(engine, f"[fields]\nname = {rule}\n", {"x": given})
    assert mapped.field("name") == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("Ann", "Lo"), "Ann Lo"),
        (("Ann", None), "Ann"),
        (("", "Lo"), "Lo"),
        ((None, ""), None),
        ((1, 2), "1 2"),
        (("A\\", '"B'), 'A\\ "B'),
        ((["A"], "B"), "(array)"),
    ],
)
def test_texts_are_joined(engine: duckdb.DuckDBPyConnection, given: tuple[object, object], expected: object) -> None:
    rule = 'name = { from = ["x", "y"], join = " " }'
    mapped = map_values(engine, f"[fields]\n{rule}\n", {"x": given[0], "y": given[1]})
    assert mapped.field("name") == [expected]


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        *(('"x"', word, True) for word in (True, "true", "YES", " t ", "1", 1, "1.0", "on")),
        *(('"x"', word, False) for word in (False, "False", "no", "0", 0, "off", "f")),
        *(('"x"', absent, None) for absent in (None, "")),
        ('"x"', "maybe", "(string)"),
        ('"x"', 2, "(number)"),
        ('"x"', [], "(array)"),
        ('"x"', {}, "(object)"),
        ('{ from = "x", not = true }', True, False),
        ('{ from = "x", not = true }', "no", True),
        ('{ from = "x", not = true }', "maybe", "(string)"),
        ('{ from = "x", not = true }', None, None),
        ('{ from = "x", map = { gone = true, here = false } }', "Gone", True),
        ('{ from = "x", map = { gone = true, here = false } }', "elsewhere", "(string)"),
        ('{ from = "x", map = { gone = true } , not = true }', "gone", False),
        ('{ from = "x", present = true }', "2020-01-01", True),
        ('{ from = "x", present = true }', None, False),
        ('{ from = "x", present = true }', "", False),
        ('{ from = "x", present = true, not = true }', None, True),
        ('{ from = "x", default = true }', None, True),
        ('{ from = "x", default = true }', "maybe", "(string)"),
        ('{ from = "x", pattern = "^is ", replace = "" }', "is true", True),
        ("{ value = true }", "anything", True),
    ],
)
def test_a_flag_is_read_or_refused(
    engine: duckdb.DuckDBPyConnection, rule: str, given: object, expected: object
) -> None:
    mapped = map_values(engine, f"[fields]\nblocked = {rule}\n", {"x": given})
    assert mapped.field("blocked") == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((False, True), True),
        ((True, False), True),
        ((None, "yes"), True),
        (("", "no"), False),
        ((False, "maybe"), "(string)"),
        (("maybe", True), "(string)"),
        ((True, "maybe"), "(string)"),
        ((None, None), None),
    ],
)
def test_of_several_flags_one_that_is_true_counts_and_none_hides_an_unknown_word(
    engine: duckdb.DuckDBPyConnection, given: tuple[object, object], expected: object
) -> None:
    mapped = map_values(engine, '[fields]\nblocked = ["x", "y"]\n', {"x": given[0], "y": given[1]})
    assert mapped.field("blocked") == [expected]


def test_words_of_a_mapping_come_before_those_of_every_table(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'null_words = ["n/a", "-"]\ntrue_words = ["Ja", "off"]\nfalse_words = ["nein", "yes"]\n'
    mapping += '[fields]\nblocked = "x"\n'
    given = ["ja", "OFF", "Nein", "yes", "N/A", "-", "no"]
    mapped = map_values(engine, mapping, *({"x": word} for word in given))
    assert mapped.field("blocked") == [True, True, False, False, None, None, False]


@pytest.mark.parametrize("null", ["refuse", "clear"])
def test_null_stays_null_where_it_is_not_absent(engine: duckdb.DuckDBPyConnection, null: str) -> None:
    mapping = f'null = "{null}"\n[fields]\nemail = "x"\nname = {{ from = "x", pattern = "a" }}\n'
    mapping += 'blocked = { from = "x", map = { a = true } }\napp_metadata = "x"\nmfa_factors = "x"\n'
    mapped = map_values(engine, mapping, {"x": None})
    assert mapped.users == [dict.fromkeys(("email", "name", "blocked", "app_metadata", "mfa_factors"), "(null)")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("+49 (0)221 555-01.99", "+492215550199"),
        ("tel:+1-201-555-0123", "+12015550123"),
        ("+49 151/123 456", "+49151123456"),
        ("0221 555", None),
        ("+1 201 555 0123 ext. 7", None),
    ],
)
def test_a_phone_number_is_cleaned_or_left_to_the_metadata(
    engine: duckdb.DuckDBPyConnection, given: str, expected: str | None
) -> None:
    mapped = map_values(engine, '[fields]\nphone_number = "x"\n', {"x": given})
    assert mapped.field("phone_number") == [expected]
    assert mapped.rest == [{} if expected else {"x": given}]


def test_a_value_comes_before_a_null_that_clears_but_not_before_one_that_is_refused(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    fields = '[fields]\nname = ["x", "y"]\nroles = ["x", "y"]\nlocale = { from = "x", default = "de" }\n'
    fields += 'identities = "x"\npicture = "x"\n'
    records = ({"x": None, "y": "b"}, {"x": "https://x.example", "y": None}, {"x": None, "y": None})
    cleared = map_values(engine, f'null = "clear"\n{fields}', *records)
    assert cleared.field("name") == ["b", "https://x.example", "(null)"]
    assert cleared.field("roles") == ['["b"]', '["https://x.example"]', "(null)"]
    assert cleared.field("locale") == ["de"] * 3
    assert cleared.field("identities")[::2] == ["(null)", "(null)"]
    assert cleared.field("picture") == ["(null)", "https://x.example", "(null)"]
    refused = map_values(engine, f'null = "refuse"\n{fields}', *records)
    assert refused.field("name") == refused.field("roles") == ["(null)"] * 3
    assert refused.field("locale") == ["(null)", "de", "(null)"]
    absent = map_values(engine, f'null = "absent"\n{fields}', *records)
    assert absent.field("name") == ["b", "https://x.example", None]


@pytest.mark.parametrize("null", ["refuse", "absent", "clear"])
def test_null_is_no_value_where_a_rule_asks_whether_there_is_one(engine: duckdb.DuckDBPyConnection, null: str) -> None:
    mapping = f'null = "{null}"\nskip = {{ where = "robot" }}\n[fields]\nblocked = {{ from = "x", present = true }}\n'
    mapping += '[[password]]\nplain = "p"\n'
    mapped = map_values(engine, mapping, {"x": None, "robot": None, "p": None}, {"x": 1})
    assert (mapped.field("blocked"), mapped.others, mapped.warnings) == ([False, True], [], [])


def test_metadata_that_other_members_are_put_into_are_not_cleared(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'null = "clear"\nuser_metadata.a = "a"\n[fields]\nuser_metadata = "m"\napp_metadata = "m"\n'
    mapped = map_values(engine, mapping, {"m": None, "a": 1}, {"m": None, "rest": 1}, {"m": None})
    assert mapped.field("user_metadata") == ['{"a":1}', '{"source":{"rest":1}}', "(null)"]
    assert mapped.field("app_metadata") == ["(null)"] * 3


def test_the_first_text_counts(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = '[fields]\nname = ["x", { from = "y", fits = "^B" }, { value = "nobody" }]\n'
    mapped = map_values(engine, mapping, {"x": "Ann", "y": "Bo"}, {"y": "Bo"}, {"y": "Cy"}, {"x": ""})
    assert mapped.field("name") == ["Ann", "Bo", "nobody", "nobody"]


LISTS = [
    ("x", ["a", "b", "a"], ["a", "b", "a"]),
    ("x", "a", ["a"]),
    ("x", 5, ["5"]),
    ("x", None, None),
    ("x", "", None),
    ("x", [], []),
    ("x", {"a": 1}, {"a": 1}),
    ({"from": "x", "separator": ","}, "a, b,,a", ["a", "b"]),
    ({"from": "x", "separator": ","}, ["a,b"], ["a,b"]),
    ({"from": "x", "separator": ";"}, 'a"b;c\\d', ['a"b', "c\\d"]),
    ({"from": "x", "separator": ";"}, ";", None),
    ({"from": "x", "separator": ";", "map": {"a": "Admin"}}, "A;b", ["Admin", "b"]),
    ({"from": "x", "map": {"true": "admin", "false": ""}}, True, ["admin"]),
    ({"from": "x", "map": {"true": "admin", "false": ""}}, False, None),
    ({"from": "x", "map": {"true": "admin", "false": ""}}, [True, False], ["admin"]),
    ({"from": "x", "map": {"1": "admin", "0": ""}}, 0, None),
    ({"from": "x", "map": {"a": "Admin"}}, ["a", "b", "A"], ["Admin", "b"]),
    ({"from": "x", "pattern": "^r_(.*)$"}, ["r_a", "b", "r_b"], ["a", "b"]),
    ({"from": "x", "pattern": "^.*/(.*)$"}, ['a/"b', "c/é\\d"], ['"b', "é\\d"]),
    ({"from": "x[].n"}, [{"n": "a"}, {"n": None}, {"m": 1}, {"n": 5}, {"n": ""}], ["a", "5"]),
    ({"from": "x[k=v].n"}, [{"k": "v", "n": 1}, {"k": "w", "n": 2}], ["1"]),
    ({"from": "x.*"}, {"a": 1, "b": "c"}, ["1", "c"]),
    ({"from": "x", "default": "user"}, None, ["user"]),
    ({"from": "x", "default": "user"}, ["a"], ["a"]),
    ({"value": "user"}, "a", ["user"]),
]


@pytest.mark.parametrize(("rule", "given", "expected"), LISTS)
def test_a_list_is_read(engine: duckdb.DuckDBPyConnection, rule: object, given: object, expected: object) -> None:
    assert read_list(engine, [Rule.model_validate(rule)], {"x": given}) == expected


def test_lists_of_several_rules_are_one(engine: duckdb.DuckDBPyConnection) -> None:
    rules = [Rule.model_validate(rule) for rule in ("x", {"from": "y", "separator": ","}, {"value": "all"})]
    assert read_list(engine, rules, {"x": ["a"], "y": "b,c"}) == ["a", "b", "c", "all"]
    assert read_list(engine, rules, {"x": []}) == ["all"]


def test_absent_words_are_no_items(engine: duckdb.DuckDBPyConnection) -> None:
    rules = [Rule.model_validate({"from": "x", "separator": ","})]
    assert read_list(engine, rules, {"x": "a,N/A,b"}, null_words=["n/a"]) == ["a", "b"]


def read_list(
    engine: duckdb.DuckDBPyConnection, rules: list[Rule], record: object, *, null_words: list[str] | None = None
) -> object:
    words = Words.of(Mapping.model_validate({"fields": {"email": "e"}, "null_words": null_words or []}))
    paths = [path for rule in rules for path in rule.at]
    items = [path.items for path in paths if not path.is_many]
    texts = pl.DataFrame({"record": [1], "line": [1], "text": [json.dumps(record)]}, schema=RECORDS)
    found = read_values(texts, [*paths, *items], used=(), engine=engine)
    text = found.select(read_field(rules, Field("roles", JsonType.ARRAY), words)).item()
    return None if text is None else json.loads(text)


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ('{ from = "x", factor = "totp" }', "ABC", [{"totp": {"secret": "ABC"}}]),
        ('{ from = "x[]", factor = "phone" }', ["+1", "+2"], [{"phone": {"value": "+1"}}, {"phone": {"value": "+2"}}]),
        ('{ from = "x[k=e].v", factor = "email" }', [{"k": "e", "v": "a@x.y"}], [{"email": {"value": "a@x.y"}}]),
        ('"x"', '[{"totp":{"secret":"ABC"}}]', [{"totp": {"secret": "ABC"}}]),
        (
            '{ from = "x", factor = "totp", pattern = "^otpauth:.*[?&]secret=([A-Z2-7]+).*$" }',
            "otpauth://totp/x?digits=6&secret=ABC&issuer=x",
            [{"totp": {"secret": "ABC"}}],
        ),
    ],
)  # fmt: skip
def test_factors_are_written(engine: duckdb.DuckDBPyConnection, rule: str, given: object, expected: object) -> None:
    mapped = map_values(engine, f"[fields]\nmfa_factors = {rule}\n", {"x": given}, {"x": None})
    assert [user and json.loads(str(user)) for user in mapped.field("mfa_factors")] == [expected, None]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": 1}, '{"a":1}'),
        (' {"a": 1.50, "b": 12345678901234567890}', '{"a":1.50,"b":12345678901234567890}'),
        ("{bad", "(string)"),
        ('{"a":NaN}', "(string)"),
        ("text", "(string)"),
        ([1], "(array)"),
        (5, "(number)"),
        (None, None),
    ],
)
def test_an_object_may_be_a_text(engine: duckdb.DuckDBPyConnection, given: object, expected: object) -> None:
    mapped = map_values(engine, '[fields]\napp_metadata = "x"\n', {"x": given})
    assert mapped.field("app_metadata") == [expected]


def test_a_text_with_deep_json_is_measured(engine: duckdb.DuckDBPyConnection) -> None:
    deep = '{"a":' * 200 + "1" + "}" * 200
    mapped = map_values(engine, '[fields]\napp_metadata = "x"\n', {"x": deep})
    assert (mapped.field("app_metadata"), mapped.depths) == ([None], [200])
